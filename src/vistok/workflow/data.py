"""The digests of official files that no checkpoint names: as pinned, else of what is there."""

from pathlib import Path

from vistok.files import digest_file, digest_value
from vistok.grid.study import Study
from vistok.pins import PINS, pinned_digest


def pinned(study: Study) -> str | None:
    """Returns the digest that is pinned for a study's data root."""
    return pinned_digest(PINS, Path(study.scale.data_root))


def task_data(study: Study, suite: str) -> str:
    """Returns the digest of what a suite's tasks read: as pinned, else of annotations and photographs' names."""
    root = Path(study.scale.data_root)
    if digest := pinned(study):
        return digest
    tasks = [files for task in study.suite(suite) if (files := study.task_files(task.id))]
    named = [(task.references, task.questions, task.prior, task.prior_questions) for task in tasks]
    read = [root / name for names in named for name in names if name and (root / name).is_file()]
    seen = {path for task in tasks for folder in task.images for path in (root / folder).rglob("*")}
    return digest_value([*map(digest_file, read), *sorted(str(path.relative_to(root)) for path in seen)])


def image_set_data(models: Study, image_set: str) -> str:
    """Returns the digest of an image set: as pinned, else of its annotations' sizes and photographs' names."""
    root, entry = Path(models.scale.data_root), models.image_set(image_set)
    if digest := pinned(models):
        return digest
    sizes = [(root / name).stat().st_size for name in entry.files if (root / name).is_file()]
    return digest_value([sizes, sorted(path.name for path in (root / entry.images).glob("*"))])


def audit_data(study: Study) -> str:
    """Returns the digest of the official files that the audit reads: as pinned, else of names and sizes."""
    root = Path(study.scale.data_root)
    folders = ("gvtbench", "gvtbench/GVTBench", "coco/annotations", "coco/karpathy", "visual_genome")
    seen = [path for folder in folders for path in (root / folder).glob("*.*")]
    seen += (root / "vcr/vcr1images").rglob("*.json")
    sizes = sorted([str(path.relative_to(root)), path.stat().st_size] for path in seen)
    return pinned(study) or digest_value(sizes)
