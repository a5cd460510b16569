"""MME's perception: pairs of yes-or-no questions about an image, in ten subtasks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.mme import MMEQuestion, read_mme
from vistok.evaluation.kind import CONSTANT, PRIOR, Questions, TaskKind

if TYPE_CHECKING:
    from vistok.evaluation.score.base import Scored


class MME(TaskKind[MMEQuestion]):
    """A question that is answered yes or no; its twin about the same image has the other answer."""

    name = "mme"
    reads = "the folder of MME's subtasks"
    metric = "score"
    tokens = 28
    baselines = {CONSTANT: "constant answer", PRIOR: "prior of the subtask"}

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.mme import PROTOCOLS

        return PROTOCOLS

    def read(self, path: Path) -> tuple[MMEQuestion, ...]:
        return read_mme(path)

    def key(self, record: MMEQuestion) -> str:
        return record.question_id

    def truth(self, record: MMEQuestion) -> tuple[str, ...]:
        return (record.answer,)

    def score(
        self,
        records: Sequence[MMEQuestion],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[MMEQuestion],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        from vistok.evaluation.score.mme import score_mme

        return score_mme(records, answers, protocol)

    def blind(
        self, questions: Questions[MMEQuestion], training: Questions[MMEQuestion] | None
    ) -> dict[str, list[str]]:
        """Returns the most frequent answer of all questions, and of those of the same subtask."""
        from vistok.evaluation.score.blind import fitted_by_fold, fitted_on_training

        subtasks = [record.subtask for record in questions.records]
        if training:
            training_records = training.records
            return fitted_on_training(
                subtasks,
                [record.subtask for record in training_records],
                [record.answer for record in training_records],
            )
        answers = [record.answer for record in questions.records]
        return fitted_by_fold(subtasks, answers, [record.image_id for record in questions.records])


KIND: Final = MME()
