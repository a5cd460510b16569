"""What the command line prints for an unexpected error: one sentence, and how to see more."""

import errno
import os
import re
import sys
from importlib import metadata
from typing import Final

from vistok.errors import printable

_MORE: Final = "The same command with --debug shows where."
# Modules that are not called as the package which brings them.
_PACKAGES: Final = {
    "PIL": "pillow",
    "yaml": "pyyaml",
    "sklearn": "scikit-learn",
    "open_clip": "open_clip_torch",
}


def sentence(error: Exception, *, extra: str | None = None) -> str:
    """Returns what an unexpected error means to the user, in one line.

    Args:
        error: what happened.
        extra: the extra of vistok that the command needs, if any.
    """
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("vistok"):
        return missing(error.name.partition(".")[0], extra)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename is None:
        return f"the output cannot be written: {error.strerror}. Free some space, then start the same command again."
    if isinstance(error, OSError) and error.strerror:
        where = f" {error.filename}:" if error.filename else ""
        return printable(f"the system refused:{where} {error.strerror}. {_MORE}")
    text = str(error).strip().partition("\n")[0]
    return printable(f"an unexpected error, {type(error).__name__}: {text or 'no message'}. {_MORE}")


def missing(module: str, extra: str | None = None) -> str:
    """Returns what to install for a module that is not there.

    That is the extra which the command needs, where it brings the module, or else the smallest that does.
    """
    package = _PACKAGES.get(module, module)
    extras = _extras_with(package)
    chosen = extra if extra in extras else next(iter(extras), None)
    install = f"vistok[{chosen}]" if chosen else package
    return f"the package {package!r} is not installed, and this needs it: pip install '{install}'."


def _extras_with(package: str) -> list[str]:
    """Returns which extras require a package, the smallest first; none where vistok itself does, or nothing."""
    try:
        needed = metadata.requires("vistok") or []
    except metadata.PackageNotFoundError:
        return []
    extras: dict[str, set[str]] = {}
    for line in needed:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if name and extra:
            extras.setdefault(extra[1], set()).add(_plain(name[0]))
    return sorted((key for key in extras if _plain(package) in extras[key]), key=lambda key: len(extras[key]))


def _plain(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def flush_output() -> None:
    """Writes out what was printed, so that a full disk is noticed here and not behind the last line of the program.

    Raises:
        OSError: it cannot be written. What is left of it is let go, or Python would try again at its end.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
