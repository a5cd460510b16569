"""A table ready to be rendered: its rows, baselines, notes and origin, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vistok.audit.findings import Finding
from vistok.grid.runs import Run, Subject
from vistok.tables.sizes import Sizes
from vistok.tables.values import SPACE, Cell, Column, number


@dataclass(frozen=True, slots=True)
class Substitute:
    """What replaces weights that were never released; `scale` is one that trains its own instead, or empty."""

    text: str
    scale: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What a tokenizer's pretraining did not do, as its probe measured it.

    `found` is each training with a sentence for each thing.
    """

    findings: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What another group's model is made of otherwise than the published one.

    Attributes:
        parts: what it has, and in the place of what.
        text: what its recipe says besides.
    """

    parts: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its labels, what answers for it (runs, one per seed, or a released model), and a cell per column.

    `evenly` is whether it is asked under the protocol `even`; `even` the path of the same released model where its row
    is asked so, empty of any other row.
    """

    labels: tuple[str, ...]
    subjects: tuple[Subject, ...]
    cells: tuple[Cell, ...]
    mark: str = ""
    substitute: Substitute | None = None
    shortfall: Shortfall | None = None
    measured_cause: str = ""
    otherwise: Otherwise | None = None
    evenly: bool = False
    even: str = ""

    @property
    def marks(self) -> str:
        """The superscript of the row's name: its footnote's letter, and § for a pretraining that taught nothing."""
        return self.mark + ("§" if self.measured_cause else "")

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids under which its answers are kept."""
        return tuple(subject.path for subject in self.subjects)

    @property
    def path(self) -> str:
        """The id under which its answers are kept, without a seed."""
        subject = self.subjects[0]
        return subject.path.rpartition("/")[0] if isinstance(subject, Run) else subject.path

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that this study trained it with."""
        return tuple(subject.seed for subject in self.subjects if isinstance(subject, Run))


@dataclass(frozen=True, slots=True)
class Baseline:
    """Answers that never look at the image: for every column the value, and whether it is the best one."""

    name: str
    title: str
    values: tuple[float | None, ...]
    best: tuple[bool, ...]
    protocols: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class AuditNote:
    """What the audit finds in published numbers of a table, and its mark there."""

    mark: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table's answers come from.

    Attributes:
        scale, split: the questions' own.
        models: the scale whose checkpoints answer.
        small: whether that scale trains models itself, in place of the paper's.
        drawn: whether the questions are about drawn scenes.
        command: what makes the first cell again.
    """

    scale: str
    split: str
    models: str
    small: bool
    drawn: bool
    command: str


@dataclass(frozen=True, slots=True)
class TableReport:
    """A whole table, ready to be rendered.

    `main_label` is the index of the label that names a row. `bounds` are the rows of floors and ceilings,
    `base` the recipe that others' rankings are held against, if any; `sizes` what each row is made of, where a table
    tells it. `paper` is the one that prints it; `pairs` the positions of rows whose
    differences are told, each less the other.
    """

    id: str
    number: int
    caption: str
    results: str
    labels: tuple[str, ...]
    main_label: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    baselines: tuple[Baseline, ...]
    origin: Origin
    audit: tuple[AuditNote, ...] = ()
    bounds: tuple[Row, ...] = ()
    base: str = ""
    paper: Literal["gvt", "ett"] = "gvt"
    pairs: tuple[tuple[int, int], ...] = ()
    sizes: tuple[Sizes, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} ({self.results}): {self.caption}"

    @property
    def name(self) -> str:
        """What it is called: by the paper's number, or, where that has none, by its id."""
        return f"Table {self.number}" if self.number else self.id.capitalize()

    @property
    def has_published(self) -> bool:
        """Whether a paper prints any of its numbers; a table of our own has none."""
        return any(cell.published is not None for row in self.rows for cell in row.cells)

    def side_labels(self, labels: tuple[str, ...]) -> str:
        """Returns the other labels of a row, or of the head, in one line that breaks only between labels."""
        return " · ".join(
            label.replace(" ", SPACE) for index, label in enumerate(labels) if index != self.main_label
        )

    @property
    def group_starts(self) -> frozenset[int]:
        """The rows with a rule above them: where the first label changes, if it labels groups."""
        first = [row.labels[:1] for row in self.rows]
        starts = frozenset(index for index in range(1, len(first)) if first[index] != first[index - 1])
        return starts if len(starts) < len(first) / 2 else frozenset()

    @property
    def footnotes(self) -> dict[str, Row]:
        """Mark -> a row that has it, in the order of the rows."""
        return {row.mark: row for row in self.rows if row.mark}

    @property
    def protocol_columns(self) -> tuple[tuple[int, str], ...]:
        """(position of the column, protocol) for each protocol of the columns that have several."""
        return tuple(
            (index, protocol)
            for index, column in enumerate(self.columns)
            if len(column.protocols) > 1
            for protocol in column.protocols
        )

    def texts(self, baseline: Baseline) -> list[str]:
        """Returns a baseline's values as printed, one per column."""
        pairs = zip(baseline.values, self.columns, strict=True)
        return ["-" if value is None else number(value, column.decimals) for value, column in pairs]

    def protocol_texts(self, who: Row | Baseline) -> list[str]:
        """Returns the values of a row or a baseline under each of `protocol_columns`, as printed."""
        protocols = [cell.protocols for cell in who.cells] if isinstance(who, Row) else list(who.protocols)
        values = [(index, protocols[index].get(protocol)) for index, protocol in self.protocol_columns]
        return [
            "-" if value is None else number(value, self.columns[index].decimals) for index, value in values
        ]
