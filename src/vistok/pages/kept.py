"""The section of a document that shows a build that was kept: made from its file, between two marks."""

import re
from collections.abc import Mapping
from typing import Any, Final

from vistok.errors import VistokError
from vistok.pages.templating import render
from vistok.tables.values import number

BEGIN: Final = "<!-- kept build: made by `vistok export-results`, not by hand -->"
END: Final = "<!-- end of the kept build -->"


def kept_section(name: str, build: Mapping[str, Any]) -> str:
    """Returns what a document says of a kept build, whose file has a name."""
    return render("kept.md.j2", name=name, kept=build, text=_text)


def with_section(document: str, section: str) -> str:
    """Returns a document with the text between its marks replaced.

    Raises:
        VistokError: it has no such marks.
    """
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise VistokError(f"the document needs the two lines {BEGIN} and {END}, once each.")
    inside = f"{BEGIN}\n\n{section.strip()}\n\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: inside, document, flags=re.DOTALL)


def _text(cell: Mapping[str, Any], decimals: int) -> str:
    if cell["mean"] is None:
        return "-"
    spread = "" if cell["spread"] is None else f" ± {number(cell['spread'], decimals)}"
    return number(cell["mean"], decimals) + spread
