"""The vocabulary of the study as frozen, validated values: tokenizer, llm, recipe, task, table, run."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from vistok.errors import unknown
from vistok.grid.connectors import Connector, Resampler
from vistok.grid.kinds import kinds_in, task_kinds
from vistok.grid.language_models import SHAPES, LanguageModelKind, Shape
from vistok.grid.marks import GATE, LABEL, LOADED, MACHINE, MADE, NOTE, SCORING, counted
from vistok.grid.originals import Original
from vistok.grid.value import Value as Value


def _stays_below(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError("a path below the data root is needed, without '..'")
    return path


def _is_one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of printable text is needed")
    return text


RELEASED: Final = (
    "released"  # stands where a run's path has its tokenizer, so no tokenizer may be called this
)
ID_PATTERN: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=60)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_is_one_line)]
RelativePath = Annotated[str, StringConstraints(pattern=r"^[\w.@-][\w.@/ -]*$"), AfterValidator(_stays_below)]
LabelSource = Annotated[str, StringConstraints(pattern=r"^(tokenizer|recipe|llm|model)\.[a-z_]+$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Part = Literal["connector", "tokenizer", "llm"]
Normalisation = Literal["imagenet", "clip", "siglip"]
# They do not affect results by themselves: the weights' content is an input of every step that loads them.
_REVISION: Final = "commit of the hub's repository; without it, the newest snapshot in the cache"
_DIGEST: Final = (
    "SHA-256 of the weights as `vistok fetch weights` prints it; without it, any content is accepted"
)
OBJECTIVES: Final = "supervision/objectives"
RELEASED_KINDS: Final = "mllm/released"
if TYPE_CHECKING:
    Objective = str
    TaskKind = str
    ReleasedKind = str
else:
    ReleasedKind = Literal[*kinds_in(RELEASED_KINDS)]
    Objective = Literal[*kinds_in(OBJECTIVES)]
    TaskKind = Literal[*task_kinds()]


class Encoder(Value):
    """How an image encoder is built and tapped.

    `parameters_m` counts the trunk without its head, in millions. The tap is the last block's output:
    before the encoder's final norm unless `final_norm`, with the class token unless `class_token` is off
    (released code: all 257 tokens of the last block, no norm).
    """

    library: Literal["timm", "open-clip", "transformers", "contents"] = Field(
        description="what builds it; `contents` is not a library: true contents of annotated images in place of pixels"
    )
    name: str
    arguments: dict[str, Any] = {}
    weights: Annotated[str, LOADED] = Field(
        min_length=1,
        description="`published`, `random`, or a checkpoint file or folder: absolute, or below the data root",
    )
    image_size: int = Field(gt=0, description="pixels a side, after the squash")
    normalisation: Normalisation
    final_norm: bool = False
    class_token: bool = True
    tokens: int = Field(gt=0)
    width: int = Field(gt=0)
    parameters_m: Annotated[float, MACHINE] = Field(gt=0)
    revision: Annotated[Commit | None, NOTE] = Field(None, description=_REVISION)
    digest: Annotated[Digest | None, NOTE] = Field(None, description=_DIGEST)
    source: Annotated[str, NOTE]

    @property
    def architecture(self) -> dict[str, Any]:
        """What decides the tokens besides the weights, as JSON-like values."""
        return counted(self)


class Tap(Value):
    """What a recipe reads of an encoder, where it is not what the encoder's own entry says."""

    block: Literal["last", "one-before"] = Field("last", description="whose output is read")
    final_norm: Literal[True] | None = None
    class_token: Literal[False] | None = None

    def of(self, encoder: Encoder) -> Encoder:
        """Returns an encoder as it is read; true contents, which have neither blocks nor norms, are read whole."""
        if encoder.library == "contents":
            return encoder
        dropped = encoder.class_token and self.class_token is False
        update = self.model_dump(include={"final_norm", "class_token"}, exclude_none=True)
        return encoder.model_copy(update={**update, "tokens": encoder.tokens - dropped})


class Tokenizer(Value):
    """A visual tokenizer: an image encoder pretrained under one kind of supervision."""

    id: Id
    label: Annotated[Label, LABEL]
    supervision: Annotated[Literal["fully", "self", "weakly", "none"], LABEL]
    published_images: Annotated[Label, LABEL] = Field(description="the paper's '# Images' column")
    encoder: Encoder
    substitute: Annotated[str | None, LABEL] = Field(
        None, description="what stands in for weights that were never released"
    )
    measured_cause: Annotated[str | None, GATE] = Field(
        None,
        description="why its pretraining tells no more of categories than an untrained encoder, as measured: it then "
        "stops no build",
    )
    objective: Annotated[Objective | None, MADE] = Field(
        None, description="how a scale that pretrains makes it; none: as published"
    )
    image_set: Annotated[Id | None, MADE] = Field(None, description="what a scale that pretrains shows it")
    size: Annotated[Id, MADE] = Field(
        "base", description="which of its encoders a scale that pretrains makes it with"
    )
    base: Annotated[Id | None, MADE] = Field(
        None, description="the tokenizer whose weights its pretraining starts from"
    )
    teacher: Annotated[Id | None, MADE] = Field(
        None, description="the tokenizer whose features its pretraining teaches it"
    )
    proposer: Annotated[Id | None, MADE] = Field(
        None,
        description="the tokenizer whose pretraining learnt to propose regions of an image to this one's",
    )
    options: Annotated[dict[str, float], MADE] = Field(
        {}, description="of its objective, over those that a scale's `pretraining` gives"
    )

    @property
    def made_from(self) -> tuple[str, ...]:
        """The tokenizers that its pretraining takes: its base, its teacher and its proposer, where it has them."""
        return tuple(dict.fromkeys(self.roles.values()))

    @property
    def roles(self) -> dict[str, str]:
        """The tokenizers that its pretraining takes, by what they are to it."""
        roles = {"base": self.base, "teacher": self.teacher, "proposer": self.proposer}
        return {role: name for role, name in roles.items() if name}

    @model_validator(mode="after")
    def _is_pretrained_on_images(self) -> Self:
        if (self.objective is None) != (self.image_set is None):
            raise ValueError("`objective` and `image_set` go together: a scale that pretrains needs both")
        if (self.made_from or self.options) and self.objective is None:
            raise ValueError(
                "`base`, `teacher`, `proposer` and `options` are for a pretraining, which needs an `objective` too"
            )
        return self


class LanguageModel(Value):
    """A language model; frozen where a recipe's `trains` does not name it."""

    id: Id
    label: Annotated[Label, LABEL]
    kind: LanguageModelKind = "causal"
    weights: Annotated[str, LOADED] = Field(
        min_length=1,
        description="a transformers name, a local folder, or a local file in GGUF; `random`: a scale that makes its "
        "own leaves it untrained",
    )
    width: Annotated[int, MACHINE] = Field(gt=0)
    layers: Annotated[int, MACHINE] = Field(gt=0, description="of an encoder and its decoder each")
    vocabulary: Annotated[int, MACHINE] = Field(gt=0)
    parameters_m: Annotated[float, MACHINE] = Field(
        gt=0, description="millions, embeddings and output layer included"
    )
    base: Annotated[Id | None, MADE] = Field(None, description="the model that this one is tuned from")
    revision: Annotated[Commit | None, NOTE] = Field(None, description=_REVISION)
    digest: Annotated[Digest | None, NOTE] = Field(None, description=_DIGEST)
    source: Annotated[str, NOTE]

    @property
    def random(self) -> bool:
        """Whether a scale leaves its weights as they are drawn: a recipe trains it from scratch."""
        return self.weights == "random"

    @property
    def shape(self) -> Shape:
        """The published model's size, as plans ask for it."""
        return SHAPES[self.kind](self.parameters_m * 1e6, self.width, self.layers, self.vocabulary)


class Optimiser(Value):
    """AdamW with linear warm-up, then cosine to `final_fraction` of the learning rate."""

    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    epsilon: float = 1e-8
    weight_decay: float = Field(0.05, ge=0)
    clip_norm: float | None = Field(None, gt=0)
    final_fraction: float = Field(0.0, ge=0, le=1)


class Follows(Value):
    """The training whose connector another one goes on with; tokenizer and seed are its own."""

    recipe: Id
    llm: Id | None = Field(
        None,
        description="the language model that it was trained with, if another: the projection is then new",
    )


class Recipe(Value):
    """How an MLLM is made from a tokenizer and a language model."""

    id: Id
    label: Annotated[Label, LABEL]
    trains: tuple[Part, ...] = Field(description="the parts that are trained; the others stay as they are")
    rates: dict[Part, Annotated[float, Field(gt=0)]] = Field(
        {}, description="each trained part's share of the learning rate; 1 if not named"
    )
    connector: Connector = Resampler()
    tap: Tap = Tap()
    follows: Follows | None = Field(None, description="the stage before this one, if there is one")
    learns: Literal["answers", "image-text"] = Field(
        "answers",
        description="what the training is of: answers of the language model; or images with their captions, by a "
        "Q-Former alone (BLIP-2's first stage)",
    )
    optimiser: Optimiser
    steps: int = Field(gt=0)
    batch: int = Field(gt=0, description="images a step, over all processes")
    turns: dict[TaskKind, int] = Field(description="questions of each kind asked about one image of a step")
    turns_a_sample: int | None = Field(
        None, gt=0, description="the most questions of all kinds together; all of `turns` if not given"
    )
    prompts: dict[TaskKind, str] = Field(
        description="what each kind's training turn says; {question} is replaced"
    )
    short_answer_weight: float = Field(1.0, gt=0, description="loss weight of answers other than captions")
    horizontal_flip: bool = True
    crop_scale: tuple[float, float] = (1.0, 1.0)
    original: Annotated[Original | None, LABEL] = Field(
        None, description="the published model that it is the recipe of, by its parts"
    )
    otherwise: Annotated[str, LABEL] = Field(
        "", description="what it does otherwise than the published model that it is the recipe of"
    )
    sources: Annotated[dict[str, str], NOTE] = Field({}, description="where each number comes from")

    @model_validator(mode="after")
    def _trains_what_it_makes(self) -> Self:
        if "connector" not in self.trains or len(set(self.trains)) < len(self.trains):
            raise ValueError(
                f"`trains` names each trained part once, and the connector, which nothing else makes; found "
                f"{[*self.trains]}"
            )
        if idle := sorted(self.rates.keys() - set(self.trains)):
            raise ValueError(f"`rates` names {idle[0]!r}, which `trains` does not: {[*self.trains]}")
        return self

    @model_validator(mode="after")
    def _has_the_stages_that_it_needs(self) -> Self:
        if self.connector.made_elsewhere and self.follows is None:
            raise ValueError(
                f"a part of a {self.connector.kind} stays as another recipe trained it: name that under `follows`"
            )
        if self.learns == "image-text" and (
            self.connector.kind != "q-former"
            or self.trains != ("connector",)
            or {kind for kind, count in self.turns.items() if count} != {"caption"}
        ):
            raise ValueError(
                "`learns: image-text` is for a connector of kind q-former, trained alone on turns of kind caption"
            )
        return self


class Decoding(Value):
    """How an answer is generated (released code: modeling_gvt.py generate)."""

    beams: int = Field(1, ge=1)
    max_new_tokens: int = Field(ge=1)
    repetition_penalty: float = Field(1.0, gt=0)
    length_penalty: float = 1.0


class ReleasedDecoding(Decoding):
    """How an answer of a released model is generated, where it is not as its task says."""

    temperature: float | None = Field(
        None, gt=0, description="answers are drawn, by a seed of their own words; none: the likeliest"
    )


class ReleasedModel(Value):
    """A multimodal model that somebody else trained whole, with its own weights, template and prompts."""

    id: Id
    label: Annotated[Label, LABEL]
    kind: ReleasedKind = Field(description="how it is loaded and asked: a file of mllm/released")
    weights: str = Field(min_length=1, description="a transformers name, or a local folder")
    revision: Annotated[Commit | None, NOTE] = Field(None, description=_REVISION)
    template: str = Field(
        "{prompt}", description="what is said to it, its mark for the image included; {prompt} is replaced"
    )
    prompts: dict[TaskKind, str] = Field(
        {}, description="its own prompts by kind of task, {question} in them; the task's own where not given"
    )
    decoding: dict[TaskKind, ReleasedDecoding] = Field(
        {}, description="how it answers, by kind of task; as the task says where not given"
    )
    even: Annotated[Id | None, LABEL] = Field(
        None, description="the entry of the same model that is asked as all are, which this one is set beside"
    )
    visual_tokens: Annotated[int, MACHINE] = Field(
        gt=0, description="that its language model reads of one image"
    )
    parameters_m: Annotated[float, MACHINE] = Field(gt=0, description="millions, of all its parts")
    licence: Annotated[Label, NOTE]
    substitute: Annotated[str | None, LABEL] = Field(
        None, description="what stands in for weights that were never released"
    )
    source: Annotated[str, NOTE]

    @model_validator(mode="after")
    def _template_has_a_place(self) -> Self:
        if "{prompt}" not in self.template:
            raise ValueError("`template` has no {prompt}: the model would be asked nothing")
        return self


class Task(Value):
    """Dataset, prompt, decoding, scorer and metric of one column."""

    id: Id
    label: Annotated[Label, LABEL]
    kind: TaskKind
    suite: Id = Field(description="the tasks that are asked with it, in one job per run")
    prompt: str = Field(description="after the image; {question} is replaced")
    decoding: Decoding | None = Field(
        None, description="for a kind that writes its answers; one that ranks has none"
    )
    metric: Annotated[str, SCORING]
    protocol: Annotated[str, SCORING] = Field(description="the scorer variant that tables print")
    protocols: Annotated[tuple[str, ...], SCORING] = Field(
        description="every variant that metrics.json carries"
    )
    expected_questions: Annotated[int | None, MACHINE] = Field(
        None, description="of the official file: for plans, and for the doctor to compare"
    )
    source: Annotated[str, NOTE]

    @model_validator(mode="after")
    def _protocol_is_carried(self) -> Self:
        if self.protocol not in self.protocols:
            legal = ", ".join(self.protocols)
            raise ValueError(f"`protocol` is {self.protocol!r}, which is none of `protocols` ({legal})")
        return self


class _AnyRow(Value):
    """What every row has; `published` is its 1-based row of the published CSV."""

    published: int | None = Field(None, ge=1)
    published_in: int | None = Field(
        None,
        description="the number of the table that prints it, where the paper's table of this number does not",
    )
    not_measured: dict[Id, str] = Field({}, description="task -> why this row has no score of it")

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

        One of another tokenizer is none of the paper's, but for another group's model: a table tells its parts.
        """
        if self.own_models:
            stand_ins = in_others
        tokenizer, llm = (stand_ins.get(part, part) for part in (self.tokenizer, self.llm))
        others = {"published": None} if tokenizer != self.tokenizer and not self.own_models else {}
        return self.model_copy(update={"tokenizer": tokenizer, "llm": llm, **others})

    @property
    def subjects(self) -> tuple["Run", ...]:
        """What answers for the row: its runs, one per seed."""
        return tuple(
            Run(tokenizer=self.tokenizer, recipe=self.recipe, llm=self.llm, seed=seed) for seed in self.seeds
        )


class ReleasedRow(_AnyRow):
    """A row that somebody else trained whole: an entry of models.yaml."""

    model: Id

    def repeated(self, seeds: tuple[int, ...]) -> Self:
        """Returns the row as it is: nothing of it is trained here."""
        return self

    def with_stand_ins(self, stand_ins: Mapping[str, str], in_others: Mapping[str, str]) -> Self:
        """Returns the row as it is."""
        return self

    @property
    def subjects(self) -> tuple["Released", ...]:
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
        for place, row in enumerate(self.rows, start=1):
            if first.setdefault(repr(row), place) < place:
                raise ValueError(f"row {place} is row {first[repr(row)]} once more: take one of them out")
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
        return tuple(column.task for column in self.columns if column.task not in row.not_measured)


class Pretrained(Value):
    """A tokenizer as a scale pretrains it with one seed; its id is its path."""

    tokenizer: Id
    seed: Seed

    @property
    def path(self) -> str:
        """The id of the pretraining, such as `clip/seed-0`."""
        return f"{self.tokenizer}/seed-{self.seed}"


class Run(Value):
    """tokenizer x recipe x llm x seed; its id is its path.

    The seed is that of everything that is trained for it: of the tokenizer's own pretraining, where the scale does
    that, and of what the recipe trains. The language model that it starts from has none: it is the same for all.
    """

    tokenizer: Id
    recipe: Id
    llm: Id
    seed: Seed

    @property
    def path(self) -> str:
        """The run's id, such as `clip/frozen/vicuna-7b/seed-0`."""
        return f"{self.tokenizer}/{self.recipe}/{self.llm}/seed-{self.seed}"

    @property
    def pretrained(self) -> Pretrained:
        """The pretraining of its tokenizer, of the same seed; only a scale that pretrains the tokenizer makes it."""
        return Pretrained(tokenizer=self.tokenizer, seed=self.seed)


class Released(Value):
    """A released model, as it answers; its id is its path."""

    model: Id

    @property
    def path(self) -> str:
        """The id under which its answers are kept, such as `released/blip-2`."""
        return f"{RELEASED}/{self.model}"


Subject = Run | Released
"""What answers questions: a run of this study, or a released model."""


def runs_among(subjects: Iterable[Subject]) -> tuple[Run, ...]:
    """Returns the subjects that this study trains."""
    return tuple(subject for subject in subjects if isinstance(subject, Run))
