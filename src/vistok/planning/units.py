"""Numbers as people read and write them."""

from math import inf, isfinite

from vistok.errors import VistokError

_STEP = 1024.0


def readable_bytes(count: float) -> str:
    """Returns a number of bytes with a binary unit, such as `3.2 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < _STEP:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= _STEP
    return f"{count:,.1f} TiB"


def positive(option: str, value: float, *, most: float = inf) -> float:
    """Returns the number that was given for an option.

    Raises:
        VistokError: it is not above 0, not finite, or above `most`.
    """
    if 0 < value <= most and isfinite(value):
        return value
    legal = "a finite number above 0" if most == inf else f"a number above 0 and at most {most:g}"
    raise VistokError(f"{option}: {legal} is needed, found {value:g}. Give another, or leave {option} out.")
