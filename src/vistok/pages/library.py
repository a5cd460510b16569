"""DataTables, which sorts the tables of a page: the copy bundled with itables, for pages without a network."""

import re
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Final

from vistok.errors import VistokError

# The bundle is an ES module, which a browser loads from no file; what it exports by default is DataTables itself.
_EXPORTS: Final = re.compile(r"(?<=;)export\s*\{[^}]*?(\w+) as default[^}]*\};?")


def data_tables() -> str:
    """Returns DataTables as a plain script that sets `DataTable`, its licences included.

    Raises:
        VistokError: itables is not installed, or its bundle is of another form.
    """
    try:
        text = files("itables").joinpath("html/dt_bundle.js").read_text(encoding="utf-8")
    except ModuleNotFoundError as error:
        raise VistokError(
            "itables is not installed, which carries the tables of the page: make its environment again "
            "(`make paper_tables` does)."
        ) from error
    script, count = _EXPORTS.subn(r"globalThis.DataTable=\1;", text)
    if count != 1:
        raise VistokError(
            f"itables {_version()} exports DataTables in another way than version 2.9 does. Install the version of "
            "requirements.lock."
        )
    return f"(function(){{{script}\n}})();\n"


def _version() -> str:
    try:
        return version("itables")
    except PackageNotFoundError:
        return "without a version"
