"""The entry point of the audit: `vistok audit` checks the published tables, the released files and ours."""

from collections.abc import Mapping
from pathlib import Path

from vistok.audit.averages import check_averages
from vistok.audit.baselines import check_constant, check_object_prior
from vistok.audit.benchmark_file import BenchmarkFile, generated_file
from vistok.audit.beside import (
    KARPATHY,
    companion_annotations,
    described_by_visual_genome,
)
from vistok.audit.choices import check_choice_text, choice_file
from vistok.audit.columns import check_homogeneity, check_marks, check_repeated_rows
from vistok.audit.contents import (
    check_against_annotations,
    check_contents,
    check_duplicates,
    check_overlap,
    check_training_images,
    check_version,
    check_visual_genome,
    karpathy_held_out,
)
from vistok.audit.dimensions import check_dimensions
from vistok.audit.findings import Finding
from vistok.audit.leaks import check_leak
from vistok.audit.question_counts import check_granularity, questions_found
from vistok.audit.training_copies import check_training_copies
from vistok.datasets.coco import read_captions
from vistok.published.tables import PublishedTable

_TRAINING_CAPTIONS = Path("coco/annotations/captions_train2017.json")


def table_findings(tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Checks the published tables by themselves."""
    granularity = check_granularity(tables)
    return (
        *check_averages(tables),
        *granularity,
        *check_homogeneity(tables, questions_found(granularity)),
        *check_dimensions(tables),
        *check_marks(tables),
        *check_repeated_rows(tables),
    )


def file_findings(
    file: BenchmarkFile, tables: Mapping[int, PublishedTable], data_root: Path | None
) -> tuple[Finding, ...]:
    """Checks one benchmark file; `data_root` holds what a released file is compared with."""
    held_out = karpathy_held_out(data_root / KARPATHY) if data_root else None
    annotations, described = companion_annotations(data_root, file), described_by_visual_genome(data_root)
    findings = (
        check_contents(file),
        check_duplicates(file),
        check_version(file),
        check_constant(file, tables),
        check_object_prior(file, tables),
        check_leak(file),
        check_overlap(file, held_out) if held_out is not None else None,
        check_visual_genome(file, described) if described is not None else None,
        check_against_annotations(file, annotations) if annotations else None,
    )
    return tuple(finding for finding in findings if finding)


def generated_findings(path: Path, tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Checks one benchmark file of ours, and against the annotations and the training images beside it."""
    if path.parent.name == "seedbench":
        choices = choice_file(path)
        copies = check_training_copies(choices, path.resolve().parent.parent)
        return (check_choice_text(choices), *([copies] if copies else []))
    file, root = generated_file(path), path.resolve().parent.parent
    captions, annotations = root / _TRAINING_CAPTIONS, companion_annotations(root, file)
    more = (
        check_against_annotations(file, annotations) if annotations else None,
        check_training_images(file, frozenset(read_captions(captions).captions))
        if captions.is_file()
        else None,
        check_training_copies(file, root),
    )
    return (*file_findings(file, tables, None), *(finding for finding in more if finding))
