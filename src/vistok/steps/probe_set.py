"""A scale's probe set: the images on which tokenizers are probed, and the probe of one that needs no training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Int64

from vistok.datasets.preprocessing import squash
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards
from vistok.grid.tokenizers import Encoder
from vistok.probes.cells import ObjectBoxes, object_boxes
from vistok.probes.probe import Pixels, probe_cells
from vistok.probes.values import CellProbe
from vistok.tokenizers.base import build_tokenizer

PROBE_IMAGES: Final = 2000
_LIGHTS: Final = 6  # parts of equal size that images are sorted into by their mean brightness


@dataclass(frozen=True, eq=False)
class ProbeSet:
    """Annotated images of one size.

    Attributes:
        cells: the boxes in them.
        presence: which of the set's categories are in each image.
        attributes: what is known of every image as a whole, as numbers.
    """

    pixels: Pixels
    cells: ObjectBoxes
    presence: Bool[np.ndarray, "images categories"]
    attributes: Mapping[str, Int64[np.ndarray, " images"]]

    @classmethod
    def read(cls, path: Path, size: int) -> "ProbeSet":
        """Returns the first images of a set.

        Raises:
            VistokError: the shards are damaged, or no image has an object.
        """
        shards = Shards(path)
        rows = list(islice(shards, PROBE_IMAGES))
        images = [shards.decoded(row) for row in rows]
        pixels = np.stack([squash(image, size) for image in images])
        names = [{entry.category for entry in row.objects} for row in rows]
        return cls(
            pixels,
            object_boxes(
                [row.objects for row in rows],
                [image.size for image in images],
                [row.attributes for row in rows],
            ),
            np.array([[category in seen for category in shards.categories] for seen in names]),
            {"category": _main_category(rows), **_backgrounds(rows), "light": _light(pixels)},
        )


def probe_rows(encoder: Encoder, path: Path) -> CellProbe:
    """Returns the probe of a tokenizer that needs no training, on the first images of a set as it reads them."""
    tokenizer, rng = build_tokenizer(encoder).eval(), np.random.default_rng(0)
    images, reader, shards = ProbeSet.read(path, encoder.image_size), tokenizer.reads(), Shards(path)
    shown = []
    for row in islice(shards, PROBE_IMAGES):
        cached = reader.cacheable(row, partial(shards.decoded, row), uncropped=True)
        shown.append(reader.shown(cached, None, rng, horizontal_flip=False))
    with torch.no_grad():
        tokens = tokenizer(tokenizer.prepared(torch.from_numpy(np.stack(shown)))).numpy()
    return probe_cells(lambda _: tokens, images.pixels, images.cells)


def _main_category(rows: Sequence[ImageRow]) -> Int64[np.ndarray, " images"]:
    """Returns the category that covers most of each image, as a number; images without objects are of one more."""
    names: dict[str, int] = {}
    numbers = []
    for row in rows:
        areas: dict[str, float] = {}
        for entry in row.objects:
            areas[entry.category] = areas.get(entry.category, 0.0) + entry.box[2] * entry.box[3]
        main = max(areas, key=areas.__getitem__, default="")
        numbers.append(names.setdefault(main, len(names)))
    return np.array(numbers, dtype=np.int64)


def _backgrounds(rows: Sequence[ImageRow]) -> dict[str, Int64[np.ndarray, " images"]]:
    """Returns the background of each image, as a number, where all tell theirs."""
    names = [word for row in rows if (word := dict(row.attributes).get("background"))]
    if len(names) < len(rows):
        return {}
    return {"background": np.unique(names, return_inverse=True)[1].astype(np.int64)}


def _light(pixels: Pixels) -> Int64[np.ndarray, " images"]:
    order = pixels.mean(axis=(1, 2, 3)).argsort(kind="stable").argsort(kind="stable")
    return np.asarray(order * _LIGHTS // len(pixels), dtype=np.int64)
