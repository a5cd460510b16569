"""The annotated boxes of some images, with what is known of each, and the tokens that lie in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Final

import numpy as np
from jaxtyping import Float, Int64

from vistok.datasets.attributes import Attributes
from vistok.datasets.coco import ObjectAnnotation
from vistok.errors import VistokError

Tokens = Float[np.ndarray, "images tokens width"]

_BACKGROUND: Final = "background"
_PLACES: Final = 3  # a side: a box's place is the ninth of the image that its centre is in
_MOST_PREFIX: Final = 16  # tokens of no place, such as a class token and registers


@dataclass(frozen=True, eq=False)
class ObjectBoxes:
    """Annotated boxes, one row each.

    Attributes:
        images: which image a box is in, by position.
        boxes: left, top, right and bottom as shares of the image's width and height.
        attributes: what is known of every box, as numbers: `category` and `place`, and whatever else is annotated.
        categories: the name of each number of `category`.
    """

    images: Int64[np.ndarray, " boxes"]
    boxes: Float[np.ndarray, "boxes 4"]
    attributes: Mapping[str, Int64[np.ndarray, " boxes"]]
    categories: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.images)

    @property
    def category(self) -> Int64[np.ndarray, " boxes"]:
        return self.attributes["category"]


def object_boxes(
    objects: Sequence[Sequence[ObjectAnnotation]],
    sizes: Sequence[tuple[int, int]],
    attributes: Sequence[Attributes] = (),
) -> ObjectBoxes:
    """Returns the boxes of some images' objects; crowds are not boxes of one object, and left out.

    Category and place are always known. What else annotations tell of every object, such as its colour, is known too,
    and its background where images tell one, or one for each part of a square grid over them. Official files tell
    neither.

    Args:
        objects: of each image, as its dataset annotates them.
        sizes: each image's width and height in pixels.
        attributes: what is told of each image as a whole.

    Raises:
        VistokError: no image has an object.
    """
    annotated = [
        (image, entry) for image, listed in enumerate(objects) for entry in listed if not entry.crowd
    ]
    if not annotated:
        raise VistokError(
            f"none of the {len(objects)} images has an annotated object: a probe asks for the category of boxes. Give "
            "an image set with instances."
        )
    images = np.array([image for image, _ in annotated], dtype=np.int64)
    extent = np.array(sizes, dtype=np.float64)[images]
    boxes = np.array([entry.box for _, entry in annotated], dtype=np.float64)
    boxes[:, 2:] += boxes[:, :2]  # annotated as left, top, width and height
    boxes = np.clip(boxes / np.tile(extent, 2), 0.0, 1.0)
    names, category = _numbered([entry.category for _, entry in annotated])
    labels = {"category": category, "place": _part_of_grid(boxes, _PLACES)}
    of_objects = [dict(entry.attributes) for _, entry in annotated]
    of_image = [dict(words) for words in attributes] or [{}] * len(objects)
    grounds = [_ground(of_image[image], box) for image, box in zip(images, boxes, strict=True)]
    if None not in grounds:
        of_objects = [
            {**words, _BACKGROUND: str(ground)} for words, ground in zip(of_objects, grounds, strict=True)
        ]
    for name in sorted(set.intersection(*(set(words) for words in of_objects)) - labels.keys()):
        labels[name] = _numbered([words[name] for words in of_objects])[1]
    return ObjectBoxes(images, boxes, labels, names)


def _numbered(words: Sequence[str]) -> tuple[tuple[str, ...], Int64[np.ndarray, " boxes"]]:
    """Returns the words that there are, and the number among them of each."""
    names, numbers = np.unique(words, return_inverse=True)
    return tuple(names.tolist()), np.asarray(numbers, dtype=np.int64)


def _part_of_grid(boxes: np.ndarray, side: int) -> Int64[np.ndarray, " boxes"]:
    """Returns in which part of a grid over their images the centres of boxes are, row by row."""
    across, down = (
        np.minimum((boxes[:, [start, start + 2]].mean(axis=1) * side).astype(np.int64), side - 1)
        for start in (0, 1)
    )
    return np.asarray(down * side + across)


def _ground(words: Mapping[str, str], box: np.ndarray) -> str | None:
    """Returns the background behind a box: that of its part of the image, or else the image's own."""
    count = sum(name.startswith(f"{_BACKGROUND}s.") for name in words)
    side = isqrt(count)
    if not count or side * side != count:
        return words.get(_BACKGROUND)
    return words.get(f"{_BACKGROUND}s.{_part_of_grid(box[None], side)[0]}")


def tokens_in(tokens: Tokens, cells: ObjectBoxes) -> Float[np.ndarray, "boxes width"]:
    """Returns the mean of the tokens in each box: of the patches whose centres it holds, or else its centre's patch.

    Args:
        tokens: those of a square grid, row by row, behind any of no place.

    Raises:
        VistokError: the tokens are of no square grid.
    """
    side = grid_side(tokens.shape[1])
    centres = (np.arange(side) + 0.5) / side
    inside = []
    for start in (0, 1):
        low, high = cells.boxes[:, [start]], cells.boxes[:, [start + 2]]
        covers = (centres >= low) & (centres < high)
        middle = np.minimum(((low + high)[:, 0] / 2 * side).astype(np.int64), side - 1)
        covers[~covers.any(axis=1), middle[~covers.any(axis=1)]] = True
        inside.append(covers)
    across, down = inside
    weights = (down[:, :, None] & across[:, None, :]).reshape(len(cells), -1).astype(tokens.dtype)
    weights /= weights.sum(axis=1, keepdims=True)
    patches = tokens[:, tokens.shape[1] - side * side :]
    return np.asarray([weight @ patches[image] for weight, image in zip(weights, cells.images, strict=True)])


def grid_side(tokens: int) -> int:
    """Returns the side of the square grid that an image's tokens make, behind those of no place.

    Raises:
        VistokError: they are of no square grid.
    """
    side = isqrt(tokens)
    if not side or tokens - side * side > _MOST_PREFIX:
        raise VistokError(
            f"{tokens} tokens per image are not a square grid behind at most {_MOST_PREFIX} tokens of no place, so it "
            "is unknown which token lies in which box. Name an encoder that keeps its patches, with its pooling off."
        )
    return side


def whitened_rows(tokens: Tokens) -> Tokens:
    """Returns each token with its own mean and deviation taken out, as a connector's LayerNorm sees it."""
    middle = tokens - tokens.mean(axis=-1, keepdims=True)
    return np.asarray(middle / np.sqrt(np.square(middle).mean(axis=-1, keepdims=True) + 1e-5))
