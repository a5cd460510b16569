"""Questions about the text in photographs (TextVQA): open-ended, with ten people's answers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.textvqa import TextVQAQuestion, read_textvqa
from vistok.evaluation.kind import CONSTANT, PRIOR, Questions, TaskKind
from vistok.evaluation.trimming import postprocess_vqa

if TYPE_CHECKING:
    from vistok.evaluation.score.base import Scored


class TextVQA(TaskKind[TextVQAQuestion]):
    """A question about what is written in an image, answered in a word or a few."""

    name = "textvqa"
    reads = "TextVQA questions"
    tokens = 18
    baselines = {CONSTANT: "constant answer", PRIOR: "prior of the question's first word"}

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.textvqa import PROTOCOLS

        return PROTOCOLS

    def read(self, path: Path) -> tuple[TextVQAQuestion, ...]:
        return read_textvqa(path)

    def key(self, record: TextVQAQuestion) -> int:
        return record.question_id

    def truth(self, record: TextVQAQuestion) -> tuple[str, ...]:
        return tuple(answer for answer, _ in Counter(record.answers).most_common())

    def keep(self, raw: str) -> str:
        return postprocess_vqa(raw)

    def score(
        self,
        records: Sequence[TextVQAQuestion],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[TextVQAQuestion],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        from vistok.evaluation.score.textvqa import score_textvqa

        return score_textvqa(records, answers, protocol)

    def blind(
        self, questions: Questions[TextVQAQuestion], training: Questions[TextVQAQuestion] | None
    ) -> dict[str, list[str]]:
        """Returns the most frequent answer of all questions, and of those that begin with the same word."""
        from vistok.evaluation.score.blind import fitted_by_fold, fitted_on_training

        words = [_first_word(record) for record in questions.records]
        if training:
            training_records = training.records
            return fitted_on_training(
                words,
                [_first_word(record) for record in training_records],
                [self.truth(record)[0] for record in training_records],
            )
        answers = [self.truth(record)[0] for record in questions.records]
        return fitted_by_fold(words, answers, [record.image_id for record in questions.records])


def _first_word(record: TextVQAQuestion) -> str:
    return next(iter(record.question.lower().split()), "")


KIND: Final = TextVQA()
