"""Photographs of a folder as squares, cut as IBQ's authors cut them (SEED-Voken: data code and evaluation_image.py)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from vistok.datasets.images import SUFFIXES, UnusableImageError, load_image
from vistok.errors import VistokError
from vistok.files import no_folder
from vistok.grid.ett_photographs import PhotographsMeasured


@dataclass
class Photographs:
    """All photographs below a folder, in the order of their paths, as squares.

    Attributes:
        left_out: those that turned out to be broken, by their paths below the folder.
    """

    folder: Path
    size: PhotographsMeasured
    pool: ThreadPoolExecutor
    left_out: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise VistokError(
                f"{self.folder} {no_folder(self.folder)}: reconstructions are measured on the photographs in it. Get "
                "them as docs/ett.md says, or correct `images` of `reconstruction` in the scale's file below "
                "workflow/scales/ett."
            )
        self.paths = sorted(path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not self.size.number - self.size.unusable <= len(self.paths) <= self.size.number:
            raise self._wrong(f"{len(self.paths)} are there")

    def batches(self) -> Iterator[UInt8[Tensor, "B 3 S S"]]:
        """Yields all that are whole, so many at a time.

        Raises:
            VistokError: more of them are broken than may be.
        """
        for start in range(0, len(self.paths), self.size.batch):
            squares = list(self.pool.map(self._square, self.paths[start : start + self.size.batch]))
            if whole := [square for square in squares if square is not None]:
                yield torch.stack(whole)

    def _square(self, path: Path) -> UInt8[Tensor, "3 S S"] | None:
        name = path.relative_to(self.folder).as_posix()
        if name in self.left_out:
            return None
        try:
            return square(load_image(path, what="a photograph"), self.size.side)
        except UnusableImageError as error:
            self.left_out.add(name)
            if self.size.number - len(self.paths) + len(self.left_out) > self.size.unusable:
                raise self._wrong(f"{len(self.paths)} are there, and {error}") from error
            return None

    def _wrong(self, found: str) -> VistokError:
        return VistokError(
            f"{self.folder}: {self.size.number} photographs are needed, of which {self.size.unusable} may be absent or "
            f"broken; {found.rstrip('.')}. Get them anew, or correct `number` or `unusable` of `reconstruction` in the "
            "scale's file below workflow/scales/ett."
        )


def square(image: Image.Image, side: int) -> UInt8[Tensor, "3 S S"]:
    """Returns the middle of an RGB image whose shorter side is made `side` pixels long.

    Bilinear without smoothing, as OpenCV does it, and the crop of albumentations: with both, IBQ's authors measure.
    """
    factor = side / min(image.size)
    size = (round(image.height * factor), round(image.width * factor))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    resized = functional.interpolate(pixels, size=size, mode="bilinear", align_corners=False)[0]
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    return resized[:, top : top + side, left : left + side].round().to(torch.uint8)
