"""The one error that a user of vistok is meant to read."""

import difflib
from collections.abc import Iterable


class VistokError(Exception):
    """Bad input, said in one go: what was asked, what was found, what is legal, what to do next.

    The command line prints the message without a traceback and exits with status 1.
    """


def unknown(kind: str, asked: object, legal: Iterable[str], *, edit: str | None = None) -> VistokError:
    """Returns the error for a name that does not exist, with the nearest legal one.

    Args:
        kind: what was named, such as `tokenizer`.
        edit: the file that a new one is added to.
    """
    known = sorted(legal)
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(asked).lower(), lower, n=1)
    hint = f" Did you mean {lower[near[0]]!r}?" if near else ""
    where = f" To add it, edit {edit}." if edit else ""
    return VistokError(f"unknown {kind} {asked!r}.{hint} Legal: {', '.join(known) or 'none'}.{where}")
