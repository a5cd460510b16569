"""Measures what tokenizers leave of photographs, as it is published: PSNR, SSIM, rFID and the use of codes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from vistok.checkpoints import digest_tensors
from vistok.evaluation.reconstruction import Moments, gaussian_distance, patch_means, psnr, ssim
from vistok.evaluation.statistics import bootstrap_interval
from vistok.grid.ett_photographs import PhotographsMeasured
from vistok.grid.ett_scale import network_of
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.planning.listed import check_listed
from vistok.probes.inception import WIDTH, FidInception, load_inception
from vistok.probes.photographs import Photographs
from vistok.progress import reporting
from vistok.tokenizers.ibq.codebook import code_use
from vistok.tokenizers.ibq.model import Ibq, from_bytes, to_bytes
from vistok.training.devices import device_of

JOB: Final = "answer"  # whose size the step takes: it looks at as many images
Bytes = UInt8[Tensor, "B 3 S S"]
Codes = Int64[Tensor, "B H W"]
# Returns pictures from -1 to 1, and the codes that they are painted from, if they are.
Painter = Callable[[Bytes], tuple[Float[Tensor, "B 3 S S"], Codes | None]]


@dataclass(frozen=True, eq=False)
class _Measure:
    """What measures pictures of photographs.

    Attributes:
        pool: threads that compare single pictures.
        resamples: of the intervals over photographs.
    """

    photographs: Photographs
    net: FidInception
    pool: Executor
    device: torch.device
    resamples: int

    def halves(self) -> tuple[Moments, Moments]:
        """Returns the features of every other photograph, and those of the others."""
        halves, seen = (Moments(WIDTH), Moments(WIDTH)), 0
        for images in self.photographs.batches():
            features = self._features(from_bytes(images.to(self.device)))
            for half in (0, 1):
                halves[(seen + half) % 2].add(features[half::2])
            seen += len(images)
        return halves

    def row(self, paint: Painter, codes: int) -> tuple[Moments, dict[str, Any]]:
        """Returns the features of all pictures, and their other metrics."""
        moments, used = Moments(WIDTH), []
        compared: dict[str, list[float]] = {"psnr": [], "ssim": []}
        for images in self.photographs.batches():
            pictures, chosen = paint(images.to(self.device))
            moments.add(self._features(pictures))
            used += [] if chosen is None else [chosen.cpu()]
            shown, truth = to_bytes(pictures).cpu().numpy(), images.numpy()
            compared["psnr"] += psnr(truth, shown).tolist()
            compared["ssim"] += self.pool.map(_ssim, truth, shown)
        scores = {name: _with_interval(np.array(values), self.resamples) for name, values in compared.items()}
        if not used:
            return moments, scores
        use = code_use(torch.cat(used), codes)
        return moments, scores | {
            "use": alone(100 * use.share, moments.count), "perplexity": alone(use.perplexity, moments.count)
        }  # fmt: skip

    def _features(self, images: Float[Tensor, "B 3 S S"]) -> Float[np.ndarray, "B D"]:
        return np.asarray(self.net.features(images).cpu().numpy())


def measured_on_photographs(
    study: Study, size: PhotographsMeasured, tokenizers: Iterable[tuple[str, Ibq]]
) -> dict[str, Any]:
    """Returns the record of reconstruction: each tokenizer's row, one that needs no training, and the floor of rFID.

    Args:
        size: on what is measured.
        tokenizers: each by its name in the record; one is kept at a time.

    Raises:
        VistokError: the photographs or the network of features are not there or have changed since they were listed,
            or too many photographs are unusable.
    """
    models_study, job, network = study.models_study, study.scale.job(JOB), network_of(study)
    root, device = Paths(models_study).data, device_of(job.gpus)
    check_listed(models_study, size.files)
    net = load_inception(root / size.features).to(device)
    with ThreadPoolExecutor(job.cpus) as pool:
        photographs = Photographs(root / size.images, size, pool)
        measure = _Measure(photographs, net, pool, device, study.scale.bootstrap_resamples)
        with reporting("features of photographs"):
            even, odd = measure.halves()
        own, rows = (even + odd).gaussian, {}
        painters: Iterator[tuple[str, Painter]] = (
            (name, _painter(model, device)) for name, model in tokenizers
        )
        for name, paint in chain(painters, [("patch-means", _means(network.stride))]):
            with reporting(f"pictures by {name}"):
                moments, scores = measure.row(paint, network.codes)
            distance = gaussian_distance(own, moments.gaussian)
            rows[name] = scores | {"rfid": alone(distance, moments.count)}
    floor = gaussian_distance(even.gaussian, odd.gaussian)
    rows["true"] = {"rfid": alone(floor, odd.count)}
    return {"rows": rows, "protocol": _protocol(size, net, photographs)}


def alone(value: float, n: int) -> dict[str, float | int | None]:
    """Returns a metric of n images that has no interval."""
    return {"value": round(value, 4), "low": None, "high": None, "n": n}


def _painter(model: Ibq, device: torch.device) -> Painter:
    """Returns what encodes and decodes, in single precision, in which codes are decided."""
    own = model.to(device).float().eval()

    @torch.no_grad()
    def paint(images: Bytes) -> tuple[Float[Tensor, "B 3 S S"], Codes | None]:
        codes = own.codes(images)
        return own.decode(own.codebook.look_up(codes)).clamp(-1, 1), codes

    return paint


def _means(stride: int) -> Painter:
    def paint(images: Bytes) -> tuple[Float[Tensor, "B 3 S S"], Codes | None]:
        means = torch.from_numpy(patch_means(images.cpu().numpy(), stride))
        return from_bytes(means.to(images.device)), None

    return paint


def _ssim(image: UInt8[np.ndarray, "3 S S"], picture: UInt8[np.ndarray, "3 S S"]) -> float:
    return float(ssim(image[None], picture[None])[0])


def _with_interval(values: Float[np.ndarray, " images"], resamples: int) -> dict[str, float | int | None]:
    low, high = bootstrap_interval(values, range(len(values)), resamples=resamples)
    return {
        "value": round(float(values.mean()), 4), "low": round(low, 4), "high": round(high, 4), "n": len(values),
    }  # fmt: skip


def _protocol(size: PhotographsMeasured, net: FidInception, photographs: Photographs) -> dict[str, Any]:
    return {
        "images": len(photographs.paths) - len(photographs.left_out),
        "photographs": size.images,
        "left_out": sorted(photographs.left_out),
        "absent": size.number - len(photographs.paths),
        "crop": f"the middle {size.side} x {size.side} pixels, once the shorter side has {size.side}, bilinear without "
        "smoothing",
        "reference": "the same photographs",
        "features": size.features,
        "features_digest": digest_tensors(net.state_dict()),
        "floor": "every other photograph against the others",
    }
