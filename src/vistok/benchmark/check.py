"""Verifies a GVTBench file against annotations, question by question."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from vistok.benchmark.annotations import AnnotatedImage, Annotations, read_annotations
from vistok.benchmark.nouns import spellings
from vistok.datasets.gvtbench import ObjectQuestion, read_object_questions


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One question whose answer or object count is not what the annotations say."""

    question: ObjectQuestion
    field: str
    file_says: str
    annotations_say: str

    def __str__(self) -> str:
        return (
            f"question {self.question.position}, image {self.question.image_id}, {self.question.question!r}: "
            f"{self.field} is {self.file_says}, annotations say {self.annotations_say}"
        )


@dataclass(frozen=True, slots=True)
class CheckReport:
    """How far a file agrees with annotations.

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
        return self.checked - sum(found.field == field for found in self.disagreements)

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
    """Compares every answer and every `n_obj_exist` with the annotations, crowds counted as one object."""
    images = {image.image_id: image for image in annotations.images}
    categories = spellings(annotations.categories)
    annotated = [question for question in questions if question.image_id in images]
    found = [
        disagreement
        for question in annotated
        for disagreement in _compare(question, images[question.image_id], categories)
    ]
    return CheckReport(len(annotated), len(questions) - len(annotated), tuple(found))


def _compare(
    question: ObjectQuestion, image: AnnotatedImage, categories: dict[str, str]
) -> list[Disagreement]:
    name = question.object_name
    count = image.counts.get(categories.get(name, name), 0)
    expected = str(count)
    if not question.question.startswith("How many"):
        expected = "Yes." if count else "No."
    pairs = (
        ("answer", question.answer, expected),
        ("n_obj_exist", str(question.objects_in_image), str(image.objects)),
    )
    return [Disagreement(question, field, said, true) for field, said, true in pairs if said != true]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok curate check`."""
    parser.add_argument("file", type=Path, help="a GVTBench file")
    parser.add_argument(
        "--instances",
        type=Path,
        required=True,
        help="a COCO instances file, or a folder of VCR metadata files",
    )
    parser.add_argument(
        "--categories", type=Path, help="VCR's vocabulary; default: what the metadata files show"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the comparison; returns 1 where something disagrees, or nothing could be checked."""
    report = check_questions(
        read_object_questions(args.file), read_annotations(args.instances, categories=args.categories)
    )
    print("\n".join(report.lines))
    return 1 if report.disagreements or not report.checked else 0
