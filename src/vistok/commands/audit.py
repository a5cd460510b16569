"""`vistok audit`: checks the published tables, the released files and ours."""

import argparse
from pathlib import Path

from vistok.claims.values import CLAIMS
from vistok.errors import VistokError
from vistok.files import no_folder
from vistok.pages.audit import run_audit
from vistok.pages.wording import worded
from vistok.published.tables import PUBLISHED


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
            print(f"{finding.verdict:8}  {finding.anchor}: {worded(finding).title}")
    print(f"{args.out}/audit.html, audit.md, audit.json: {len(findings)} findings")
    return 0
