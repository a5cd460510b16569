"""What the study at a glance takes together."""

from vistok.pages.glance import _way
from vistok.tables.report import Row
from vistok.tables.values import Cell, Share


def row(*shares: Share | None) -> Row:
    return Row(("a",), (), tuple(Cell(1, share=share) for share in shares))


def test_a_side_is_the_mean_of_its_columns_that_have_a_ceiling() -> None:
    far, near, other = Share(340.0, 159.0, 521.0), Share(30.0, 20.0, 40.0), Share(50.0, 40.0, 60.0)
    detailed = [False, False, True, None]
    way = _way(row(near, other, far, far), detailed, False)
    assert way and way.value == 40 and way.low is not None and 30 < way.low < 40
    assert _way(row(near, other, far, None), detailed, True) is None, "beyond chance above the ceiling"
    alone = _way(row(far, other, None, None), detailed, False)
    assert alone and (alone.value, alone.low) == (50, 40)
