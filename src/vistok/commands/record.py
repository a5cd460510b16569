"""`vistok record`: records for DVC what Snakemake built."""

import argparse

from vistok.commands.arguments import add_scale, study_of
from vistok.errors import unknown
from vistok.planning.verify import check_stage
from vistok.versions.experiments import export, stages
from vistok.versions.record import record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help="of dvc.yaml (default: all that are built)"
    )
    add_scale(parser)


def run(args: argparse.Namespace) -> None:
    study = study_of(args)
    all_stages = stages(study)
    built = [name for name, stage in all_stages.items() if all(out.exists() for out in stage.outs)]
    for name in args.stages or built:
        if name not in all_stages:
            raise unknown("stage", name, all_stages, edit=str(study.scale_file))
        check_stage(study, name)
        record(all_stages[name])
    if not args.stages:
        export(study)
        print(f"recorded {len(built)} of {len(all_stages)} stages; version them: dvc commit --force")
