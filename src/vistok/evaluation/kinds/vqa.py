"""Visual question answering (VQAv2): an open-ended question, ten people's answers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.vqa import VQAAnnotation, read_annotations, read_texts
from vistok.errors import VistokError
from vistok.evaluation.kind import CONSTANT, PRIOR, Questions, TaskKind, some
from vistok.evaluation.trimming import postprocess_vqa

if TYPE_CHECKING:
    import numpy as np

    from vistok.datasets.questions import Annotations
    from vistok.evaluation.score.base import Scored


class VQA(TaskKind[VQAAnnotation]):
    """A question about an image, answered in a word or a few."""

    name = "vqa"
    reads = "VQAv2 annotations"
    texts_apart = True
    tokens = 18
    mark = "Question:"

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.vqa import PROTOCOLS

        return PROTOCOLS

    def read(self, path: Path) -> tuple[VQAAnnotation, ...]:
        return read_annotations(path)

    def key(self, record: VQAAnnotation) -> int:
        return record.question_id

    def texts(self, records: Sequence[VQAAnnotation], references: Path, questions: Path | None) -> list[str]:
        if questions is None:
            raise VistokError(f"{references} holds answers alone: name the file of its questions too.")
        return read_texts(questions, (record.question_id for record in records), references)

    def truth(self, record: VQAAnnotation) -> tuple[str, ...]:
        return tuple(answer for answer, _ in Counter(record.answers).most_common())

    def keep(self, raw: str) -> str:
        return postprocess_vqa(raw)

    def score(
        self,
        records: Sequence[VQAAnnotation],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[VQAAnnotation],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        from vistok.evaluation.score.vqa import score_vqa

        return score_vqa(records, answers, protocol)

    def blind(
        self, questions: Questions[VQAAnnotation], training: Questions[VQAAnnotation] | None
    ) -> dict[str, list[str]]:
        """Returns the most frequent answer of all, and of the same question, or else of its type."""
        from vistok.evaluation.score.blind import constant_answer, fitted_by_fold, vqa_prior_answers

        types = [record.question_type for record in questions.records]
        if training is None:
            answers = [record.multiple_choice_answer for record in questions.records]
            return fitted_by_fold(types, answers, [record.image_id for record in questions.records])
        fitted_on = [
            (text, record.question_type, record.multiple_choice_answer)
            for text, record in zip(training.texts, training.records, strict=True)
        ]
        constant = constant_answer([answer for _, _, answer in fitted_on])
        answers = vqa_prior_answers(fitted_on, list(zip(questions.texts, types, strict=True)))
        return {CONSTANT: [constant] * len(types), PRIOR: answers}

    def turns(
        self, annotations: "Annotations", most: int, generator: "np.random.Generator"
    ) -> Iterator[tuple[str, str]]:
        by_text = {entry.question: entry for entry in annotations.questions}
        for entry in some(tuple(by_text.values()), most, generator):
            yield entry.question, entry.answer


KIND: Final = VQA()
