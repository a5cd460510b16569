"""Verifies a GVTBench file against annotations, question by question."""

from dataclasses import dataclass

from vistok.benchmark.annotations import AnnotatedImage, Annotations
from vistok.benchmark.nouns import spellings
from vistok.datasets.gvtbench import ObjectQuestion
from vistok.errors import VistokError, printable


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One question whose `answer` or `n_obj_exist` (the field) the annotations contradict, and why."""

    question: ObjectQuestion
    field: str
    reason: str

    def __str__(self) -> str:
        question = self.question
        return printable(
            f"question {question.position}, image {question.image_id}, {question.question!r}: {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class CheckReport:
    """How well a file agrees with annotations.

    Attributes:
        checked: questions about images that the annotations list.
        not_annotated: questions about other images, which cannot be checked.
        disagreements: in file order.
    """

    checked: int
    not_annotated: int
    disagreements: tuple[Disagreement, ...]

    def agreeing(self, field: str) -> int:
        """Returns how many checked questions agree in `answer` or `n_obj_exist`."""
        return self.checked - sum(disagreement.field == field for disagreement in self.disagreements)

    @property
    def lines(self) -> tuple[str, ...]:
        """What the command prints."""
        agree = ", ".join(
            f"{label} agree {self.agreeing(field)}/{self.checked}"
            if field == "answer"
            else f"{label} {self.agreeing(field)}/{self.checked}"
            for field, label in (("answer", "answers"), ("n_obj_exist", "n_obj_exist"))
        )
        apart = f"{self.not_annotated} questions are about images without annotations"
        return (agree, apart, *map(str, self.disagreements))


def check_questions(questions: tuple[ObjectQuestion, ...], annotations: Annotations) -> CheckReport:
    """Compares every answer and every `n_obj_exist` with the annotations, crowds counted as one object.

    An answer cannot agree where the question is worded as none of the released files, or asks about an object that
    a known vocabulary lacks.
    """
    images = {image.image_id: image for image in annotations.images}
    seen = dict.fromkeys(name for image in annotations.images for name in image.counts)
    categories = spellings((*annotations.categories, *seen))
    annotated = [question for question in questions if question.image_id in images]
    disagreements = []
    for question in annotated:
        image = images[question.image_id]
        reasons = {
            "answer": _wrong_answer(question, image, categories, annotations.whole_vocabulary),
            "n_obj_exist": _difference("n_obj_exist", str(question.objects_in_image), str(image.objects)),
        }
        disagreements += [
            Disagreement(question, field, reason) for field, reason in reasons.items() if reason
        ]
    return CheckReport(len(annotated), len(questions) - len(annotated), tuple(disagreements))


def _wrong_answer(
    question: ObjectQuestion, image: AnnotatedImage, categories: dict[str, str], whole_vocabulary: bool
) -> str:
    """Returns why the answer does not agree; nothing where it does."""
    try:
        name = question.object_name
    except VistokError as error:
        return str(error)
    if whole_vocabulary and name not in categories:
        return f"asks about {name!r}, which the annotations have no category of"
    category = categories.get(name, name)
    count = image.counts.get(category, 0)
    if not count and not image.lacks(category):
        return f"asks about {name!r}, and the annotations do not say whether one is in the image"
    expected = str(count)
    if not question.question.startswith("How many"):
        expected = "Yes." if count else "No."
    return _difference("answer", question.answer, expected)


def _difference(field: str, stated: str, expected: str) -> str:
    return "" if stated == expected else f"{field} is {stated}, annotations say {expected}"
