"""Measures the reconstructions of ETT's tokenizer: by pixels, by features, and by what is still recognised."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Bool, Float

from vistok.checkpoints import digest_tensors, read_config
from vistok.datasets.coco import read_instances
from vistok.datasets.images import ImageIndex, load_image
from vistok.datasets.preprocessing import squash
from vistok.errors import VistokError
from vistok.evaluation.reconstruction import Pixels, frechet_distance, patch_means, psnr, ssim
from vistok.evaluation.statistics import bootstrap_interval
from vistok.files import write_json
from vistok.grid.ett import EttPaths
from vistok.grid.ett_reconstruction import reader_of
from vistok.grid.ett_scale import IBQ, LONGER, TASK, check_nets, network_of, read_scale, tuned_runs
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.probes.cell_net import NOTHING, CellLabels, CellNet, cell_labels
from vistok.steps.ask_pictures import PictureReader
from vistok.steps.ett_models import load_cell_net, load_ibq
from vistok.steps.models import load_trained
from vistok.steps.photographs import measured_on_photographs
from vistok.supervision.ibq.images import ImagePool
from vistok.tokenizers.ibq.codebook import CodeUse, code_use
from vistok.tokenizers.ibq.model import Ibq, from_bytes
from vistok.training.loop import make_deterministic

_AT_ONCE: Final = 100
_LARGE: Final = 0.5  # of a cell, an object's box
Measured = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class _Truth:
    """Images with the contents of their cells."""

    images: Pixels
    photographs: list[Path]
    labels: CellLabels
    large: Bool[np.ndarray, "B G G"]


@dataclass(frozen=True, eq=False)
class _Painted:
    """What a tokenizer leaves of images, and the use of its codes in them."""

    pictures: Pixels
    use: CodeUse


def run(study: Study) -> None:
    """Writes `results/<results>/ett/reconstruction.json`: each row's metrics with n and 95 % interval, and how.

    Raises:
        VistokError: the scale has no such tokenizer, a checkpoint is missing or changed, or the task names no
            annotations; or photographs, which a scale may name in their place, are missing, or too many are unusable.
    """
    make_deterministic(0)
    if photographs := read_scale(study.models_study).reconstruction:
        record = measured_on_photographs(study, photographs, _tokenizers(study))
        write_json(EttPaths(study).reconstruction, record)
        return
    check_nets(study)
    judge, net = load_cell_net(study, "judge"), load_cell_net(study, "features")
    size = network_of(study)
    truth = _truth(study, judge, size.image_size)
    reader = PictureReader.of(study, truth.photographs, size.image_size)
    tokenizers = dict(_tokenizers(study))
    painted = {name: _painted(model, truth.images) for name, model in tokenizers.items()}
    pictures = {name: reconstruction.pictures for name, reconstruction in painted.items()} | {
        "patch-means": patch_means(truth.images, size.stride),
        "true": truth.images,
    }
    own, resamples = _features(net, truth.images), study.scale.bootstrap_resamples
    rows = {name: _measured(judge, truth, shown, resamples) for name, shown in pictures.items()}
    for name, shown in pictures.items():
        distance = frechet_distance(own, _features(net, shown)) if name != "true" else _floor(study, net, own)
        rows[name]["rfid"] = _alone(distance, len(own))
    for name, reconstruction in painted.items():
        rows[name]["use"] = _alone(100 * reconstruction.use.share, len(own))
        rows[name]["perplexity"] = _alone(reconstruction.use.perplexity, len(own))
    painters: dict[str, Callable[[Pixels], Pixels]] = {
        name: partial(_pictures, model) for name, model in tokenizers.items()
    }
    painters |= {"patch-means": partial(patch_means, side=size.stride), "true": lambda images: images}
    for name, shown in pictures.items():
        rows[name] |= reader.answers(shown) | reader.probe(painters[name])
    write_json(EttPaths(study).reconstruction, {"rows": rows, "protocol": _protocol(study, net, len(own))})


def _tokenizers(study: Study) -> Iterator[tuple[str, Ibq]]:
    """Yields each tokenizer that is measured, by its own name or by that of the recipe that tuned it."""
    for name in (IBQ, LONGER):
        yield name, load_ibq(study, name)
    for run in tuned_runs(study):
        yield run.recipe, load_trained(study.models_study, run).eval().tokenizer.trunk


@torch.no_grad()
def _painted(model: Ibq, images: Pixels) -> _Painted:
    codes = torch.cat([model.codes(batch) for batch in torch.from_numpy(images).split(_AT_ONCE)])
    pictures = torch.cat([model.painted(batch) for batch in codes.split(_AT_ONCE)])
    return _Painted(pictures.numpy(), code_use(codes, model.size.codes))


def _pictures(model: Ibq, images: Pixels) -> Pixels:
    return _painted(model, images).pictures


def _alone(value: float, n: int) -> dict[str, float | int | None]:
    return {"value": round(value, 4), "low": None, "high": None, "n": n}


def _truth(study: Study, judge: CellNet, pixels: int) -> _Truth:
    """Returns the images of the split with the contents of their cells from annotations."""
    files, data = study.task_files(TASK), Paths(study).data
    if files is None or files.annotations is None:
        raise VistokError(
            f"the task {TASK!r} has no `annotations` at the scale {study.scale.id!r}: nothing tells what is seen."
        )
    instances = read_instances(data / files.annotations)
    index = ImageIndex(data, files.images)
    names = list(instances.images)
    photographs = [index.require(name) for name in names]
    images = np.stack(
        [
            squash(load_image(path, what=f"image {name}"), pixels)
            for name, path in zip(names, photographs, strict=True)
        ]
    )
    objects = [instances.objects[name] for name in names]
    sizes = [(instances.images[name].width, instances.images[name].height) for name in names]
    labels = cell_labels(objects, sizes, judge.contents, cells=pixels >> len(judge.stages))
    return _Truth(images.transpose(0, 3, 1, 2), photographs, labels, labels.area >= _LARGE)


def _measured(judge: CellNet, truth: _Truth, pictures: Pixels, resamples: int) -> Measured:
    """Returns the metrics of pictures against the images, each with its interval over images."""
    read = [judge.read(from_bytes(batch)) for batch in torch.from_numpy(pictures).split(_AT_ONCE)]
    category, colour = (np.concatenate(batches) for batches in zip(*read, strict=True))
    present, large = truth.labels.category > NOTHING, truth.large
    right = 100.0 * (category == truth.labels.category)
    coloured = 100.0 * (colour == truth.labels.colour)
    scores = {
        "found": _over(right, present, resamples),
        "found_large": _over(right, present & large, resamples),
        "found_small": _over(right, present & ~large, resamples),
        "colour": _over(coloured, present & (truth.labels.colour > NOTHING), resamples),
    }
    if pictures is truth.images:
        return scores
    each = np.ones(len(pictures), dtype=bool)
    return {
        "psnr": _over(psnr(truth.images, pictures), each, resamples),
        "ssim": _over(ssim(truth.images, pictures), each, resamples),
        **scores,
    }


def _over(
    values: Float[np.ndarray, "..."], mask: Bool[np.ndarray, "..."], resamples: int
) -> dict[str, float | int | None]:
    """Returns the mean of the chosen values, and its interval over the images that they are of."""
    selected, groups = values[mask], np.nonzero(mask)[0].tolist()
    if not len(selected):
        return {"value": None, "low": None, "high": None, "n": 0}
    low, high = bootstrap_interval(selected, groups, resamples=resamples)
    return {
        "value": round(float(selected.mean()), 4), "low": round(low, 4), "high": round(high, 4), "n": len(selected),
    }  # fmt: skip


def _features(net: CellNet, images: Pixels) -> Float[np.ndarray, "B width"]:
    return np.concatenate(
        [net.features(from_bytes(batch)) for batch in torch.from_numpy(images).split(_AT_ONCE)]
    )


def _floor(study: Study, net: CellNet, own: Float[np.ndarray, "B width"]) -> float:
    """Returns the distance to as many real images of a training set: the value without any reconstruction."""
    folder = Paths(study.models_study).shards(read_scale(study).tokenizer.images[0])
    pool = ImagePool([folder], network_of(study).image_size)
    others = pool.pixels(np.arange(min(len(own), len(pool)))).numpy()
    return frechet_distance(own, _features(net, others))


def _protocol(study: Study, net: CellNet, images: int) -> Mapping[str, Any]:
    accuracies = {
        name: read_config(EttPaths(study).checkpoint(name))["told"] for name in ("judge", "features")
    }
    return {
        "images": images,
        "crop": "none: whole images, squashed to the tokenizer's size",
        "reference": "the same images",
        "features_digest": digest_tensors(net.state_dict()),
        "told": accuracies,
        "floor_set": read_scale(study).tokenizer.images[0],
        "reader": reader_of(study).path,
    }
