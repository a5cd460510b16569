"""Searches the training images for the photographs of a benchmark of ours, byte by byte."""

import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vistok.audit.benchmark_file import BenchmarkFile
from vistok.audit.choices import ChoiceFile
from vistok.audit.findings import Finding
from vistok.datasets.images import SUFFIXES, ImageIndex
from vistok.files import digest_bytes, digest_file

BENCHMARK_IMAGES = ("coco/val2017", "vcr/vcr1images", "seedbench/SEED-Bench-image")
TRAINING_IMAGES = ("coco/train2017", "objects365/train", "imagenet/train", "lvd", "web")


def check_training_copies(file: BenchmarkFile | ChoiceFile, root: Path) -> Finding | None:
    """Counts the benchmark's photographs that any training set below `root` holds; None without photographs."""
    index = ImageIndex(root, BENCHMARK_IMAGES)
    paths = {image: index.find(image) for image in sorted(set(file.images), key=str)}
    digests = {image: digest_file(path) for image, path in paths.items() if path}
    training = _training_digests(root)
    if not digests or not training:
        return None
    shared = [image for image, digest in digests.items() if digest in training]
    return Finding(
        kind="training-copies",
        anchor=f"{file.anchor}-training-copies",
        group=file.group,
        verdict="wrong" if shared else "clean",
        facts={
            "photographs": len(digests),
            "not here": len(paths) - len(digests),
            "distinct training images": len(training),
            "in a training set": len(shared),
        },
        rows=tuple({"image": image} for image in shared[:20]),
        details={"file": file.name, "folders": TRAINING_IMAGES},
    )


@cache
def _training_digests(root: Path) -> frozenset[str]:
    return frozenset(
        digest
        for folder in TRAINING_IMAGES
        for path in (root / folder).rglob("*")
        for digest in _digests(path)
    )


def _digests(path: Path) -> Iterator[str]:
    if path.suffix in SUFFIXES:
        yield digest_file(path)
    elif path.suffix == ".tar":
        with tarfile.open(path) as archive:
            for member in archive:
                if Path(member.name).suffix in SUFFIXES and (stream := archive.extractfile(member)):
                    yield digest_bytes(stream.read())
