"""Scores images of GenEval's prompts as its own tool does (Ghosh et al. 2023, djghosh13/geneval, 16f1681).

`evaluate_images.py` has the rule, whose parts that any detector shares are in `evaluation.geneval`; `summary_scores.py`
the score: the mean over the six kinds of the share of images that are right. Four images are made of each prompt.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vistok.datasets.geneval import KINDS, Prompt, read_prompts
from vistok.datasets.geneval_images import CLASSES, COLOURS, Detected, Detection, Image, amount, read_images
from vistok.errors import VistokError, unknown
from vistok.evaluation.geneval import faults, score_of
from vistok.evaluation.score.base import OFFICIAL
from vistok.evaluation.score.files import Score
from vistok.evaluation.score.predictions import Predictions
from vistok.evaluation.score.scoring import DECIMALS
from vistok.evaluation.statistics import interval_of_mean, wilson_interval
from vistok.files import digest_value
from vistok.progress import stage

PROTOCOLS: Final = {"official": OFFICIAL}
CONFIDENCE: Final = 0.3  # of a detection that counts, which must be above it
COUNTING_CONFIDENCE: Final = 0.9  # of the kind `counting`
MOST: Final = 16  # detections of a class that count
REACH: Final = 0.1  # of both objects' widths, or heights, by which they must be apart to be beside each other
_SLOPE: Final = (
    0.5  # of what is left of the distance between centres, by its length: how much must be to the side
)
_APART: Final = 1e-3  # pixels
# GenEval's own prompts of each kind, four images each, and their digest, see `digest_of_prompts`.
PROMPTS: Final[Mapping[str, int]] = MappingProxyType(
    dict(zip(KINDS, (80, 99, 80, 94, 100, 100), strict=True))
)
OFFICIAL_PROMPTS: Final = "69543e7b3811a1dd874714b76cb61ace2c19016998aed2d77b94b42f296ed85b"
_SEEN_BY: Final = {"detections": "from detections", "results": "from the results of GenEval's tool"}
# Retrieval of an image per prompt, without generation: GenEval's README (b636c3c), row "CLIP retrieval (baseline)".
RETRIEVAL: Final[Mapping[str, float]] = MappingProxyType(
    dict(zip(("overall", *KINDS), (0.35, 0.89, 0.22, 0.37, 0.62, 0.03, 0.00), strict=True))
)
Verdicts = NDArray[np.bool_]  # (prompts, images)


@dataclass(frozen=True, slots=True, eq=False)
class GenEvalScore(Score):
    """The scores of images of some prompts. Their `values` are the share of each prompt's images that are right.

    Attributes:
        reasons: for each prompt, why images of it are wrong, by their names.
    """

    reasons: tuple[Mapping[str, str], ...]

    def __str__(self) -> str:
        report = self.report
        missing = f", {report['missing']['count']} of them missing" if "missing" in report else ""
        prompts = amount(report.get("of", self.n), "geneval prompt")
        of = f"{self.n} of {prompts}" if "of" in report else prompts
        head = (
            f"{self.metric} {self.value:.2f}{_between(self.interval)} of {of}, {amount(report['images'], 'image')}"
            f"{missing}, {self.protocol} protocol, {_SEEN_BY[report['seen_by']]}"
        )
        rows = [self._row(kind, cell) for kind, cell in report["cells"].items()]
        metrics = self.metrics
        tail = f"images {metrics['images']:.2f}, prompts with an image that is right {metrics['prompts']:.2f}"
        return "\n  ".join([head, *rows, tail, self._baseline()])

    def _row(self, kind: str, cell: Mapping[str, Any]) -> str:
        between = _between(cell["intervals"]["score"])
        retrieval = self.report["baselines"]["retrieval"]["by_type"][kind]
        return (
            f"{kind} {cell['metrics']['score']:.2f}{between} of {amount(cell['n'], 'prompt')}; "
            f"retrieval {retrieval:g}"
        )

    def _baseline(self) -> str:
        own = "" if self.report["official_prompts"] else ", for GenEval's own prompts, which these are not"
        value = self.report["baselines"]["retrieval"]["score"]
        return f"retrieval {value:g}: by CLIP, which generates nothing, as published{own}"

    def rows(self) -> list[dict[str, Any]]:
        return [row | {"wrong": dict(why)} for row, why in zip(Score.rows(self), self.reasons, strict=True)]


def _between(interval: Sequence[float] | None) -> str:
    return f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""


def score_generated(
    references: Path,
    predictions: Predictions,
    *,
    protocol: str | None = None,
    allow_missing: bool = False,
    only_answered: bool = False,
) -> GenEvalScore:
    """Scores images of prompts by what a detector sees in them, or by what GenEval's tool said of them.

    Args:
        references: `evaluation_metadata.jsonl`.
        predictions: detections or a `results.jsonl`, see `datasets.geneval_images`.
        protocol: `official`.
        allow_missing: score images that a prompt has fewer than others as wrong, and say so.
        only_answered: leave prompts without any image out, and say so.

    Raises:
        VistokError: a file is not as it should be, prompts have different numbers of images, or the colour of an object
            is needed that is not classified.
    """
    if not isinstance(predictions, Path):
        raise VistokError("what was found in images is read from a file. Write it to one.")
    if protocol and protocol not in PROTOCOLS:
        raise unknown("geneval protocol", protocol, PROTOCOLS)
    with stage(f"reading {references}"):
        prompts = read_prompts(references)
        check_prompts(references, prompts)
    with stage(f"reading {predictions}"):
        images = read_images(predictions, prompts)
    by_prompt: dict[int, list[Image]] = {index: [] for index in range(len(prompts))}
    for image in images:
        by_prompt[image.prompt].append(image)
    if only_answered:
        by_prompt = {index: some for index, some in by_prompt.items() if some}
    each = _check_numbers(predictions, prompts, by_prompt, allow_missing=allow_missing)
    with stage(f"scoring {amount(len(images), 'image')}"):
        reasons = [
            {image.image: why for image in some if (why := _reason(predictions, prompts[index], image))}
            for index, some in by_prompt.items()
        ]
    right = [len(some) - len(wrong) for some, wrong in zip(by_prompt.values(), reasons, strict=True)]
    report = _report([prompts[index] for index in by_prompt], np.array(right), each)
    report["official_prompts"] = digest_of_prompts(prompts) == OFFICIAL_PROMPTS
    report["seen_by"] = "detections" if isinstance(images[0], Detected) else "results"
    if len(by_prompt) < len(prompts):
        report["of"] = len(prompts)
    if missing := each * len(by_prompt) - len(images):
        first = next(index for index, some in by_prompt.items() if len(some) < each)
        report["missing"] = {"count": missing, "first": first, "scored": "as wrong"}
    folders = tuple(f"{index:05}" for index in by_prompt)
    return GenEvalScore(report, tuple(by_prompt), folders, np.array(right) * 100.0 / each, tuple(reasons))


def digest_of_prompts(prompts: Iterable[Prompt]) -> str:
    """Returns the SHA-256 of the kinds and texts of prompts, in whatever order they are."""
    return digest_value(sorted([prompt.kind, prompt.text] for prompt in prompts))


def check_prompts(path: Path, prompts: Sequence[Prompt]) -> None:
    """Refuses prompts that cannot be scored.

    Raises:
        VistokError: there are none, the detector could never find one right, or one stands there twice.
    """
    if not prompts:
        raise VistokError(f"{path} has no prompts. Name the evaluation_metadata.jsonl of the images.")
    for number, prompt in enumerate(prompts, start=1):
        for required in (*prompt.include, *prompt.exclude):
            if required.category not in CLASSES:
                raise VistokError(
                    f"{path}, record {number}: {unknown('class of GenEval', required.category, CLASSES)}"
                )
            if required.colour not in (None, *COLOURS):
                raise VistokError(
                    f"{path}, record {number}: {unknown('colour of GenEval', required.colour, COLOURS)}"
                )
    counts = Counter((prompt.kind, prompt.text) for prompt in prompts)
    if len(counts) < len(prompts):
        raise VistokError(
            f"{path}: {len(prompts)} prompts, {len(counts)} of them different: each must stand there once."
        )


def _check_numbers(
    path: Path, prompts: Sequence[Prompt], by_prompt: Mapping[int, Sequence[Image]], *, allow_missing: bool
) -> int:
    """Returns how many images each prompt has, or should have where some may be missing."""
    numbers = Counter(map(len, by_prompt.values()))
    most = max(numbers, default=0)
    if not most:
        raise VistokError(f"{path} has no image of the {amount(len(prompts), 'prompt')}: nothing to score.")
    if len(numbers) > 1 and not allow_missing:
        first = next(index for index, some in by_prompt.items() if len(some) < most)
        having = ", ".join(
            f"{some} {'has' if some == 1 else 'have'} {number}" for number, some in sorted(numbers.items())
        )
        raise VistokError(
            f"{path}: as many images of each prompt are needed, and of {len(by_prompt)} prompts {having} (first with "
            f"fewer: prompt {first}, {prompts[first].text!r}). Make and detect the others; --only-answered leaves "
            "prompts without an image out, --allow-missing scores missing images as wrong."
        )
    return most


def _reason(path: Path, prompt: Prompt, image: Image) -> str:
    """Returns why an image is wrong; nothing if it is right."""
    if not isinstance(image, Detected):
        return "" if image.correct else image.reason or "wrong"
    detections = counted(prompt.kind, image.detections)
    for required in prompt.include:
        named = [each for each in detections if each.category == required.category][: required.count]
        if required.colour and len(named) == required.count and any(each.colour is None for each in named):
            raise VistokError(
                f"{path}, image {image.image}: {prompt.text!r} asks for a colour, and a {required.category} has none. "
                "Classify its colour, as `color`."
            )
    return "; ".join(faults(prompt, detections, stands, surest=True))


def counted(kind: str, detections: Sequence[Detection]) -> list[Detection]:
    """Returns the detections that count for a kind of prompt: the 16 surest above the threshold of each class.

    Of equal scores, as GenEval's detector has them in single precision, the later is first.
    """
    least = np.float32(COUNTING_CONFIDENCE if kind == "counting" else CONFIDENCE)
    sure = [each for each in reversed(detections) if np.float32(each.score) > least]
    sure.sort(key=lambda each: (CLASSES.index(each.category), -np.float32(each.score)))
    return [each for _, some in groupby(sure, key=lambda each: each.category) for each in list(some)[:MOST]]


def stands(side: str, one: Detection, other: Detection) -> bool:
    """Returns whether an object is on a side of another.

    The distance of their centres, in x and in y, is shortened by a tenth of both widths or heights; what is left of it
    to that side must be more than half of the whole distance. So a diagonal can be two sides, and near centres none.
    """
    first, second = (np.array(each.box, dtype=np.float32).reshape(2, 2) for each in (one, other))
    offset = first.mean(axis=0) - second.mean(axis=0)
    sizes = np.ptp(first, axis=0) + np.ptp(second, axis=0)
    left = np.sign(offset) * np.maximum(np.abs(offset) - REACH * sizes, 0)
    if np.abs(left).max() < _APART:
        return False
    x, y = left / np.linalg.norm(offset)
    return bool({"left of": -x, "right of": x, "above": -y, "below": y}[side] > _SLOPE)


def _report(prompts: Sequence[Prompt], right: NDArray[np.int64], each: int) -> dict[str, Any]:
    """Returns what metrics.json holds.

    Args:
        prompts: those that are scored.
        right: (prompts,) how many images of each are right.
        each: how many images each has.
    """
    of_kind = {
        kind: np.array([index for index, prompt in enumerate(prompts) if prompt.kind == kind])
        for kind in KINDS
        if any(prompt.kind == kind for prompt in prompts)
    }
    shares = {kind: right[indices] / each for kind, indices in of_kind.items()}
    cells = {kind: _cell(100.0 * some) for kind, some in shares.items()}
    value = float(np.mean([some.mean() for some in shares.values()]))
    metrics = {"score": value, "images": float(right.mean() / each), "prompts": float((right > 0).mean())}
    retrieval = {name: round(100 * value, DECIMALS) for name, value in RETRIEVAL.items()}
    return {
        "task": "geneval",
        "protocol": "official",
        "n": len(prompts),
        "images": len(prompts) * each,
        "metrics": {name: round(100 * value, DECIMALS) for name, value in metrics.items()},
        "intervals": {"score": _interval(shares)},
        "by_type": {kind: cell["metrics"] | {"n": cell["n"]} for kind, cell in cells.items()},
        "cells": cells,
        "baselines": {"retrieval": {"score": retrieval.pop("overall"), "by_type": retrieval}},
    }


def _cell(values: NDArray[np.float64]) -> dict[str, Any]:
    interval = interval_of_mean(values, range(len(values)))
    return {
        "n": len(values),
        "metrics": {"score": round(float(values.mean()), DECIMALS)},
        "intervals": {"score": _rounded(interval)},
    }


def _interval(shares: Mapping[str, NDArray[np.float64]]) -> list[float] | None:
    """Returns the interval of the mean over kinds; as `interval_of_mean` does where all images are alike."""
    score = score_of({kind: some[:, None] for kind, some in shares.items()}, resamples=10_000)
    if score.low is None or score.high is None:
        return None
    if score.value in (0.0, 100.0):
        return _rounded(wilson_interval(score.value, score.n))
    return [score.low, score.high] if score.high > score.low else None


def _rounded(interval: Iterable[float] | None) -> list[float] | None:
    return None if interval is None else [round(end, DECIMALS) for end in interval]
