"""The one error type that users of vistok are meant to read."""

import difflib
import re
from collections.abc import Iterable
from typing import Final

_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
CONTINUED: Final = "\n  "  # separates the lines of a message; text from a file never starts a line


class VistokError(Exception):
    """Bad input, in one message: what was asked, what was found, what is legal, what to do next.

    The command line prints the message without a traceback and exits with status 1. Whatever names and texts of files
    stand in it, it cannot control a terminal or start a new line.
    """

    def __str__(self) -> str:
        return CONTINUED.join(map(printable, super().__str__().split(CONTINUED)))


def printable(text: str) -> str:
    """Returns text in one line, with control, bidirectional and invisible characters spelt out."""
    return _UNPRINTABLE.sub(_spelt_out, text)


def _spelt_out(match: re.Match[str]) -> str:
    return " " if match[0].isspace() else match[0].encode("unicode_escape").decode()


def unknown(
    kind: str, value: object, legal: Iterable[str], *, edit: str | None = None, also: str = ""
) -> VistokError:
    """Returns the error for a name that does not exist, with the nearest legal one.

    Args:
        kind: what was named, such as `tokenizer`.
        edit: the file that a new one is added to.
        also: what else is legal.
    """
    names = sorted(legal)
    lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(str(value).lower(), lower, n=1)
    hint = f" Did you mean {lower[near[0]]!r}?" if near else ""
    more = f", or {also}" if also else ""
    where = f" To add it, edit {edit}." if edit else ""
    return VistokError(f"unknown {kind} {value!r}.{hint} Legal: {', '.join(names) or 'none'}{more}.{where}")
