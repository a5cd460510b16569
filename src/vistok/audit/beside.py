"""The files that a benchmark file is compared with, below the same data root: annotations, image lists, other sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vistok.audit.benchmark_file import COLUMN_OF_FILE, BenchmarkFile
from vistok.audit.contents import KARPATHY_LISTS
from vistok.benchmark.annotations import Annotations, read_annotations
from vistok.datasets.visual_genome_ids import read_coco_ids

KARPATHY = Path("coco/karpathy")
_INSTANCES = Path("coco/annotations/instances_val2017.json")
_VCR = Path("vcr/vcr1images")
_VISUAL_GENOME = Path("visual_genome/image_data.json")
Use = Literal["instances", "vcr", "visual-genome", "karpathy"]
_USES: dict[Path, Use] = {
    _INSTANCES: "instances",
    _VCR: "vcr",
    _VISUAL_GENOME: "visual-genome",
    **dict.fromkeys((KARPATHY / name for name in KARPATHY_LISTS), "karpathy"),
}


def companion_annotations(data_root: Path | None, file: BenchmarkFile) -> Annotations | None:
    """Returns the annotations of the images that a file asks about; None if they are missing.

    Raises:
        VistokError: they are invalid.
    """
    path = _INSTANCES if all(isinstance(image, int) for image in file.images) else _VCR
    if not data_root or not _exists(data_root / path):
        return None
    return read_annotations(data_root / path, images=set(file.images))


def described_by_visual_genome(data_root: Path | None) -> frozenset[int] | None:
    """Returns the COCO ids of Visual Genome's photographs; None if its image data are missing.

    Raises:
        VistokError: they are invalid.
    """
    path = data_root / _VISUAL_GENOME if data_root else None
    return frozenset(read_coco_ids(path).values()) if path and path.is_file() else None


@dataclass(frozen=True, slots=True)
class Missing:
    """Missing files, because of which something was not checked.

    Attributes:
        released: the names of released benchmark files.
        second_version: whether only one of the two released versions of COCO-OC is there.
        companions: path below the data root -> what it is for.
    """

    released: tuple[str, ...] = ()
    second_version: bool = False
    companions: Mapping[str, Use] = field(default_factory=dict)


def missing(released: Sequence[BenchmarkFile], data_root: Path | None) -> Missing:
    """Returns the files that the audit lacks; companions are looked for only if their file exists."""
    present = {file.name for file in released}
    absent = tuple(f"{name}.json" for name in COLUMN_OF_FILE if f"{name}.json" not in present)
    if data_root is None or not released:
        return Missing(absent)
    versions = sum(file.column == "COCO-OC" for file in released)
    companions = {str(path): use for path, use in _USES.items() if not _exists(data_root / path)}
    return Missing(absent, versions == 1, companions)


def _exists(path: Path) -> bool:
    """Returns whether a file exists, or a folder with metadata in it: VCR's photographs have the same folders."""
    return path.is_file() or any(path.rglob("*.json"))
