"""Tables: rows (runs or released models) x columns (task metrics)."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from vistok.errors import unknown
from vistok.grid.fields import Id, Label, Seed
from vistok.grid.runs import Released, Run
from vistok.grid.value import Value

LabelSource = Annotated[str, StringConstraints(pattern=r"^(tokenizer|recipe|llm|model)\.[a-z_]+$")]


class _AnyRow(Value):
    """What every row has; `published` is its 1-based row of the published CSV."""

    published: int | None = Field(None, ge=1)
    published_in: int | None = Field(
        None,
        description="the number of the table that prints it, where the paper's table of this number does not",
    )
    not_measured: dict[Id, str] = Field({}, description="task -> why this row has no score of it")
    instead: dict[Id, Id] = Field(
        {},
        description="a column's task -> the task that this row is asked in its place: the same questions, otherwise",
    )
    label: Label | None = Field(
        None, description="its name, where that of its run or model does not tell it from another row"
    )

    def task_for(self, task: str) -> str:
        """Returns the task that the row is asked for a column of this one."""
        return self.instead.get(task, task)

    @property
    def printed(self) -> int | None:
        """Which row of the table's own published CSV it is, counted from 0; None where it is none of them."""
        return None if self.published is None or self.published_in is not None else self.published - 1

    @model_validator(mode="after")
    def _is_published_somewhere(self) -> Self:
        if self.published_in is not None and self.published is None:
            raise ValueError("`published_in` names a table, and `published` no row of it")
        return self


class Row(_AnyRow):
    """A row that this study makes: a tokenizer joined to a language model by a recipe."""

    tokenizer: Id
    recipe: Id
    llm: Id
    seeds: tuple[Seed, ...] = Field(
        (0,),
        min_length=1,
        description="of its trainings, tokenizer and connector alike; if not given, --config seeds=N says how many",
    )
    own_models: bool = Field(
        False,
        description="whether it is another group's model, trained only at scales that have `trains_others`",
    )

    @property
    def path(self) -> str:
        """What its runs' ids have in common: all but the seed."""
        return f"{self.tokenizer}/{self.recipe}/{self.llm}"

    def repeated(self, seeds: tuple[int, ...]) -> Self:
        """Returns the row with these seeds, if it declares none of its own."""
        declared = "seeds" in self.model_fields_set
        return self if declared else self.model_copy(update={"seeds": seeds})

    def with_stand_ins(self, stand_ins: Mapping[str, str], in_others: Mapping[str, str]) -> Self:
        """Returns the row with what takes the place of its parts.

        A row with another tokenizer is not the paper's, except for another group's model: a table lists its parts.
        """
        if self.own_models:
            stand_ins = in_others
        tokenizer, llm = (stand_ins.get(name, name) for name in (self.tokenizer, self.llm))
        others = {"published": None} if tokenizer != self.tokenizer and not self.own_models else {}
        return self.model_copy(update={"tokenizer": tokenizer, "llm": llm, **others})

    @property
    def subjects(self) -> tuple[Run, ...]:
        """What answers for the row: its runs, one per seed."""
        return tuple(
            Run(tokenizer=self.tokenizer, recipe=self.recipe, llm=self.llm, seed=seed) for seed in self.seeds
        )


class ReleasedRow(_AnyRow):
    """A row that somebody else trained whole: an entry of models.yaml."""

    model: Id

    @property
    def path(self) -> str:
        """The id of the released model, under which its answers are kept."""
        return self.subjects[0].path

    def repeated(self, seeds: tuple[int, ...]) -> Self:
        """Returns the row as it is: nothing of it is trained here."""
        return self

    def with_stand_ins(self, stand_ins: Mapping[str, str], in_others: Mapping[str, str]) -> Self:
        """Returns the row as it is."""
        return self

    @property
    def subjects(self) -> tuple[Released, ...]:
        """What answers for the row: the released model."""
        return (Released(model=self.model),)


def _row_type(entry: Any) -> str:
    keys = entry if isinstance(entry, dict) else type(entry).model_fields
    return "[released]" if "model" in keys else "[made]"


AnyRow = Annotated[
    Annotated[Row, Tag("[made]")] | Annotated[ReleasedRow, Tag("[released]")], Discriminator(_row_type)
]


class Column(Value):
    """One column of a table."""

    task: Id
    published: str | None = Field(
        None,
        description="its header in the published CSV; none: a column of our own, headed by its task's label",
    )
    part: str | None = Field(
        None, description="the type of question that it shows alone, such as a dimension of SEED-Bench"
    )


class Table(Value):
    """A table of the paper: rows (runs) x columns (task metrics)."""

    id: Id
    caption: str
    number: int = Field(description="the published CSV's number")
    apart: bool = Field(
        False, description="whether it is no table of the paper's, and built only where it is asked for"
    )
    sizes: bool = Field(
        False,
        description="whether it tells what each row is made of, counted: visual tokens, parameters, images",
    )
    base: Id | None = Field(
        None,
        description="the recipe whose ranking of tokenizers those of the table's other recipes are held against",
    )
    labels: dict[str, LabelSource | None] = Field(
        min_length=1,
        description="label column, as the published CSV heads it -> where a row that the paper does not have takes "
        "it from, such as tokenizer.label; null: a dash",
    )
    named_by: str = Field(description="the label column that names a row")
    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[AnyRow, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_named_by_a_label(self) -> Self:
        if self.named_by not in self.labels:
            raise ValueError(f"named_by: {unknown('label column', self.named_by, self.labels)}")
        return self

    @model_validator(mode="after")
    def _each_row_stands_once(self) -> Self:
        first: dict[str, int] = {}
        for number, row in enumerate(self.rows, start=1):
            if first.setdefault(repr(row), number) < number:
                raise ValueError(f"row {number} is row {first[repr(row)]} once more: take one of them out")
        return self

    def repeated(self, seeds: tuple[int, ...]) -> Self:
        """Returns the table with the rows that declare no seeds trained with these."""
        return self.model_copy(update={"rows": tuple(row.repeated(seeds) for row in self.rows)})

    def with_stand_ins(self, stand_ins: Mapping[str, str], in_others: Mapping[str, str]) -> Self:
        """Returns the table with what takes the place of tokenizers and language models that its rows name.

        Args:
            in_others: what takes their place in the rows with `own_models`.
        """
        rows = tuple(row.with_stand_ins(stand_ins, in_others) for row in self.rows)
        return self.model_copy(update={"rows": rows})

    def measured(self, row: Row | ReleasedRow) -> tuple[Id, ...]:
        """Returns the tasks of the columns that a row is measured on."""
        return tuple(
            row.task_for(column.task) for column in self.columns if column.task not in row.not_measured
        )

    @property
    def tasks(self) -> tuple[Id, ...]:
        """The tasks of its columns, and those that rows are asked in their place."""
        others = (task for row in self.rows for task in row.instead.values())
        return tuple(dict.fromkeys((*(column.task for column in self.columns), *others)))
