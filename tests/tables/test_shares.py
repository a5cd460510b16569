"""Shares of the way from a floor to a ceiling."""

from dataclasses import replace

import numpy as np
import pytest

from vistok.tables.shares import share_of, with_shares
from vistok.tables.values import Cell, number


def cell(ours: float, half: float | None = None) -> Cell:
    if half is None:
        return Cell(1, ours=ours)
    return Cell(1, ours=ours, low=ours - half, high=ours + half)


def test_a_share_is_of_the_way_between_both() -> None:
    floor, ceiling = cell(40), cell(80)
    values = [share_of(cell(ours), floor, ceiling) for ours in (40, 50, 80, 30)]
    assert [share.value for share in values if share] == [0, 25, 100, -25]
    shares = [each.share for each in with_shares([cell(50), cell(90)], [floor] * 2, [ceiling, cell(90)])]
    assert [share and share.value for share in shares] == [25, 100]


def test_there_is_none_without_a_way() -> None:
    assert share_of(cell(50), cell(40), cell(40)) is None
    assert share_of(Cell(1), cell(40), cell(80)) is None
    assert share_of(cell(50), cell(40), Cell(1)) is None


def test_there_is_none_where_the_ends_are_not_told_apart() -> None:
    cell, floor, near, far = (
        Cell(1, ours=mid, low=mid - 2, high=mid + 2) for mid in (60.0, 50.0, 52.0, 56.0)
    )
    assert share_of(cell, floor, near) is None
    share = share_of(cell, floor, far)
    assert share and share.value == pytest.approx(1000 / 6)
    average = Cell(1, ours=70.0)
    ends = (Cell(1, ours=10.0), Cell(1, ours=90.0))
    shares = [each.share for each in with_shares((cell, average), (floor, ends[0]), (near, ends[1]))]
    assert shares == [None, None], "nor has what is over it"
    _, whole = with_shares((cell, average), (floor, ends[0]), (far, ends[1]))
    assert whole.share and whole.share.value == 75.0


def test_its_interval_is_that_of_draws_from_the_three_intervals() -> None:
    result = share_of(cell(55, 3), cell(40, 2), cell(80, 2.5))
    assert result and result.low is not None and result.high is not None
    draws = np.random.default_rng(0).standard_normal((3, 200_000)) / 1.96
    ours, floor, ceiling = (middle + half * drawn for (middle, half), drawn in zip(
        ((55, 3), (40, 2), (80, 2.5)), draws, strict=True
    ))  # fmt: skip
    low, high = np.percentile(100 * (ours - floor) / (ceiling - floor), [2.5, 97.5])
    assert (result.low, result.high) == pytest.approx((low, high), abs=0.5)


def test_a_cell_without_an_interval_leaves_the_share_without_one() -> None:
    result = share_of(cell(55), cell(40, 2), cell(80, 2))
    assert result and (result.value, result.low, result.interval_text) == (37.5, None, "")


def test_what_is_printed() -> None:
    result = share_of(cell(39, 3), cell(40, 2), cell(80, 2))
    assert result and result.text == "−2 % of the way"
    assert result.interval_text == "[−12, 7]"
    assert replace(result, value=61.5).text == "62 % of the way"


def test_a_cell_far_above_its_ceiling_has_none() -> None:
    floor, ceiling = cell(40, 2), cell(60, 2)
    shares = [share_of(cell(ours, 2), floor, ceiling) for ours in (50, 61, 80)]
    assert [share and share.exceeds for share in shares] == [False, False, True]
    without = share_of(cell(90), floor, ceiling)
    assert without and not without.exceeds


def test_a_rounded_zero_has_no_minus() -> None:
    assert [number(value, 1) for value in (-0.04, 0.04, -0.06, 0.0)] == ["0.0", "0.0", "-0.1", "0.0"]
    assert number(-0.4, 0) == "0"
