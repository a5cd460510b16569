"""What a benchmark file is compared with, below the same data root: annotations, image lists, other data sets."""

from collections.abc import Sequence
from pathlib import Path

from vistok.audit.benchmark_file import COLUMN_OF_FILE, BenchmarkFile
from vistok.audit.contents import KARPATHY_LISTS
from vistok.benchmark.annotations import Annotations, read_annotations
from vistok.datasets.visual_genome import read_coco_ids

KARPATHY = Path("coco/karpathy")
_INSTANCES = Path("coco/annotations/instances_val2017.json")
_VCR = Path("vcr/vcr1images")
_VISUAL_GENOME = Path("visual_genome/image_data.json")


def annotations_beside(data_root: Path | None, file: BenchmarkFile) -> Annotations | None:
    """Returns the annotations of the images that a file asks about; None where there are none.

    Raises:
        VistokError: they are there, and wrong.
    """
    place = _INSTANCES if all(isinstance(image, int) for image in file.images) else _VCR
    if not data_root or not _is_there(data_root / place):
        return None
    return read_annotations(data_root / place, images=set(file.images))


def described_by_visual_genome(data_root: Path | None) -> frozenset[int] | None:
    """Returns the COCO ids of Visual Genome's photographs; None where its image data are not there.

    Raises:
        VistokError: they are there, and wrong.
    """
    path = data_root / _VISUAL_GENOME if data_root else None
    return frozenset(read_coco_ids(path).values()) if path and path.is_file() else None


def not_checked(released: Sequence[BenchmarkFile], data_root: Path | None) -> list[str]:
    """Returns a sentence on each thing that is not here, and what was not checked without it."""
    there = {file.name for file in released}
    notes = []
    if missing := [f"{name}.json" for name in COLUMN_OF_FILE if f"{name}.json" not in there]:
        notes.append(
            f"The released benchmark files {', '.join(missing)} are not here, so that no check of them was made. "
            "Put them into gvtbench/ below the data root, and run the audit again."
        )
    if data_root is None or not released:
        return notes
    if len([file for file in released if file.column == "COCO-OC"]) == 1:
        notes.append(
            "Of the two released versions of COCO-OC one is here: the other (GVTBench/) was not checked."
        )
    split = "images of the captioning training split were not counted"
    wanted = {
        _INSTANCES: "the answers of coco_oc.json and coco_mci.json were not compared with COCO's annotations",
        _VCR: "the answers of vcr_oc.json and vcr_mci.json were not compared with VCR's metadata",
        _VISUAL_GENOME: "images that Visual Genome describes were not counted",
    } | {KARPATHY / name: split for name in KARPATHY_LISTS}
    absent = {place: what for place, what in wanted.items() if not _is_there(data_root / place)}
    return [*notes, *(f"{place} is not below the data root: {what}." for place, what in absent.items())]


def _is_there(path: Path) -> bool:
    """Tells whether a file is there, or a folder with metadata in it: VCR's photographs have the same folders."""
    return path.is_file() or any(path.rglob("*.json"))
