"""`vistok doctor`: checks in advance what would make a long run fail."""

import argparse
from pathlib import Path

from vistok.commands.plan import add_targets
from vistok.errors import VistokError
from vistok.files import check_destination, write_text
from vistok.grid.load import load_study
from vistok.planning import slurm
from vistok.planning.doctor import examine, examine_node
from vistok.planning.plan import chosen
from vistok.planning.units import positive
from vistok.tables.checks import check_tables
from vistok.training.processes import is_first, join


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok doctor`."""
    add_targets(parser)
    parser.add_argument(
        "--gpu-memory",
        type=float,
        metavar="GIB",
        help="of one GPU that jobs get (default: as nvidia-smi says here)",
    )
    parser.add_argument(
        "--on-node",
        action="store_true",
        help="from inside a job: check GPUs, a bf16 matrix product, all-reduce between GPUs, hub cache, shared memory",
    )
    parser.add_argument(
        "--slurm-profile",
        type=Path,
        metavar="FILE",
        help=f"check that its jobs would be accepted (such as {slurm.PROFILE})",
    )
    parser.add_argument(
        "--absent",
        type=Path,
        metavar="FILE",
        help="write the names of all listed photographs that are missing",
    )


def run(args: argparse.Namespace) -> int:
    """Prints every line; returns 1 if anything would fail."""
    if args.gpu_memory is not None:
        positive("--gpu-memory", args.gpu_memory)
    if args.slurm_profile and not args.slurm_profile.is_file():
        raise VistokError(
            f"--slurm-profile {args.slurm_profile} is not there, or is no file. "
            f"Name the profile's file, such as {slurm.PROFILE}."
        )
    if args.on_node:
        join()
    study = load_study(args.scale, data_root=args.data_root, seeds=args.seeds)
    check_tables(study)
    runs = chosen(study, args.targets)
    if args.absent:
        check_destination(args.absent)
    absent = list[str]()
    lines = (
        examine_node(study, runs)
        if args.on_node
        else examine(study, runs, gpu_memory=args.gpu_memory, profile=args.slurm_profile, absent=absent)
    )
    failed, first = False, is_first()
    for line in lines:
        if first or line.verdict == "FAIL":
            print(line, flush=True)
        failed |= line.verdict == "FAIL"
    if args.absent:
        write_text(args.absent, "".join(f"{name}\n" for name in absent))
    if first:
        print("Something would fail: see FAIL above." if failed else "Nothing would fail.")
    return int(failed)
