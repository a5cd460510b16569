"""Turns decoded images into the arrays that image encoders take: squash or crop, flip, normalise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vistok.grid.tokenizers import Normalisation

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]
Channels = tuple[float, float, float]

# Mean and standard deviation of red, green and blue in 0..1, as timm.data.constants has them; importing those
# would take seconds, for timm imports torch.
# imagenet: as torchvision's classification models; clip: released GVT code, the only one it has;
# siglip: SigLIP's, and many of Google's ViTs' (timm calls them Inception's).
STATISTICS: Final[Mapping[Normalisation, tuple[Channels, Channels]]] = {
    "imagenet": ((0.4850, 0.4560, 0.4060), (0.2290, 0.2240, 0.2250)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "siglip": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
_ASPECT = (3 / 4, 4 / 3)
_ATTEMPTS = 10
WHOLE = (1.0, 1.0)


def squash(image: Image.Image, size: int, *, box: Box | None = None) -> Pixels:
    """Returns an RGB image, or a box (left, top, right, bottom) of it, resized to [size, size, 3].

    Bicubic, whatever the aspect ratio (released code: Resize((224, 224))); an image that already has the
    size keeps its pixels.
    """
    if box is not None or image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC, box=box)
    return np.asarray(image)


def channels_first(pixels: Pixels) -> Pixels:
    """Returns pixels [h, w, 3] as [3, h, w]."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


@dataclass(frozen=True)
class Preprocessing:
    """What an encoder expects: its image size in pixels per side, and the normalisation of its pretraining."""

    image_size: int
    normalisation: Normalisation

    def evaluation(self, image: Image.Image) -> Floats:
        """Returns the whole RGB image, squashed and normalised: [3, size, size]."""
        one: Floats = self.normalise(squash(image, self.image_size)[None])[0]
        return one

    def flip(self, pixels: Pixels, generator: np.random.Generator, *, horizontal_flip: bool = True) -> Pixels:
        """Returns one image's pixels [h, w, 3] mirrored half of the time: [3, h, w]."""
        flip = horizontal_flip and generator.random() < 0.5
        return channels_first(pixels[:, ::-1] if flip else pixels)

    def normalise(self, pixels: Pixels) -> Floats:
        """Returns a batch of pixels [n, h, w, 3] as normalised [n, 3, h, w]."""
        table = _table(self.normalisation)
        return np.stack([table[channel][pixels[..., channel]] for channel in range(3)], axis=1)


@cache
def _table(normalisation: Normalisation) -> Floats:
    """Returns what each of the 256 values of red, green and blue becomes: [3, 256]."""
    mean, deviation = np.array(STATISTICS[normalisation], dtype=np.float32)[..., None]
    table: Floats = (np.arange(256, dtype=np.float32) / np.float32(255) - mean) / deviation
    return table


def crop_box(width: int, height: int, scale: tuple[float, float], generator: np.random.Generator) -> Box:
    """Returns a random box (left, top, right, bottom) with a share of the area in `scale`.

    The aspect ratio is log-uniform in 3/4..4/3 (the usual random resized crop). Where no such box fits, it
    is the largest central box of a legal ratio.
    """
    low, high = math.log(_ASPECT[0]), math.log(_ASPECT[1])
    for _ in range(_ATTEMPTS):
        area = width * height * generator.uniform(*scale)
        ratio = math.exp(generator.uniform(low, high))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left = int(generator.integers(0, width - w + 1))
            top = int(generator.integers(0, height - h + 1))
            return left, top, left + w, top + h
    w = min(width, round(height * _ASPECT[1]))
    h = min(height, round(width / _ASPECT[0]))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h
