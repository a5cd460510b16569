"""ETT, the second system: its tables as the grid declares them, and where its files are.

It is independent of the study of tokenizers: what is declared here reruns nothing there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from vistok.files import digest_file
from vistok.grid.entries import GRID
from vistok.grid.fields import Id, Seed
from vistok.grid.paths import ABOUT, AUDIT_FORMATS, CLAIMS_FORMATS, PUBLISHED, TABLE_FORMATS, Paths
from vistok.grid.read import read_entries, validated
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.grid.value import Value

FOLDER: Final = GRID / "ett"
CLAIMS: Final = FOLDER / "claims.yaml"
TABLES: Final = FOLDER / "tables.yaml"
PRINTED: Final = PUBLISHED / "ett"
RECIPES: Final = FOLDER / "recipes.yaml"
RECONSTRUCTION: Final = "reconstruction"  # a table of our own, as the next is
GENERATION: Final = "generation"
PROMPT_SETS: Final = ("plain", "held-out")
PUBLISHED_SET: Final = "published"  # GenEval's own prompts
NUMBERS: Final = (2, 3, 4, 5)  # of the paper's tables that are transcribed


class EttColumn(Value):
    """One column of a table of ETT, headed as the paper heads it, or one of our own, headed by its task."""

    metric: str = ""
    task: Id | None = Field(None, description="the task of the study that our cells answer")
    reconstruction: Id | None = Field(
        None, description="what of the reconstruction our cells are, such as rfid"
    )
    generation: Literal["plain", "held-out", "published"] | None = Field(
        None,
        description="prompts of this study's world, or published ones, of whose drawn images our cells are the share "
        "that show them",
    )
    waits_for: str = Field("", description="why a cell of ours is not there")

    @model_validator(mode="after")
    def _says_what_is_ours(self) -> Self:
        sources = [
            name for name in ("task", "reconstruction", "generation", "waits_for") if getattr(self, name)
        ]
        if len(sources) != 1 or bool(self.task) == bool(self.metric):
            raise ValueError(
                "a column has a `task`, whose metric it shows, or a `metric` with `reconstruction`, `generation` "
                "or `waits_for`; "
                f"found {', '.join(sources) or 'none'}"
            )
        return self


class EttRow(Value):
    """One row of a table of ETT."""

    tokenizer: Id
    recipe: Id
    published: int | None = Field(None, ge=1, description="which of the paper's rows it is")
    labels: dict[str, str] = Field({}, description="of a row of our own")
    seeds: tuple[Seed, ...] | None = Field(None, description="if not given, --config seeds=N says how many")

    def runs(self, llm: str, seeds: int) -> tuple[Run, ...]:
        """Returns its runs, one a seed."""
        each = self.seeds or tuple(range(seeds))
        return tuple(Run(tokenizer=self.tokenizer, recipe=self.recipe, llm=llm, seed=seed) for seed in each)


class EttTable(Value):
    """A table of ETT: all rows and columns that the paper prints, then our own."""

    id: Id
    caption: str
    labels: tuple[str, ...] = Field(min_length=1)
    named_by: str = Field(description="the label column that names a row")
    rows: tuple[EttRow, ...] = Field(min_length=1)
    columns: dict[str, EttColumn] = Field(min_length=1)
    pairs: tuple[tuple[int, int], ...] = Field(
        (),
        description="rows, counted from 1, of which the first less the second is told with its paired interval",
    )

    @model_validator(mode="after")
    def _pairs_name_rows(self) -> Self:
        if strange := [row for pair in self.pairs for row in pair if not 1 <= row <= len(self.rows)]:
            raise ValueError(f"`pairs` names row {strange[0]} of {len(self.rows)}")
        return self

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the study that its columns show."""
        return tuple(column.task for column in self.columns.values() if column.task)

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

    @property
    def generation(self) -> Path:
        return Paths(self.study).results / "ett" / "generation.json"

    @property
    def cells(self) -> Path:
        """What the claims are weighed on."""
        return Paths(self.study).results / "ett" / "cells.json"

    @property
    def sheet(self) -> Path:
        return self.pages / "generation.png"

    @property
    def drawn(self) -> Path:
        """The images of published prompts, a folder for each row, in the layout of GenEval's tools."""
        return Paths(self.study).results / "ett" / "drawn"

    @property
    def prompts(self) -> Path:
        """The folder of prompts, images to learn from, and images that a judge is tried on."""
        return Paths(self.study).shards("ett-generation")

    def checkpoint(self, name: str) -> Path:
        """Returns the checkpoint folder of one of ETT's models: a network or the tokenizer."""
        return Paths(self.study).ett_model(name)

    def drawer(self, run: Run | str) -> Path:
        """Returns the checkpoint folder of a run's model after it has learnt to draw."""
        return self.checkpoint("drawers") / (run if isinstance(run, str) else run.path)

    def table(self, table: str, suffix: str) -> Path:
        return self.pages / f"{table}.{suffix}"

    def shown(self) -> list[Path]:
        """Returns all rendered files."""
        names = (*read_tables(), RECONSTRUCTION, GENERATION)
        tables = [self.table(name, suffix) for name in names for suffix in TABLE_FORMATS]
        claims = [self.pages / f"claims.{suffix}" for suffix in CLAIMS_FORMATS]
        return [*tables, *(self.pages / f"audit.{suffix}" for suffix in AUDIT_FORMATS), *claims]

    @property
    def rendered(self) -> bool:
        """Whether every rendered file is there."""
        return all(path.is_file() for path in self.shown())

    def digests(self) -> dict[str, str]:
        """Returns the digest of each rendered file, by its name, if every one of them is there; else none."""
        return {path.name: digest_file(path) for path in self.shown()} if self.rendered else {}


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
