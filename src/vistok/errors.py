"""The one error that a user of vistok is meant to read."""

import difflib
from collections.abc import Iterable


class VistokError(Exception):
    """Bad input, said in one go: what was asked, what was found, what is legal, what to do next.

    The command line prints the message without a traceback and exits with status 1.
    """


def unknown(kind: str, asked: str, legal: Iterable[str], *, edit: str | None = None) -> VistokError:
    """Returns the error for an id that does not exist, with the nearest legal one."""
    known = sorted(legal)
    near = difflib.get_close_matches(asked, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    where = f" To add it, edit {edit}." if edit else ""
    return VistokError(f"unknown {kind} {asked!r}.{hint} Legal: {', '.join(known) or 'none'}.{where}")
