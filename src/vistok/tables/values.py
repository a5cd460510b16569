"""The numbers of a rendered table: columns, cells and shares, as frozen values that know how they are printed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from statistics import stdev

from vistok.evaluation.pairs import ByImage

AVERAGE = "average"
MINUS = "−"
SPACE = "\N{NO-BREAK SPACE}"


def number(value: float, decimals: int) -> str:
    """Returns a value as it is printed, with this many decimals."""
    return str(_rounded(value, decimals))


def _rounded(value: float, decimals: int) -> Decimal:
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    return rounded if rounded else abs(rounded)  # no cell shows a minus before zeros


def within(ours: float | None, published: float | None, tolerance: float | None) -> bool | None:
    """Returns whether two numbers differ by no more than the tolerance; None where one of the three is missing."""
    if ours is None or published is None or tolerance is None:
        return None
    return round(abs(ours - published), 6) <= tolerance


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a task's metric under the protocol that the table prints, or the average of all columns.

    `n` of `of` questions are asked; an average has none of its own. `audit` is as in a cell, of the whole column.
    `part` is the type of question that it shows alone, if one; `stand_in` what is guessed in place of the prior;
    `printed` whether the paper has the column: an average is over those.
    """

    task: str
    title: str
    metric: str
    protocol: str
    protocols: Mapping[str, str]
    decimals: int
    n: int | None = None
    of: int | None = None
    audit: tuple[str, ...] = ()
    part: str | None = None
    stand_in: str = ""
    printed: bool = True

    @property
    def asks(self) -> str:
        """The task, and the type of its questions where the column shows one alone."""
        return self.task if self.part is None else f"{self.task} ({self.part})"

    @property
    def count_text(self) -> str:
        """How many questions are asked, and of how many where that is not all; empty for the average."""
        if self.n is None or self.of is None:
            return ""
        return f"n = {self.n}" + (f" of {self.of}" if self.n < self.of else "")

    @property
    def measure(self) -> str:
        return f"{self.metric}, {self.protocol}" if self.protocol else self.metric


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the way from a floor to a ceiling, in per cent, with its 95 % interval, if any."""

    value: float
    low: float | None
    high: float | None

    @property
    def exceeds(self) -> bool:
        """Whether it is beyond chance above 100: the ceiling is then none."""
        return (self.low or 0.0) > 100

    @property
    def text(self) -> str:
        """As it is printed, whole per cents."""
        return f"{number(self.value, 0).replace('-', MINUS)} % of the way"

    @property
    def interval_text(self) -> str:
        if self.low is None or self.high is None:
            return ""
        return f"[{number(self.low, 0)}, {number(self.high, 0)}]".replace("-", MINUS)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, in per cent.

    Attributes:
        decimals: how many are printed: as many as the paper prints in this column.
        published: the paper's number; None where it prints none.
        alone: whether ours stands where the paper prints a dash, in a row and a column of its own.
        ours: the mean over seeds; None where nothing was asked.
        low, high: the 95 % interval; over several seeds the mean of their ends.
        left_out: why the row is not measured on the column; empty where it is.
        n, of, reason: the questions asked, the questions there are, and why the two differ.
        seed_values: each seed's value, in the order of the row's runs.
        tolerance: how far `ours` may be from `published`; None where the scale makes no number a target.
        protocols: the same answers under every protocol, mean over seeds.
        bar: the best blind baseline, which `ours` has to beat.
        share: of the way from the row's floor to its ceiling; None where the scale has not both.
        published_rank, ours_rank: 1 for the best of the column, 2 for the second best, else 0.
        audit: the marks of what the audit finds wrong or doubtful in the published number.
        by_image: what each training scored on each image; None where metrics.json does not tell.
    """

    decimals: int
    published: Decimal | None = None
    alone: bool = False
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    of: int | None = None
    reason: str | None = None
    left_out: str = ""
    seed_values: tuple[float, ...] = ()
    protocols: Mapping[str, float] = field(default_factory=dict)
    bar: float | None = None
    share: Share | None = None
    tolerance: float | None = None
    published_rank: int = 0
    ours_rank: int = 0
    audit: tuple[str, ...] = ()
    by_image: ByImage | None = None

    @property
    def ours_text(self) -> str:
        return "-" if self.ours is None else number(self.ours, self.decimals)

    @property
    def spread(self) -> float | None:
        """The standard deviation between the row's trainings (of n - 1); None where there is one, or none."""
        return round(stdev(self.seed_values), 6) if len(self.seed_values) > 1 else None

    @property
    def spread_text(self) -> str:
        return "" if self.spread is None else f"±{SPACE}{number(self.spread, self.decimals)}"

    @property
    def published_text(self) -> str:
        return "-" if self.published is None else str(self.published)

    @property
    def difference_text(self) -> str:
        """Ours minus published, as printed and with its sign; empty where one of them is missing."""
        if self.ours is None or self.published is None:
            return ""
        difference = _rounded(self.ours, self.decimals) - self.published
        sign = "+" if difference > 0 else MINUS if difference < 0 else ""
        return f"{sign}{abs(difference)}"

    @property
    def agrees(self) -> bool | None:
        """Whether ours is within the tolerance of the published number; None if there is nothing to compare."""
        return within(self.ours, None if self.published is None else float(self.published), self.tolerance)

    @property
    def interval_text(self) -> str:
        if self.low is None or self.high is None:
            return ""
        return f"[{number(self.low, self.decimals)}, {number(self.high, self.decimals)}]"

    @property
    def beats_blind(self) -> bool | None:
        """Whether ours exceeds the best blind baseline; None where there is nothing to compare."""
        return None if self.ours is None or self.bar is None else self.ours > self.bar
