"""The memory of a process that trains or answers on the CPU."""

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1  # of <malloc.h>
_MMAP_THRESHOLD: Final = -3
_KEPT: Final = 1 << 30
_LARGEST: Final = 32 << 20  # glibc takes no more


def keep_freed_memory() -> None:
    """Has the C library keep what tensors give back, up to a gigabyte, where it can be told to (glibc).

    Each step asks for the same sizes again, and the system zeroes a page that it takes back: of a step of mini's some
    1,500 pages, a twentieth of its time; of its answers 85,000, a twenty-fifth.
    """
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is not None:
        tell(_TRIM_THRESHOLD, _KEPT)
        tell(_MMAP_THRESHOLD, _LARGEST)
