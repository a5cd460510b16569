"""The doors of vistok: one verb a step; `vistok VERB --help` tells what each takes."""

import argparse
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Final, NoReturn

from vistok.errors import VistokError
from vistok.failures import flush_output, sentence

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

Handler = Callable[[argparse.Namespace], int | None]
INTERRUPTED: Final = 130
DEBUG: Final = "--debug"

# What takes the scale and, for some, one id of it; and what has arguments of its own.
_STEPS: Final = {
    "write-shards": ("gather an image set into shards", "image_set"),
    "pretrain-tokenizer": ("pretrain a tokenizer with one seed, e.g. clip/seed-0", "pretrained"),
    "train-llm": ("train a scale's own language model", "llm"),
    "tune-mllm": ("train one run's MLLM", "run"),
    "answer": ("answer a suite of tasks with one run's MLLM", "run"),
    "answer-blind": ("answer a suite of tasks with a language model alone, without the images", "llm"),
    "score-run": ("score what one run answered to a suite", "run"),
    "fit-blind": ("score the blind baselines of a suite", "suite"),
    "tabulate": ("render a table", "table"),
    "draw-curves": ("draw the loss curves of a table's trainings", "table"),
    "weigh-claims": ("weigh the paper's claims on the scale's cells", None),
}
_PARSED: Final = ("run", "pretrained")  # steps take these as values, other things by their id
_PER_SUITE: Final = ("answer", "answer-blind", "score-run")
_TOOLS: Final = {
    "make-world": "make the data of a scale that has a world of its own",
    "score": "score anybody's predictions, without a model",
    "compare": "test whether one model's predictions are better than another's",
    "curate": "build or check OC and MCI questions from annotations",
    "audit": "audit the published tables and the benchmark files",
    "agreement": "print how far each cell is from the published one",
    "record": "record for DVC what Snakemake made",
    "adopt": "have Snakemake take what DVC brought for its own",
    "claims": "weigh the paper's claims against cells",
    "launch": "start a training's processes, one per GPU",
    "list-data": "list official files by digest, so that a change of any is noticed",
    "plan": "print what tables or runs cost before they run",
    "doctor": "check beforehand what would make a long run fail",
    "fetch": "fetch, verify and unpack an official archive",
    "verify": "read all that was built of a study, and say what of it cannot be trusted",
    "export-experiments": "write the list of experiments for DVC, and what each depends on",
    "export-schemas": "write the JSON schemas of the grid for editors",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb; returns its exit status: 0, 1 for bad input or any other error, 130 for Ctrl-C.

    An error that nobody foresaw is one sentence too. Its traceback is shown with --debug, or where the environment has
    VISTOK_DEBUG, as the workflow's jobs have: nobody repeats them only to see more.
    """
    given = sys.argv[1:] if arguments is None else arguments
    debug = DEBUG in given or bool(os.environ.get("VISTOK_DEBUG"))
    given = [word for word in given if word != DEBUG]
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _end)
    try:
        args = make_parser(given[0] if given else None).parse_args(given)
        status = int(args.do(args) or 0)
        flush_output()
        return status
    except VistokError as error:
        print(f"vistok: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as of `vistok plan | head`
        return 1
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(f"vistok: {sentence(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vistok: interrupted; nothing is half-written, start the same command again.", file=sys.stderr)
        return INTERRUPTED


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Ends in order when asked to stop, so that nothing staged is left behind."""
    sys.exit(128 + number)


def make_parser(verb: str | None = None) -> argparse.ArgumentParser:
    """Returns the parser of all verbs; a tool's own arguments are there only if it is the `verb` asked for."""
    parser = argparse.ArgumentParser(prog="vistok", description=__doc__)
    parser.add_argument(DEBUG, action="store_true", help="show the traceback of an error that nobody foresaw")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (about, kind) in _STEPS.items():
        step = _add(verbs, name, about, _run_step)
        if kind:
            step.add_argument("id", metavar=kind.upper(), help=f"id of the {kind.replace('_', ' ')}")
        if name in _PER_SUITE:
            step.add_argument("--suite", required=True, help="a suite of workflow/grid/tasks.yaml")
        if name == verb:
            shared = _imported("vistok.commands.arguments")
            shared.add_scale(step)
            shared.add_data_root(step)
    for name, about in _TOOLS.items():
        tool = _add(verbs, name, about, _run_tool)
        if name == verb:
            _tool(name).add_arguments(tool)
    return parser


def _add(verbs: "Verbs", name: str, about: str, do: Handler) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    parser.set_defaults(do=do)
    return parser


def _run_step(args: argparse.Namespace) -> None:
    study = _imported("vistok.commands.arguments").study_of(args)
    kind = _STEPS[args.verb][1]
    find = study.subject if args.verb in _PER_SUITE and kind == "run" else getattr(study, kind or "", None)
    found = find(args.id) if find else None
    run = _imported(f"vistok.steps.{args.verb.replace('-', '_')}").run
    suite = []
    if args.verb in _PER_SUITE:
        study.suite(args.suite)
        suite = [args.suite]
    if kind is None:
        run(study)
    else:
        run(study, found if kind in _PARSED else args.id, *suite)


def _run_tool(args: argparse.Namespace) -> int | None:
    status: int | None = _tool(args.verb).run(args)
    return status


def _tool(verb: str) -> ModuleType:
    return _imported(f"vistok.commands.{verb.replace('-', '_')}")


def _imported(name: str) -> ModuleType:
    """Imports a module without a search for garbage among what that loads: with torch, a third of a start."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()
