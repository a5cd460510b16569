"""What a tokenizer reads of an image: its pixels as bytes, unless its kind says otherwise."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vistok.datasets.images import load_image
from vistok.datasets.preprocessing import Box, Pixels, Preprocessing, channels_first, squash
from vistok.datasets.rows import ImageRow

Cached = NDArray[Any]
Input = NDArray[
    Any
]  # uint8 [3, height, width], which a tokenizer normalises on its device; or codes of its kind


class Reader(ABC):
    """Makes a tokenizer's input of a training set's rows, and of the photographs that are asked about."""

    @abstractmethod
    def cacheable(self, row: ImageRow, decoded: Callable[[], Image.Image], *, uncropped: bool) -> Cached:
        """Returns what may be cached of an image across epochs.

        Args:
            row: the image with what is known about it.
            decoded: returns its picture.
            uncropped: whether only the whole image is ever needed.
        """

    @abstractmethod
    def shown(
        self, cached: Cached, box: Box | None, generator: np.random.Generator, *, horizontal_flip: bool
    ) -> Input:
        """Returns the input of one step: the whole image, or a box of it, mirrored at random with `horizontal_flip`."""

    @abstractmethod
    def photograph(self, path: Path) -> Input:
        """Returns the input of a photograph that is asked about.

        Raises:
            VistokError: it cannot be read.
        """

    @property
    @abstractmethod
    def cached_bytes(self) -> int:
        """Roughly how much memory a cached image takes."""


class PixelReader(Reader):
    """The pixels, squashed or cut out: bytes, which take a quarter of the memory of what they are normalised to."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.preprocessing = preprocessing

    def cacheable(self, row: ImageRow, decoded: Callable[[], Image.Image], *, uncropped: bool) -> Cached:
        # Squashing later would give the same pixels, from a larger cache.
        return squash(decoded(), self.preprocessing.image_size) if uncropped else np.asarray(decoded())

    def shown(
        self, cached: Cached, box: Box | None, generator: np.random.Generator, *, horizontal_flip: bool
    ) -> Pixels:
        pixels = squash(Image.fromarray(cached), self.preprocessing.image_size, box=box) if box else cached
        return self.preprocessing.flip(pixels, generator, horizontal_flip=horizontal_flip)

    def photograph(self, path: Path) -> Pixels:
        return channels_first(squash(load_image(path, what="photograph"), self.preprocessing.image_size))

    @property
    def cached_bytes(self) -> int:
        return 3 * self.preprocessing.image_size**2
