"""Multiple choice (SEED-Bench): four options, of which a model ranks the texts by their likelihood."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.seedbench import DIMENSIONS, LETTERS, ChoiceQuestion, read_choice_questions
from vistok.evaluation.kind import CONSTANT, Questions, TaskKind

if TYPE_CHECKING:
    from vistok.evaluation.score.base import Scored
    from vistok.grid.tasks import Decoding

LONGEST: Final = "longest-option"
# Of one option: chosen from SEED-Bench's, which are a word or a short sentence.
OPTION_TOKENS: Final = 8


class Choice(TaskKind[ChoiceQuestion]):
    """A question with four options; an answer is a letter, or the loss of each option's text."""

    name = "choice"
    reads = "SEED-Bench JSON"
    mode = "rank"
    tokens = 24
    types = DIMENSIONS
    answers = "a text, or four losses,"
    baselines = {CONSTANT: "constant answer", LONGEST: "longest option"}

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.choice import PROTOCOLS

        return PROTOCOLS

    def read(self, path: Path) -> tuple[ChoiceQuestion, ...]:
        return read_choice_questions(path)

    def key(self, record: ChoiceQuestion) -> str:
        return record.question_id

    def truth(self, record: ChoiceQuestion) -> tuple[str, ...]:
        return (record.answer,)

    def is_shown(self, record: ChoiceQuestion) -> bool:
        return record.still

    def options(self, record: ChoiceQuestion) -> tuple[str, ...]:
        return record.options

    def accepts(self, answer: object) -> bool:
        losses = getattr(answer, "losses", answer)
        return isinstance(answer, str) or (isinstance(losses, list | tuple) and len(losses) == len(LETTERS))

    def answer_tokens(self, decoding: "Decoding | None") -> tuple[int, int]:
        return OPTION_TOKENS, len(LETTERS)

    def score(
        self,
        records: Sequence[ChoiceQuestion],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[ChoiceQuestion],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        from vistok.evaluation.score.choice import score_choice

        return score_choice(records, answers, protocol)

    def blind(
        self, questions: Questions[ChoiceQuestion], training: Questions[ChoiceQuestion] | None
    ) -> dict[str, list[str]]:
        """Returns the letter that is right most often, and that of the longest option (the first among equals)."""
        from vistok.evaluation.score.blind import fitted_by_fold, fitted_on_training

        everywhere = [""] * len(questions.records)
        if training:
            training_answers = [record.answer for record in training.records]
            fitted = fitted_on_training(everywhere, [""] * len(training_answers), training_answers)
        else:
            answers = [record.answer for record in questions.records]
            fitted = fitted_by_fold(everywhere, answers, [record.image_id for record in questions.records])
        constant = {CONSTANT: fitted[CONSTANT]} if fitted else {}
        return constant | {LONGEST: [_longest(record) for record in questions.records]}


def _longest(record: ChoiceQuestion) -> str:
    return max(zip(LETTERS, record.options, strict=True), key=lambda option: len(option[1]))[0]


KIND: Final = Choice()
