"""`vistok export-results`: keeps a whole build as one file, and shows it in a document."""

import argparse
import datetime
import json
import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from vistok.commands.arguments import add_data_root, add_scale, study_of
from vistok.errors import VistokError
from vistok.files import check_destination, write_json, write_text
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.pages.kept import kept_section, with_section
from vistok.provenance import PROVENANCE, commit, read_provenance
from vistok.tables.kept import kept_table
from vistok.versions.seconds import seconds_of

_CPU: Final = Path("/proc/cpuinfo")
_PACKAGES: Final = ("numpy", "torch", "timm", "transformers", "snakemake")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok export-results`."""
    add_scale(parser)
    add_data_root(parser)
    parser.add_argument(
        "--table", action="append", default=[], help="which table, also several times (default: all)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="JSON to write (default: benchmarks/results/RESULTS-DATE.json)",
    )
    parser.add_argument(
        "--show-in",
        type=Path,
        metavar="DOCUMENT",
        help="a Markdown document to show the build in, between its two marks, such as docs/mini-scale.md",
    )


def run(args: argparse.Namespace) -> None:
    """Writes the file, and the document's section.

    Raises:
        VistokError: a metrics.json is missing or wrong, or the document has no marks for it.
    """
    study = study_of(args)
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    out = args.out or Path("benchmarks/results") / f"{study.results_id}-{today}.json"
    check_destination(out)
    build = build_of(study, args.table or list(study.tables), today)
    build = json.loads(
        json.dumps(build, sort_keys=True)
    )  # shown as the file has it, now and when it is read again
    document = None
    if args.show_in:
        if not args.show_in.is_file():
            raise VistokError(
                f"--show-in {args.show_in} is not there, or is no file. Name a Markdown document."
            )
        document = with_section(args.show_in.read_text(encoding="utf-8"), kept_section(out.name, build))
    write_json(out, build)
    if document is not None:
        write_text(args.show_in, document)
    print(f"wrote {out}" + (f", and shows it in {args.show_in}" if args.show_in else ""))


def build_of(study: Study, tables: list[str], date: str) -> dict[str, Any]:
    """Returns a build as it is kept: where and when it was measured, what it took, and its tables.

    Raises:
        VistokError: a metrics.json is missing or wrong.
    """
    return {
        "date": date,
        "commit": commit(),
        "trained_at": _trained_at(study),
        "scale": study.scale.id,
        "split": study.split,
        "seeds": study.seeds,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "packages": {name: version(name) for name in _PACKAGES},
        "seconds": seconds_of(study),
        "tables": {table: kept_table(study, table) for table in tables},
    }


def _trained_at(study: Study) -> list[str]:
    """Returns the commits at which the checkpoints behind the tables were made."""
    folders = [Paths(study.models_study).mllm(run) for run in study.runs()]
    trained = [folder for folder in folders if (folder / PROVENANCE).is_file()]
    return sorted({str(read_provenance(folder).get("commit")) for folder in trained})


def _processor() -> str:
    text = _CPU.read_text(encoding="utf-8") if _CPU.is_file() else ""
    (model, *_) = re.findall(r"model name\s*: (.*)", text) or ["unknown processor"]
    return str(model)
