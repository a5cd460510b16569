"""What `workflow/grid/claims.yaml` holds, as frozen values that refuse unknown keys."""

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from vistok.errors import VistokError, unknown
from vistok.grid.fields import Id
from vistok.grid.read import read_entries, validated
from vistok.grid.value import Value
from vistok.published.tables import PublishedTable

Relation = Literal["greater", "at-least", "comparable"]
Section = Literal["abstract", "2.2", "3.1", "3.2", "4.2", "4.3"]
LONGEST_QUOTE = 110
CLAIMS = Path("workflow/grid/claims.yaml")


class Comparison(Value):
    """Rows of one table against other rows of it, in one or more columns.

    `rows` says how: `every` left row with every right row, `paired` first with first, or the groups' `mean`s.
    With `left_minus` and `right_minus` two gaps are compared (`mean` only). The left side must be greater, no
    less than `margin` below (`at-least`), or within `margin` (`comparable`).
    """

    table: int = Field(ge=1, le=8)
    columns: tuple[str, ...] = Field(min_length=1)
    columns_as: Literal["each", "mean"] = "each"
    left: tuple[str, ...] = Field(min_length=1)
    right: tuple[str, ...] = Field(min_length=1)
    left_minus: tuple[str, ...] = ()
    right_minus: tuple[str, ...] = ()
    rows: Literal["every", "paired", "mean"] = "every"
    relation: Relation = "greater"
    margin: float = Field(0.0, ge=0, description="points")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.rows == "paired" and len(self.left) != len(self.right):
            raise ValueError(
                f"rows: paired needs as many left as right rows: {len(self.left)}, {len(self.right)}"
            )
        if (self.left_minus or self.right_minus) and self.rows != "mean":
            raise ValueError("left_minus and right_minus need rows: mean")
        if self.relation == "comparable" and not self.margin:
            raise ValueError("relation: comparable needs a margin above 0")
        return self


class OwnReading(Value):
    """How a claim is read on a scale's own cells, where their columns are not the paper's."""

    reading: str = Field(description="what is compared, in words")
    comparisons: tuple[Comparison, ...] = Field(min_length=1)


class Claim(Value):
    """A sentence of the paper; one without comparisons cannot be tested on cells."""

    id: Id
    section: Section
    quote: str = Field(max_length=LONGEST_QUOTE, pattern=r"^[^\n]+$")
    reading: str = Field(description="what is compared, in words")
    comparisons: tuple[Comparison, ...]
    own: OwnReading | None = None

    @property
    def on_own_cells(self) -> "Claim":
        """The claim as it is weighed on a scale's own cells."""
        return self if self.own is None else self.model_copy(update={**dict(self.own), "own": None})


class QuestionCount(Value):
    """How many questions stand behind the published cells of some columns, in all rows or in `rows`.

    Of two entries about one cell the later one counts. `spread` is the standard deviation of the metric over
    images divided by its mean, for a metric that is no share of questions (CIDEr).
    """

    id: Id
    tables: tuple[int, ...]
    columns: tuple[str, ...]
    rows: tuple[str, ...] | None = None
    count: int = Field(gt=0)
    spread: float | None = None
    source: str


class StudyClaims(Value):
    """The whole file.

    `own_columns` are those of the tables that a scale fills itself, by number; a table that is not there has the
    paper's.
    """

    questions: tuple[QuestionCount, ...]
    claims: tuple[Claim, ...]
    own_columns: Mapping[int, tuple[str, ...]] = {}

    def columns(self, table: PublishedTable) -> tuple[str, ...]:
        """Returns the columns that a scale's own cells of a table can have."""
        return self.own_columns.get(table.number, table.numeric_columns)


def read_claims(
    path: Path, tables: Mapping[int, PublishedTable], own_columns: Mapping[int, Collection[str]] | None = None
) -> StudyClaims:
    """Returns the claims of a YAML file, in file order.

    Args:
        path: the file.
        tables: the paper's tables, by number.
        own_columns: the columns of the tables that a scale fills itself, by number; if not given, the paper's.

    Raises:
        VistokError: the file is missing, is not YAML, a key or value is not legal, or a table, row or column is none
            of the paper's, or a column of a claim's `own` reading is none of the scale's.
    """
    entries = read_entries(path)
    if entries.keys() != {"questions", "claims"}:
        raise VistokError(f"{path} needs the keys 'questions' and 'claims', found {sorted(entries)}.")
    study = StudyClaims(
        questions=tuple(
            validated(QuestionCount, name, entry, f"{path}, questions {name!r}")
            for name, entry in entries["questions"].items()
        ),
        claims=tuple(
            validated(Claim, name, entry, f"{path}, claim {name!r}")
            for name, entry in entries["claims"].items()
        ),
        own_columns={number: tuple(columns) for number, columns in (own_columns or {}).items()},
    )
    for question in study.questions:
        _check_question(question, tables, f"{path}, questions {question.id!r}")
    for claim in study.claims:
        for comparison in claim.comparisons:
            table = _table_of(comparison, tables, f"{path}, claim {claim.id!r}")
            _check_comparison(comparison, table, table.numeric_columns, f"{path}, claim {claim.id!r}")
        for comparison in claim.own.comparisons if claim.own else ():
            where = f"{path}, claim {claim.id!r}, `own`"
            table = _table_of(comparison, tables, where)
            _check_comparison(comparison, table, study.columns(table), where)
    return study


def _check_question(question: QuestionCount, tables: Mapping[int, PublishedTable], where: str) -> None:
    _check(where, "table", map(str, question.tables), map(str, tables))
    named = [tables[number] for number in question.tables]
    _check(where, "column", question.columns, chain.from_iterable(table.numeric_columns for table in named))
    _check(where, "row", question.rows or (), chain.from_iterable(table.row_ids for table in named))


def _table_of(comparison: Comparison, tables: Mapping[int, PublishedTable], where: str) -> PublishedTable:
    _check(where, "table", [str(comparison.table)], map(str, tables))
    return tables[comparison.table]


def _check_comparison(
    comparison: Comparison, table: PublishedTable, columns: Iterable[str], where: str
) -> None:
    rows = (*comparison.left, *comparison.right, *comparison.left_minus, *comparison.right_minus)
    _check(where, f"row of Table {table.number}", rows, table.row_ids)
    _check(where, f"column of Table {table.number}", comparison.columns, columns)


def _check(where: str, kind: str, names: Iterable[str], legal: Iterable[str]) -> None:
    allowed = set(legal)
    for name in names:
        if name not in allowed:
            raise VistokError(f"{where}: {unknown(kind, name, allowed)}")
