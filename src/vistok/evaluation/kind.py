"""The interface of a task kind: how its questions are read, asked, answered, scored, guessed blindly and taught."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, TypeAlias, TypeVar

from vistok.errors import VistokError
from vistok.evaluation.trimming import postprocess_released

# Imported for types only: a change in scoring or captions must not rerun the jobs that ask.
if TYPE_CHECKING:
    import numpy as np

    from vistok.datasets.questions import Annotations
    from vistok.evaluation.score.base import Scored
    from vistok.grid.tasks import Decoding

R = TypeVar("R")
QuestionId: TypeAlias = int | str
Mode: TypeAlias = Literal["generate", "rank"]
# Names and titles of the blind baselines, where a kind has no others.
CONSTANT: Final = "constant"
PRIOR: Final = "prior"


@dataclass(frozen=True, slots=True)
class Questions(Generic[R]):
    """Some records of an official file, and the question text of each ("" where the kind has one wording)."""

    records: Sequence[R]
    texts: Sequence[str]


class TaskKind(ABC, Generic[R]):
    """One kind of task. `R` is one record of its official file, which has the attribute `image_id`.

    Attributes:
        name: the kind's id, which is the name of its file.
        reads: the official file, in words.
        mode: whether a model writes its answer, or ranks the options of the question by their likelihood.
        metric: what tables print.
        asks: whether each question has a text of its own, which replaces `{question}` in the prompt.
        viewers: guessers that see a part of the annotations, and the title of each.
        texts_apart: whether those words are in a file of their own, beside the references.
        short_answers: whether the answers that teach it are short, for a recipe's `short_answer_weight`.
        baselines: guessers without image or model, and the title of each.
        one_per_image: whether a question is identified by its image.
        describes: whether its references are captions, which training must not show.
        mark: the words by which a prompt of a text corpus is recognised as this kind; None: no corpus has it.
        tokens: of one question with its answer, for plans: chosen from the grid's prompts and official answers.
        types: the types of question that get a cell of their own, if any.
        fine_grained: whether it asks for single objects, as OC and MCI do, rather than for what an image means.
        answers: what an answer in a file of predictions must be, in words.
    """

    name: ClassVar[str]
    reads: ClassVar[str]
    mode: ClassVar[Mode] = "generate"
    metric: ClassVar[str] = "accuracy"
    asks: ClassVar[bool] = True
    texts_apart: ClassVar[bool] = False
    short_answers: ClassVar[bool] = True
    baselines: ClassVar[Mapping[str, str]] = {CONSTANT: "constant answer", PRIOR: "prior of the question"}
    viewers: ClassVar[Mapping[str, str]] = {}
    one_per_image: ClassVar[bool] = False
    describes: ClassVar[bool] = False
    mark: ClassVar[str | None] = None
    tokens: ClassVar[int]
    types: ClassVar[tuple[str, ...]] = ()
    fine_grained: ClassVar[bool] = False
    answers: ClassVar[str] = "a text"

    @property
    @abstractmethod
    def protocols(self) -> Mapping[str, str]:
        """The scorer's variants, each with its meaning as the end of a sentence; the first is the one to believe."""

    @property
    def further_metrics(self) -> tuple[str, ...]:
        """What may be asked for besides `metric`."""
        return ()

    @abstractmethod
    def read(self, path: Path) -> tuple[R, ...]:
        """Returns the records of an official file, in file order.

        Raises:
            VistokError: the file is missing, or is not of this kind.
        """

    @abstractmethod
    def key(self, record: R) -> QuestionId:
        """Returns a question's id in files of predictions."""

    def texts(self, records: Sequence[R], references: Path, questions: Path | None) -> list[str]:
        """Returns the question text of each record.

        Args:
            records: some of the references.
            references: the official file that they are from.
            questions: the file with the words, where the kind has them apart.

        Raises:
            VistokError: a question has no words.
        """
        rows: Sequence[Any] = records
        return [row.question if self.asks else "" for row in rows]

    def is_shown(self, record: R) -> bool:
        """Returns whether a question is about a photograph, which can be shown, and not about a video."""
        return True

    def options(self, record: R) -> tuple[str, ...]:
        """Returns the options that a model ranks; none where it writes its answer."""
        return ()

    @abstractmethod
    def truth(self, record: R) -> tuple[str, ...]:
        """Returns the right answer as in the official file: one, or all that people gave, most frequent first."""

    def keep(self, raw: str) -> str:
        """Returns the part of a generation that is kept and scored."""
        return postprocess_released(raw)

    def accepts(self, answer: object) -> bool:
        """Returns whether an answer in a file of predictions can be scored."""
        return isinstance(answer, str)

    @abstractmethod
    def score(
        self,
        records: Sequence[R],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[R],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        """Scores the answers under a protocol.

        Args:
            records: the questions that are scored.
            answers: in their order; None where a question has no answer.
            protocol: one of `protocols`.
            full_set: all records of the official file.
            metrics: which of `further_metrics` to compute besides.

        Raises:
            VistokError: the protocol or a metric is unknown, or records and answers do not pair up.
        """

    def seen(
        self,
        records: Sequence[R],
        groups: Mapping[Hashable, Sequence[int]],
        training: tuple[Sequence[R], Mapping[Hashable, Sequence[int]]] | None,
    ) -> dict[str, list[str]]:
        """Returns each viewer's answers, in the order of the questions; one that cannot be fitted is left out.

        Args:
            records: the questions.
            groups: image -> how many objects of each category are annotated, without the categories.
            training: the questions and images that viewers are fitted on; None: on those about other images.
        """
        return {}

    @abstractmethod
    def blind(self, questions: Questions[R], training: Questions[R] | None) -> dict[str, list[str]]:
        """Returns each baseline's answers, in the order of the questions, made without image or model.

        The reference of a question never decides its own answer. A baseline that cannot be fitted is left out.

        Args:
            questions: what is to be answered.
            training: what the baselines are fitted on; None: on the questions about other images.
        """

    def turns(
        self, annotations: "Annotations", most: int, generator: "np.random.Generator"
    ) -> Iterator[tuple[str, str]]:
        """Yields up to `most` training questions with answers from an image's annotations, in random order.

        Raises:
            VistokError: annotations cannot teach this kind.
        """
        raise VistokError(
            f"no annotations teach {self.name} questions. Take {self.name!r} out of the recipe's `turns`."
        )

    @property
    def teaches(self) -> bool:
        """Whether annotations can teach this kind."""
        return type(self).turns is not TaskKind.turns

    def answer_tokens(self, decoding: "Decoding | None") -> tuple[int, int]:
        """Returns the most tokens that a model generates for a question, and its number of beams."""
        return (decoding.max_new_tokens, decoding.beams) if decoding else (0, 1)


def some(values: Sequence[R], most: int, generator: "np.random.Generator") -> Iterator[R]:
    """Yields up to `most` different values in random order."""
    for index in generator.permutation(len(values))[:most]:
        yield values[index]
