"""The door to the audit: `vistok audit` checks the published tables, the released files and ours."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from vistok.datasets.coco import read_captions
from vistok.errors import VistokError
from vistok.files import no_folder
from vistok.reporting.audit.averages import check_averages
from vistok.reporting.audit.baselines import check_constant, check_object_prior
from vistok.reporting.audit.benchmark_file import BenchmarkFile, generated_file, released_files
from vistok.reporting.audit.beside import (
    KARPATHY,
    annotations_beside,
    described_by_visual_genome,
    not_checked,
)
from vistok.reporting.audit.claims import claim_findings
from vistok.reporting.audit.columns import check_homogeneity, check_marks, check_repeated_rows
from vistok.reporting.audit.contents import (
    check_against_annotations,
    check_contents,
    check_duplicates,
    check_overlap,
    check_training_images,
    check_version,
    check_visual_genome,
    karpathy_held_out,
)
from vistok.reporting.audit.dimensions import check_dimensions
from vistok.reporting.audit.findings import Finding
from vistok.reporting.audit.leaks import check_leak
from vistok.reporting.audit.question_counts import check_granularity, questions_found
from vistok.reporting.audit.render import write_findings
from vistok.reporting.audit.training_copies import check_training_copies
from vistok.reporting.claims.evaluate import Outcome, evaluate_claims
from vistok.reporting.claims.figure import page_figures
from vistok.reporting.claims.measured import published_cells
from vistok.reporting.claims.values import read_claims
from vistok.reporting.claims.write import CLAIMS
from vistok.reporting.published import PUBLISHED, PublishedTable, read_all_published

_TRAINING_CAPTIONS = Path("coco/annotations/captions_train2017.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok audit`."""
    parser.add_argument(
        "--published", type=Path, default=PUBLISHED, help="the folder of the published tables"
    )
    parser.add_argument("--claims", type=Path, default=CLAIMS)
    parser.add_argument(
        "--data-root",
        type=Path,
        help="holds gvtbench/*.json, coco/annotations and coco/karpathy, as far as there",
    )
    parser.add_argument(
        "--generated", type=Path, nargs="*", default=[], help="benchmark files made here, to be checked alike"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("paper_tables"), help="where audit.{md,html,json} go"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the audit and prints what it found; returns the exit status.

    Raises:
        VistokError: the data root is no folder, or see `run_audit`.
    """
    if args.data_root and not args.data_root.is_dir():
        raise VistokError(
            f"--data-root {args.data_root} {no_folder(args.data_root)}. Name the folder that holds gvtbench/, or leave "
            "the option out: the tables are then audited without it."
        )
    findings = run_audit(args.published, args.data_root, args.generated, args.out, claims=args.claims)
    for finding in findings:
        if finding.verdict in ("wrong", "doubtful") and finding.group != "claims":
            print(f"{finding.verdict:8}  {finding.anchor}: {finding.title}")
    print(f"{args.out}/audit.html, audit.md, audit.json: {len(findings)} findings")
    return 0


def run_audit(
    published: Path, data_root: Path | None, generated: Sequence[Path], out: Path, *, claims: Path = CLAIMS
) -> tuple[Finding, ...]:
    """Runs every check that its files are there for, and writes audit.md, audit.html and audit.json to `out`.

    Args:
        published: the folder of tableN.csv.
        data_root: the folder of gvtbench/ and coco/; None, or a folder without them, is said in the pages.
        generated: GVTBench files made here.
        out: the folder to write to.
        claims: the claims of the paper.

    Raises:
        VistokError: a file that is there is wrong, or `out` cannot be written.
    """
    tables = read_all_published(published)
    study = read_claims(claims, tables)
    outcomes: tuple[Outcome, ...] = evaluate_claims(study.claims, published_cells(tables, study.questions))
    released = released_files(data_root) if data_root else ()
    findings = (
        *table_findings(tables),
        *claim_findings(outcomes),
        *(finding for file in released for finding in file_findings(file, tables, data_root)),
        *(finding for path in generated for finding in generated_findings(path, tables)),
    )
    write_findings(
        findings, not_checked(released, data_root), out, figures=page_figures({"published": outcomes})
    )
    return findings


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
    annotations, described = annotations_beside(data_root, file), described_by_visual_genome(data_root)
    found = (
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
    return tuple(finding for finding in found if finding)


def generated_findings(path: Path, tables: Mapping[int, PublishedTable]) -> tuple[Finding, ...]:
    """Checks one benchmark file of ours, and against the annotations and the training images beside it."""
    file, root = generated_file(path), path.resolve().parent.parent
    captions, annotations = root / _TRAINING_CAPTIONS, annotations_beside(root, file)
    more = (
        check_against_annotations(file, annotations) if annotations else None,
        check_training_images(file, frozenset(read_captions(captions).captions))
        if captions.is_file()
        else None,
        check_training_copies(file, root),
    )
    return (*file_findings(file, tables, None), *(finding for finding in more if finding))
