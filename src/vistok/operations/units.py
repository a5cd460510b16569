"""Numbers as people read them."""

_STEP = 1024.0


def said_bytes(count: float) -> str:
    """Returns a number of bytes with a binary unit, such as `3.2 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < _STEP:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= _STEP
    return f"{count:,.1f} TiB"
