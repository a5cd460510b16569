"""`vistok record`: records for DVC what Snakemake built."""

import argparse
import sys

from vistok.commands.arguments import add_scale, study_of
from vistok.errors import unknown
from vistok.grid.study import Study
from vistok.pins import PINS, pinned_digests
from vistok.planning.verify import check_stage
from vistok.versions.experiments import Stage, export, stages
from vistok.versions.record import record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help="of dvc.yaml (default: all that are built)"
    )
    add_scale(parser)


def run(args: argparse.Namespace) -> None:
    study = study_of(args)
    known = stages(study)
    built = _built(known)
    for name in args.stages or built:
        if name not in known:
            raise unknown("stage", name, known, edit=str(study.scale_file))
        check_stage(study, name)
        record(known[name])
    if not args.stages:
        _list(study, known, built)


def _built(known: dict[str, Stage]) -> list[str]:
    return [name for name, stage in known.items() if all(out.exists() for out in stage.outs)]


def _list(study: Study, known: dict[str, Stage], built: list[str]) -> None:
    """Has DVC work on ETT only where its tables are built, and prints what can be versioned, one name a line."""
    without = stages(study, ett=False)
    with_ett = known.keys() - without.keys() <= set(built)
    export(study, ett=with_ett)
    listed = known if with_ett else without
    shown = [name for name in built if name in listed]
    absent = [folder for folder in pinned_digests(PINS) if not folder.exists()]
    print("params", *([] if absent else [PINS]), *shown, sep="\n")
    whole = len(shown) == len(listed)
    again = f"vistok record --scale {study.scale.id} --split {study.split} --seeds {study.seeds}"
    then = "dvc commit --force" + ("" if whole else f" $({again}), which takes DVC some seconds a stage")
    print(f"recorded {len(shown)} of {len(listed)} stages; version them: {then}", file=sys.stderr)
    for folder in absent:
        makes = f"vistok make-world --scale {folder.name}"
        print(f"{PINS} pins {folder} too, which DVC asks for and which is not here: {makes}", file=sys.stderr)
