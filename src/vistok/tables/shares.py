"""How far a cell is between its floor and its ceiling: an untrained encoder and the true contents."""

from collections.abc import Sequence
from dataclasses import replace

from vistok.tables.values import Cell, Share

_TWO_SIDED = 1.959964  # standard errors from the middle of a 95 % interval to its ends
_DECIMALS = 6


def with_shares(cells: Sequence[Cell], floor: Sequence[Cell], ceiling: Sequence[Cell]) -> tuple[Cell, ...]:
    """Returns a row's cells with their shares of the way from the floor's cells to the ceiling's.

    A cell without an interval is an average: it has a share where all that it is over have one.
    """
    bounds = list(zip(cells, floor, ceiling, strict=True))
    shares = [share_of(cell, low, high) for cell, low, high in bounds]
    complete = all(
        share for share, (cell, *_) in zip(shares, bounds, strict=True) if _error(cell) is not None
    )
    return tuple(
        replace(cell, share=share if complete or _error(cell) is not None else None)
        for share, (cell, *_) in zip(shares, bounds, strict=True)
    )


def share_of(cell: Cell, floor: Cell, ceiling: Cell) -> Share | None:
    """Returns a cell's share of the way, in per cent; None where a value is missing, or where there is no way.

    There is none where the ceiling is not above the floor by twice the standard error of their difference: a recipe
    whose training makes nothing of the true contents has no ceiling.

    Its interval is of first order (the delta method), from the three cells' own intervals as if their questions were
    not the same: the answers to one question go together, so that it is rather too wide. None where a cell has none.
    """
    if cell.ours is None or floor.ours is None or ceiling.ours is None or ceiling.ours <= floor.ours:
        return None
    way = ceiling.ours - floor.ours
    ends = [error for error in map(_error, (floor, ceiling)) if error is not None]
    if len(ends) > 1 and way < 2 * (ends[0] ** 2 + ends[1] ** 2) ** 0.5:
        return None
    share = (cell.ours - floor.ours) / way
    errors = [_error(each) for each in (cell, floor, ceiling)]
    weights = (1.0, share - 1.0, -share)
    low = high = None
    available = [error for error in errors if error is not None]
    if len(available) == len(errors):
        error = (
            sum((weight * size) ** 2 for weight, size in zip(weights, available, strict=True)) ** 0.5 / way
        )
        low, high = (round(100 * (share + side * _TWO_SIDED * error), _DECIMALS) for side in (-1, 1))
    return Share(round(100 * share, _DECIMALS), low, high)


def _error(cell: Cell) -> float | None:
    """Returns the standard error that a cell's interval implies."""
    return None if cell.low is None or cell.high is None else (cell.high - cell.low) / (2 * _TWO_SIDED)
