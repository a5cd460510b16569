"""The paper's tables as printed: exact decimals, row labels, and ids to cite rows by."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from pydantic import Field

from vistok.errors import VistokError
from vistok.grid import paths
from vistok.grid.fields import Id
from vistok.grid.read import read_mapping, validated
from vistok.grid.value import Value

NUMBERS: Final = paths.NUMBERS
PUBLISHED: Final = paths.PUBLISHED
BLANK = "-"


class About(Value):
    """What `about.yaml` says of all tables, which they do not say of themselves."""

    id: Id
    average: str = Field(description="the header of the column that averages the others")
    row_ids: dict[int, tuple[str, ...]] = Field(
        description="table -> the label columns that tell its rows apart"
    )
    words: dict[str, str] = Field({}, description="what a label is called in a row's id")

    def row_id(self, number: int, row: Mapping[str, str]) -> str:
        labels = [row[column] for column in self.row_ids.get(number, ()) if column in row]
        return "/".join(self.words.get(label) or _slug(label) for label in labels)


@dataclass(frozen=True)
class PublishedTable:
    """One table, digit for digit.

    Attributes:
        number: the paper's table number.
        columns: the headers, in order.
        rows: for each row, header -> printed text; group labels stand on every row.
        average: the header of the column that averages the others; not every table has it.
        row_ids: an id per row, e.g. `clip/frozen` in Table 2, `flant5-xxl/eva-clip-fd` in Table 8.
    """

    number: int
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    average: str
    row_ids: tuple[str, ...]

    def printed(self, row: int, column: str) -> Decimal | None:
        """Returns the exact printed number of a cell; None where the paper leaves it blank.

        Raises:
            VistokError: no such row or column, or a cell that is a label.
        """
        if column not in self.columns or not 0 <= row < len(self.rows):
            raise VistokError(
                f"Table {self.number} has no cell at row {row}, column {column!r}. "
                f"Legal rows: 0..{len(self.rows) - 1}; columns: {', '.join(self.columns)}."
            )
        text = self.rows[row][column]
        if text == BLANK:
            return None
        number = _decimal(text)
        if number is None:
            raise VistokError(f"Table {self.number}, row {row}, column {column!r} is not a number: {text!r}.")
        return number

    def value(self, row: int, column: str) -> float | None:
        """Returns `printed` as a float."""
        number = self.printed(row, column)
        return None if number is None else float(number)

    def decimals(self, column: str) -> int:
        """Returns how many decimals the column is printed with."""
        cells = (self.printed(row, column) for row in range(len(self.rows)))
        return max((_decimals(cell) for cell in cells if cell is not None), default=0)

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """The headers under which every cell is a number or blank, and one at least is a number."""
        return tuple(column for column in self.columns if self._is_numeric(column))

    @property
    def score_columns(self) -> tuple[str, ...]:
        """The numeric columns without the average."""
        return tuple(column for column in self.numeric_columns if column != self.average)

    def row_index(self, row_id: str) -> int:
        """Returns the 0-based row with this id."""
        if row_id not in self.row_ids:
            raise VistokError(f"Table {self.number} has no row {row_id!r}. Legal: {', '.join(self.row_ids)}.")
        return self.row_ids.index(row_id)

    def _is_numeric(self, column: str) -> bool:
        cells = [row[column] for row in self.rows if row[column] != BLANK]
        return bool(cells) and all(_decimal(cell) is not None for cell in cells)


def read_published(folder: Path, number: int) -> PublishedTable:
    """Returns Table `number` from `folder`/table<number>.csv.

    Raises:
        VistokError: the file is missing, empty, or a row has another number of cells than the header.
    """
    path = folder / f"table{number}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header, *lines = list(csv.reader(stream)) or [[]]
    except FileNotFoundError as error:
        raise VistokError(
            f"published table not found: {path}. Legal numbers: 1..8; the files are in "
            "paper_tables/published."
        ) from error
    for position, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise VistokError(f"{path}, line {position}: {len(header)} cells are needed, found {len(line)}.")
    about, rows = _about(folder), [dict(zip(header, line, strict=True)) for line in lines]
    row_ids = tuple(about.row_id(number, row) for row in rows)
    return PublishedTable(number, tuple(header), tuple(rows), about.average, row_ids)


def _about(folder: Path) -> About:
    path = folder / paths.ABOUT
    return validated(About, path.stem, read_mapping(path), str(path))


def read_all_published(folder: Path) -> dict[int, PublishedTable]:
    """Returns Tables 1-8, by number."""
    return {number: read_published(folder, number) for number in NUMBERS}


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _slug(label: str) -> str:
    """Returns a label in kebab case, its citation left out: 'CLIP (Radford et al., 2021)' -> 'clip'."""
    name = re.sub(r"\s*\(.*\)$", "", label).lower()
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")
