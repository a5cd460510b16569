"""ETT, the second system: its tables as the grid declares them, and where its files are.

It is independent of the study of tokenizers: what is declared here reruns nothing there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pydantic import Field, model_validator

from vistok.grid.entries import GRID
from vistok.grid.fields import Id
from vistok.grid.paths import ABOUT, AUDIT_FORMATS, PUBLISHED, TABLE_FORMATS, Paths
from vistok.grid.read import read_entries, validated
from vistok.grid.recipes import Recipe
from vistok.grid.study import Study
from vistok.grid.value import Value

FOLDER: Final = GRID / "ett"
CLAIMS: Final = FOLDER / "claims.yaml"
TABLES: Final = FOLDER / "tables.yaml"
PRINTED: Final = PUBLISHED / "ett"
RECIPES: Final = FOLDER / "recipes.yaml"
PERCEPTUAL: Final = "perceptual"
RECONSTRUCTION: Final = "reconstruction"  # our own table
NUMBERS: Final = (2, 3, 4, 5)  # of the paper's tables that are transcribed


class EttColumn(Value):
    """One column of a table of ETT, headed as the paper heads it."""

    metric: str
    waits_for: str = Field(description="why a cell of ours is not there")


class EttTable(Value):
    """A table of ETT; the paper prints all of its rows and columns."""

    id: Id
    caption: str
    labels: tuple[str, ...] = Field(min_length=1)
    named_by: str = Field(description="the label column that names a row")
    rows: tuple[Id, ...] = Field(min_length=1, description="our recipe of each printed row, in their order")
    columns: dict[str, EttColumn] = Field(min_length=1)

    @property
    def number(self) -> int:
        """The paper's number of the table, at the end of the id."""
        return int(self.id.rpartition("-")[2])


def read_tables() -> dict[str, EttTable]:
    """Returns the tables that the grid declares, by their ids.

    Raises:
        VistokError: the file is missing, or an entry is wrong.
    """
    entries = read_entries(TABLES).items()
    return {name: validated(EttTable, name, entry, f"{TABLES}, entry {name!r}") for name, entry in entries}


@dataclass(frozen=True)
class EttPaths:
    """The files of ETT at one scale, relative to the root of the checkout."""

    study: Study

    @property
    def pages(self) -> Path:
        return Paths(self.study).tables / "ett"

    @property
    def reconstruction(self) -> Path:
        return Paths(self.study).results / "ett" / "reconstruction.json"

    def checkpoint(self, name: str) -> Path:
        """Returns the checkpoint folder of one of ETT's models: a network or the tokenizer."""
        return Paths(self.study).checkpoints / "ett" / name

    def table(self, table: str, suffix: str) -> Path:
        return self.pages / f"{table}.{suffix}"

    def shown(self) -> list[Path]:
        """Returns all rendered files."""
        names = (*read_tables(), RECONSTRUCTION)
        tables = [self.table(name, suffix) for name in names for suffix in TABLE_FORMATS]
        return [*tables, *(self.pages / f"audit.{suffix}" for suffix in AUDIT_FORMATS)]


def teachers(study: Study, recipe: Recipe) -> list[Path]:
    """Returns the network of the perceptual loss for a recipe's tokenizer, if the tokenizer's own loss counts."""
    return [EttPaths(study).checkpoint(PERCEPTUAL)] if recipe.tokenizer_loss else []


def printed() -> list[Path]:
    """Returns the files with the paper's tables and claims, and what is compared with them."""
    return [*(PRINTED / f"table{number}.csv" for number in NUMBERS), PRINTED / ABOUT, CLAIMS, TABLES]


class NetworkSize(Value):
    """The encoder and the decoder of a tokenizer with a codebook, and the codebook."""

    image_size: int = Field(gt=0, description="pixels a side")
    codes: int = Field(gt=1)
    width: int = Field(gt=0, description="of a code")
    channels: int = Field(gt=0, multiple_of=32)
    multipliers: tuple[int, ...] = Field(min_length=1, description="of `channels`, by halvings of the map")
    blocks: tuple[int, ...] = Field(description="in the encoder, by halvings of the map")
    attention: bool = Field(False, description="at the coarsest map, and two blocks more around it")
    stem: int = Field(
        1, gt=0, description="stride of the first convolution, and of the last one's pixel shuffle"
    )
    lean: bool = Field(
        False,
        description="a small one: 1 x 1 convolutions into and out of codes, a decoder of as many blocks as the "
        "encoder, and maps narrowed as they are doubled",
    )
    linear: bool = Field(False, description="whether one linear layer of whole patches stands beside either")

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(self.channels * factor for factor in self.multipliers)

    @property
    def stride(self) -> int:
        """The side in pixels of the patch that one code represents."""
        return int(self.stem * 2 ** (len(self.multipliers) - 1))

    @property
    def tokens(self) -> int:
        return int((self.image_size // self.stride) ** 2)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.blocks) != len(self.multipliers):
            raise ValueError(
                f"`blocks` names {len(self.blocks)} maps, and `multipliers` {len(self.multipliers)}"
            )
        if self.image_size % self.stride:
            raise ValueError(
                f"a code stands for {self.stride} pixels a side, which {self.image_size} are no multiple of"
            )
        return self
