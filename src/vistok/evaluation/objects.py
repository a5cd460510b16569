"""What OC and MCI share: GVTBench's files, and the prior of an object's name."""

from pathlib import Path

from vistok.datasets.gvtbench import ObjectQuestion, read_object_questions
from vistok.evaluation.kind import Questions, TaskKind


class ObjectKind(TaskKind[ObjectQuestion]):
    """Questions about the objects of one name in an image."""

    reads = "GVTBench JSON"
    fine_grained = True

    def read(self, path: Path) -> tuple[ObjectQuestion, ...]:
        return read_object_questions(path, self.name)

    def key(self, record: ObjectQuestion) -> int:
        return record.position

    def truth(self, record: ObjectQuestion) -> tuple[str, ...]:
        return (record.answer,)

    def blind(
        self, questions: Questions[ObjectQuestion], training: Questions[ObjectQuestion] | None
    ) -> dict[str, list[str]]:
        """Returns the most frequent answer of all questions, and of those about the same object."""
        from vistok.evaluation.score.blind import fitted_by_fold, fitted_on_training

        names = [record.object_name for record in questions.records]
        if training:
            fitted_on = training.records
            return fitted_on_training(
                names,
                [record.object_name for record in fitted_on],
                [record.answer for record in fitted_on],
            )
        answers = [record.answer for record in questions.records]
        return fitted_by_fold(names, answers, [record.image_id for record in questions.records])
