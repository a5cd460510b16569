"""Probes a tokenizer that was pretrained here, and the encoder that it started from, on the scale's probe set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64

from vistok.datasets.preprocessing import Preprocessing, squash
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards
from vistok.grid.tokenizers import Encoder
from vistok.probes.cells import Cells, cells_of
from vistok.probes.features import tokens_of
from vistok.probes.gate import collapses, gains, shortfalls
from vistok.probes.presence import presence_auc
from vistok.probes.probe import Pixels, probe_cells
from vistok.probes.prototypes import use_of_prototypes
from vistok.probes.values import CellProbe
from vistok.supervision.base import Objective, Setup, untrained_encoder
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign

PROBE_IMAGES: Final = 2000
_BATCH: Final = 100
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
    cells: Cells
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
            cells_of(
                [row.objects for row in rows],
                [image.size for image in images],
                [row.attributes for row in rows],
            ),
            np.array([[category in seen for category in shards.categories] for seen in names]),
            {"category": _main_category(rows), **_backgrounds(rows), "light": _light(pixels)},
        )


def probe_rows(encoder: Encoder, path: Path) -> CellProbe:
    """Returns the probe of a tokenizer that needs no training, on the first images of a set as it reads them."""
    tokenizer, chance = build_tokenizer(encoder).eval(), np.random.default_rng(0)
    images, reader, shards = ProbeSet.read(path, encoder.image_size), tokenizer.reads(), Shards(path)
    shown = []
    for row in islice(shards, PROBE_IMAGES):
        kept = reader.kept(row, partial(shards.decoded, row), whole=True)
        shown.append(reader.shown(kept, None, chance, horizontal_flip=False))
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
    told = [word for row in rows if (word := dict(row.attributes).get("background"))]
    if len(told) < len(rows):
        return {}
    return {"background": np.unique(told, return_inverse=True)[1].astype(np.int64)}


def _light(pixels: Pixels) -> Int64[np.ndarray, " images"]:
    order = pixels.mean(axis=(1, 2, 3)).argsort(kind="stable").argsort(kind="stable")
    return np.asarray(order * _LIGHTS // len(pixels), dtype=np.int64)


def probe_pretrained(
    tokenizer: VisualTokenizer, objective: Objective, setup: Setup, images: ProbeSet
) -> tuple[dict[str, Any], list[str]]:
    """Returns the probe for a checkpoint's config.json, and a sentence for each failure.

    The control is the encoder that the same seed starts from, after its preparation and before any step.

    Args:
        tokenizer: what was pretrained.
        objective: what pretrained it.
        setup: what that was built from.
        images: of the tokenizer's size.
    """
    start = build_tokenizer(setup.encoder)
    load_foreign(start, untrained_encoder(objective, setup).state_dict(), Path(objective.name))
    tokens = tokens_of(tokenizer)(images.pixels)
    probe = probe_cells(lambda _: tokens, images.pixels, images.cells)
    control = probe_cells(tokens_of(start), images.pixels, images.cells, mlp=False)
    added = gains(probe, control)
    use = None
    if (probabilities := _prototypes(objective, setup, images.pixels)) is not None:
        use = use_of_prototypes(probabilities, images.attributes)
    amiss = shortfalls(probe, control) + collapses(probe, use) if setup.pretraining.steps else []
    record = {
        **probe.plain(),
        "auc": round(presence_auc(tokens, images.presence), 4),
        "untrained": control.plain(),
        "gains": {name: gain.plain() for name, gain in added.items()},
        "prototypes": use.plain() if use else None,
        "amiss": amiss,
    }
    return record, amiss


@torch.no_grad()
def _prototypes(
    objective: Objective, setup: Setup, pixels: Pixels
) -> Float[np.ndarray, "images prototypes"] | None:
    preprocessing = Preprocessing(setup.encoder.image_size, setup.encoder.normalisation)
    parts = []
    for start in range(0, len(pixels), _BATCH):
        images = preprocessing.normalise(pixels[start : start + _BATCH])
        probabilities = objective.prototypes(torch.from_numpy(images))
        if probabilities is None:
            return None
        parts.append(probabilities.numpy())
    return np.concatenate(parts)
