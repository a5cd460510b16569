"""Compositional questions about photographs (GQA): an open-ended question with one right answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.gqa import GQAQuestion, read_gqa
from vistok.evaluation.kind import CONSTANT, PRIOR, Questions, TaskKind
from vistok.evaluation.trimming import postprocess_vqa

if TYPE_CHECKING:
    from vistok.evaluation.score.base import Scored


class GQA(TaskKind[GQAQuestion]):
    """A question about an image, answered in a word or a few."""

    name = "gqa"
    reads = "GQA questions"
    tokens = 18

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.gqa import PROTOCOLS

        return PROTOCOLS

    def read(self, path: Path) -> tuple[GQAQuestion, ...]:
        return read_gqa(path)

    def key(self, record: GQAQuestion) -> str:
        return record.question_id

    def truth(self, record: GQAQuestion) -> tuple[str, ...]:
        return (record.answer,)

    def keep(self, raw: str) -> str:
        return postprocess_vqa(raw)

    def score(
        self,
        records: Sequence[GQAQuestion],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[GQAQuestion],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        from vistok.evaluation.score.gqa import score_gqa

        return score_gqa(records, answers, protocol)

    def blind(
        self, questions: Questions[GQAQuestion], training: Questions[GQAQuestion] | None
    ) -> dict[str, list[str]]:
        """Returns the most frequent answer of all, and of the same question, or else of its structure."""
        from vistok.evaluation.score.blind import constant_answer, fitted_by_fold, vqa_prior_answers

        structures = [record.structure for record in questions.records]
        if training is None:
            answers = [record.answer for record in questions.records]
            return fitted_by_fold(structures, answers, [record.image_id for record in questions.records])
        answered = [(record.question, record.structure, record.answer) for record in training.records]
        constant = constant_answer([answer for _, _, answer in answered])
        pairs = [(record.question, record.structure) for record in questions.records]
        return {CONSTANT: [constant] * len(pairs), PRIOR: vqa_prior_answers(answered, pairs)}


KIND: Final = GQA()
