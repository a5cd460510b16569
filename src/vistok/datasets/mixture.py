"""The training mixture: images with questions, a pure function of seed and position."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vistok.datasets.order import epoch_order
from vistok.datasets.preprocessing import WHOLE, Box, crop_box
from vistok.datasets.questions import Annotations, Turn, within
from vistok.datasets.reader import Cached, Input, Reader
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards
from vistok.errors import VistokError

__all__ = ["Mixture", "MixtureSample", "Turn"]

_ROW_BYTES = 4096


@dataclass(frozen=True, slots=True)
class MixtureSample:
    """One image as its tokenizer's reader shows it, with the questions that are asked about it."""

    image: Input
    turns: tuple[Turn, ...]


class Mixture:
    """All images of some sets, each once per epoch or as often as configured, in a new order every epoch.

    Training can go on from any position, and any number of workers makes the same stream: each worker asks
    for the positions that are its own.
    """

    def __init__(
        self,
        shards: Sequence[Shards],
        *,
        repeats: Sequence[int] | None = None,
        draw: Callable[[Annotations, np.random.Generator], tuple[Turn, ...]],
        reader: Reader,
        seed: int,
        horizontal_flip: bool = True,
        crop_scale: tuple[float, float] = WHOLE,
        cache_bytes: int = 1 << 28,
    ) -> None:
        """Joins the sets.

        Args:
            repeats: how often each set's images occur in an epoch; None: once.
            draw: returns what is asked about an image; its text names the kinds of questions.
            reader: makes the tokenizer's input.
            horizontal_flip: flip half of the images (paper §4.1).
            crop_scale: least and greatest share of an image's area to show; (1, 1) is the whole, as in evaluation.
            cache_bytes: the most memory that decoded images may take in each process: all of them, or none.

        Raises:
            VistokError: there is not an image.
        """
        times = repeats or [1] * len(shards)
        sizes = [len(entry) * often for entry, often in zip(shards, times, strict=True)]
        self._ends = np.cumsum(sizes, dtype=np.int64)
        if not len(self):
            raise VistokError(
                "the training mixture has no images. Name image sets under `mixture` in the scale's file."
            )
        self._shards = tuple(shards)
        self._draw = draw
        self._reader, self._seed = reader, seed
        self._flip, self._crop_scale = horizontal_flip, crop_scale
        # If not all images fit, a cache would have hardly any hits within an epoch.
        self._fits = sum(map(len, shards)) * (reader.cached_bytes + _ROW_BYTES) <= cache_bytes

    def __len__(self) -> int:
        """The number of places of one epoch."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_images"}

    def sample(self, position: int) -> MixtureSample:
        """Returns the image at a position of the stream, which counts over all epochs, with its questions.

        An image that supports no question gives its place to the next one of the epoch's order that does.

        Raises:
            VistokError: no image supports any question, or an image cannot be decoded.
        """
        epoch, index = divmod(position, len(self))
        order = epoch_order(len(self), epoch, self._seed)
        generator = np.random.default_rng([self._seed, position])
        for step in range(len(self)):
            cached, annotations = self._image(int(order[(index + step) % len(self)]))
            box = self._box(cached, generator)
            part = within(annotations, box) if box else annotations
            if turns := self._draw(part, generator):
                shown = self._reader.shown(cached, box, generator, horizontal_flip=self._flip)
                return MixtureSample(shown, turns)
        raise VistokError(
            f"no image of the mixture supports a question of the kinds {self._draw}. "
            "Name image sets with annotations under `mixture`, or change the recipe's `turns`."
        )

    def _box(self, cached: Cached, generator: np.random.Generator) -> Box | None:
        """Returns the part of an image to show, drawn before what is asked: an object may be cut off."""
        if self._crop_scale == WHOLE:
            return None
        return crop_box(cached.shape[1], cached.shape[0], self._crop_scale, generator)

    def _image(self, index: int) -> tuple[Cached, Annotations]:
        """Returns what may be cached of an image, and its annotations."""
        which = int(np.searchsorted(self._ends, index, side="right"))
        start = int(self._ends[which - 1]) if which else 0
        number = (index - start) % len(self._shards[which])
        if self._fits:
            return self._images[which][number]
        return self._decoded(self._shards[which], self._shards[which].row(number))

    @cached_property
    def _images(self) -> list[list[tuple[Cached, Annotations]]]:
        """All images of each set, in the order of its rows, so that each row group is read once."""
        return [[self._decoded(shards, row) for row in shards] for shards in self._shards]

    def _decoded(self, shards: Shards, row: ImageRow) -> tuple[Cached, Annotations]:
        annotations = Annotations(row.captions, row.objects, row.questions, shards.categories)
        cached = self._reader.cacheable(row, lambda: shards.decoded(row), uncropped=self._crop_scale == WHOLE)
        return cached, annotations
