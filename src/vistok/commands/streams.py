"""`-` as a file: standard input to read, standard output to write."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.files import check_destination, write_json

STREAM: Final = Path("-")
_INPUT: Final = Path("/dev/stdin")


def inputs(*paths: Path) -> list[Path]:
    """Returns files to read, `-` as standard input.

    Raises:
        VistokError: several are standard input, which is read once.
    """
    if paths.count(STREAM) > 1:
        raise VistokError("standard input (-) is named twice, and is read once. Name a file for the other.")
    return [_INPUT if path == STREAM else path for path in paths]


def check_output(path: Path | None, *others: Path) -> None:
    """Checks, before long work, that a result can be written.

    Raises:
        VistokError: it cannot.
    """
    if path and path != STREAM:
        check_destination(path, *others)


def tell(result: Any, line: str, out: Path | None) -> None:
    """Writes a result as JSON where it is asked for, and prints a line that says what it is.

    Where the result itself goes to standard output, the line goes to standard error.

    Raises:
        VistokError: the file cannot be written.
    """
    if out == STREAM:
        print(json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False))
        print(line, file=sys.stderr)
        return
    if out:
        write_json(out, result)
    print(line)
