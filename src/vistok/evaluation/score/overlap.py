"""The images of a test that a model was trained on, and its scores on those and on the others."""

from collections.abc import Collection
from dataclasses import dataclass

from vistok.benchmark.annotations import ImageId
from vistok.evaluation.references import References


@dataclass(frozen=True, slots=True)
class Overlap:
    """The images of some questions, split by whether a training list names them.

    Attributes:
        shared: those that it names, in the order of the questions.
        clean: the others.
    """

    questions: References
    shared: tuple[ImageId, ...]
    clean: tuple[ImageId, ...]

    @property
    def parts(self) -> dict[str, References]:
        """The questions about either, without what is empty."""
        parts = {
            "clean": self.questions.of_images(self.clean),
            "shared": self.questions.of_images(self.shared),
        }
        return {name: part for name, part in parts.items() if part.ids}


def overlap(questions: References, trained_on: Collection[ImageId]) -> Overlap:
    """Returns which images of some questions are in a training list."""
    images = dict.fromkeys(questions.images)
    return Overlap(
        questions,
        tuple(image for image in images if image in trained_on),
        tuple(image for image in images if image not in trained_on),
    )
