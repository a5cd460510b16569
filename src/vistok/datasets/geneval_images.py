"""Reads what was found in images of GenEval's prompts: a detector's boxes, or its own tool's `results.jsonl`.

Detections are JSON Lines, one image a line: the 0-based position of its prompt in `evaluation_metadata.jsonl`, its
name, and all objects in it, in any order. `color` is needed of objects whose colour a prompt names; boxes are x1, y1,
x2, y2 in pixels:

{"prompt": 0, "image": "00000/samples/0000.png",
 "detections": [{"class": "bench", "score": 0.98, "box": [10, 200, 300, 480], "color": "red"}]}
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final, TypeAlias

from vistok.datasets.geneval import Prompt
from vistok.datasets.official import wrong_record
from vistok.errors import VistokError, unknown
from vistok.reading import read_jsonl

# The detector's classes in its order (COCO's), as GenEval's object_names.txt names them: three names are longer.
CLASSES: Final = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "computer mouse", "tv remote", "computer keyboard", "cell phone", "microwave", "oven", "toaster",
    "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
COLOURS: Final = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
_FOLDER: Final = re.compile(r"(?:^|/)0*([0-9]+)/samples/[^/]*$")  # named by the position of a prompt
_WHAT: Final = "what was found in images of GenEval's prompts"


@dataclass(frozen=True, slots=True)
class Detection:
    """An object that a detector sees.

    Attributes:
        category: one of `CLASSES`.
        score: 0 to 1.
        box: left, top, right and bottom edge, in pixels.
        colour: one of `COLOURS`; None: not classified.
    """

    category: str
    score: float
    box: tuple[float, float, float, float]
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Detected:
    """An image, by its prompt's position and its name, and all that a detector sees in it."""

    prompt: int
    image: str
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """An image, by its prompt's position and its name, whether GenEval's tool found it right, and else its reason."""

    prompt: int
    image: str
    correct: bool
    reason: str


Image: TypeAlias = Detected | Judged


def amount(number: int, noun: str) -> str:
    """Returns a number of things in words: `1 image`, `2 images`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def read_images(path: Path, prompts: Sequence[Prompt]) -> tuple[Image, ...]:
    """Returns the images of a file of detections or of a `results.jsonl`, in its order.

    Args:
        path: the file; a line of it shows what it is.
        prompts: those of the images. A line of `results.jsonl` names its own by tag and text.

    Raises:
        VistokError: the file is missing or not JSON Lines, a record is of neither form, names a class, a colour or a
            prompt that there is not, or a folder of another prompt; records are of both forms, or two of one image.
    """
    named = {(prompt.kind, prompt.text): index for index, prompt in enumerate(prompts)}
    images = [
        _judged(path, f"record {number}", row, named)
        if "correct" in row
        else _detected(path, f"record {number}", row, len(prompts))
        for number, row in enumerate(read_jsonl(path, what=_WHAT), start=1)
    ]
    _check_one_form(path, images)
    counts = Counter(image.image for image in images)
    if repeated := [name for name, count in counts.items() if count > 1]:
        stand, they = ("stands", "it") if len(repeated) == 1 else ("stand", "they")
        raise VistokError(
            f"{path}: {amount(len(repeated), 'image')} {stand} there more than once (first: {repeated[0]}), and {they} "
            "would count several times. Keep one line of each."
        )
    return tuple(images)


def _check_one_form(path: Path, images: Sequence[Image]) -> None:
    """Refuses a file of both forms: its score would be neither a detector's nor that of GenEval's tool."""
    judged = [isinstance(image, Judged) for image in images]
    if len({*judged}) > 1:
        raise VistokError(
            f"{path}: {amount(judged.count(False), 'record')} of detections and {judged.count(True)} of a "
            f"results.jsonl (record {judged.index(not judged[0]) + 1} is the first of another form than record 1). "
            "Score each form from a file of its own."
        )


def _judged(path: Path, where: str, row: dict[str, Any], named: Mapping[tuple[str, str], int]) -> Judged:
    match row:
        case {
            "tag": str() as tag,
            "prompt": str() as text,
            "correct": bool() as correct,
            "filename": str() as name,
        }:
            if (tag, text) not in named:
                raise VistokError(
                    f"{path}, {where}: {text!r} ({tag}) is not one of {amount(len(named), 'prompt')}. Name the prompts "
                    "that the images were made from."
                )
            return Judged(named[tag, text], name, correct, str(row.get("reason") or ""))
    raise wrong_record(path, where, "a tag, a prompt, `correct` (true or false) and a filename are", row)


def _detected(path: Path, where: str, row: dict[str, Any], prompts: int) -> Detected:
    match row:
        case {"prompt": int() as prompt, "image": str() as name, "detections": [*objects]} if not isinstance(
            prompt, bool
        ):
            if not 0 <= prompt < prompts:
                there = "only 0 is" if prompts == 1 else f"the {prompts} prompts are 0 to {prompts - 1}"
                raise VistokError(f"{path}, {where}: prompt {prompt} is not there: {there}.")
            if (folder := _FOLDER.search(name)) and folder[1] != str(prompt):
                raise VistokError(
                    f"{path}, {where}: the image {name} is in the folder of prompt {folder[1]}, and the record is "
                    f"of prompt {prompt}. Name the prompt that the image was made from."
                )
            return Detected(prompt, name, tuple(_detection(path, where, each) for each in objects))
    needed = "the position of a prompt, an image and its detections (or `correct`, as in a results.jsonl) are"
    raise wrong_record(path, where, needed, row)


def _detection(path: Path, where: str, entry: Any) -> Detection:
    match entry:
        case {"class": str() as category, "score": score, "box": [left, top, right, bottom], **more} if (
            more.keys() <= {"color"} and all(map(_is_number, (score, left, top, right, bottom)))
        ):
            _check_known(path, where, "class of GenEval's detector", category, CLASSES)
            colour: str | None = more.get("color")  # type: ignore[assignment]
            if colour is not None:
                _check_known(path, where, "colour of GenEval", colour, COLOURS)
            if 0 <= score <= 1 and left <= right and top <= bottom:
                return Detection(category, float(score), (left, top, right, bottom), colour)
    needed = "a class, a score from 0 to 1, a box (left, top, right, bottom) and at most a color are"
    raise wrong_record(path, where, needed, entry)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _check_known(path: Path, where: str, what: str, name: object, legal: Sequence[str]) -> None:
    if name not in legal:
        raise VistokError(f"{path}, {where}: {unknown(what, name, legal)}")
