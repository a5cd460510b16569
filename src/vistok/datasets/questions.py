"""What is known about a training image, or a part of it, and the questions asked about it."""

from dataclasses import dataclass, replace

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.preprocessing import Box
from vistok.datasets.rows import QuestionAnswer

_SEEN = 0.5


@dataclass(frozen=True, slots=True)
class Turn:
    """One question about an image as the language model reads it, and the answer that it learns.

    `kind` is the id of a task kind; `short`: its answers are words, not sentences.
    """

    kind: str
    prompt: str
    answer: str
    short: bool = True


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is known about one image, and the categories that its set annotates.

    No question is asked about the categories in `unsure`, whose objects are cut off.
    """

    captions: tuple[str, ...]
    objects: tuple[ObjectAnnotation, ...]
    questions: tuple[QuestionAnswer, ...]
    categories: tuple[str, ...]
    unsure: frozenset[str] = frozenset()


def within(annotations: Annotations, box: Box) -> Annotations:
    """Returns what is known of a part of an image: a box (left, top, right, bottom) of it, in pixels.

    Chosen: an object is in the part if half of its box is, and not in it if nothing is; a category with an object in
    between is not asked about. Captions and VQA questions are about the whole image, and stay.
    """
    shares = [_share_within(entry.box, box) for entry in annotations.objects]
    cut = {
        entry.category for entry, share in zip(annotations.objects, shares, strict=True) if 0 < share < _SEEN
    }
    objects = tuple(entry for entry, share in zip(annotations.objects, shares, strict=True) if share >= _SEEN)
    return replace(annotations, objects=objects, unsure=frozenset(cut))


def _share_within(bbox: tuple[float, float, float, float], box: Box) -> float:
    """Returns which share of an object's box (x, y, width, height) is in a part of its image."""
    x, y, width, height = bbox
    left, top, right, bottom = box
    across, down = min(x + width, right) - max(x, left), min(y + height, bottom) - max(y, top)
    if across < 0 or down < 0:
        return 0.0
    area = width * height
    return across * down / area if area else 1.0
