"""The doors of vistok: one verb a step; `vistok VERB --help` tells what each takes."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from vistok.errors import VistokError
from vistok.grid.load import Study, load_study

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb; returns its exit status: 0, 1 for bad input, 130 for Ctrl-C."""
    parser = make_parser()
    asked = parser.parse_args(arguments)
    try:
        return int(asked.do(asked) or 0)
    except VistokError as error:
        print(f"vistok: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vistok: interrupted; nothing is half-written, start the same command again.", file=sys.stderr)
        return INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vistok", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    make_world = _step(verbs, "make-world", "make the data of a scale that has a world of its own", _make_world)
    make_world.add_argument("--pin", action="store_true", help="pin the digest of what is made, not check it")
    _step(verbs, "write-shards", "gather an image set into shards", _on("write_shards"), "image_set")
    _step(verbs, "pretrain-tokenizer", "pretrain a tokenizer", _on("pretrain_tokenizer"), "tokenizer")
    _step(verbs, "train-llm", "train a scale's own language model", _on("train_llm"), "llm")
    _step(verbs, "tune-mllm", "train one run's MLLM", _on_run("tune_mllm"), "run")
    _step(verbs, "answer", "answer all tasks with one run's MLLM", _on_run("answer"), "run")
    _step(verbs, "score-run", "score what one run answered", _on_run("score_run"), "run")
    _step(verbs, "fit-blind", "score the blind baselines of all tasks", _on("fit_blind"))
    _step(verbs, "tabulate", "render a table", _on("tabulate"), "table")
    _step(verbs, "draw-curves", "draw the loss curves of a table's trainings", _on("draw_curves"), "table")
    _tool(verbs, "score", "score anybody's predictions, without a model", "vistok.evaluation.score")
    _tool(verbs, "curate", "build or check OC and MCI questions from annotations", "vistok.benchmark.curate")
    _tool(verbs, "audit", "audit the published tables and the benchmark files", "vistok.reporting.audit")
    schemas = verbs.add_parser("export-schemas", help="write the JSON schemas of the grid for editors")
    schemas.set_defaults(do=_export_schemas)
    return parser


Verbs = "argparse._SubParsersAction[argparse.ArgumentParser]"
Handler = Callable[[argparse.Namespace], int | None]


def _step(verbs: Verbs, name: str, about: str, do: Handler, wanted: str | None = None) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=about, description=about)
    if wanted:
        parser.add_argument("wanted", metavar=wanted.upper(), help=f"id of the {wanted.replace('_', ' ')}")
    parser.add_argument("--scale", default="mini", help="a file of workflow/scales (default: mini)")
    parser.add_argument("--split", default="test", help="which questions (default: test)")
    parser.add_argument("--data-root", metavar="FOLDER", help="where the official files are, if not where the scale says")
    parser.set_defaults(do=do)
    return parser


def _tool(verbs: Verbs, name: str, about: str, module: str) -> None:
    """Adds a verb whose module declares its own arguments; the module is imported only when it is asked for."""
    parser = verbs.add_parser(name, help=about, description=about)
    if name in sys.argv[1:2]:
        tool = import_module(module)
        tool.add_arguments(parser)
        parser.set_defaults(do=tool.run)


def _study(asked: argparse.Namespace) -> Study:
    return load_study(asked.scale, split=asked.split, data_root=asked.data_root)


def _on(step: str) -> Handler:
    def do(asked: argparse.Namespace) -> None:
        run = import_module(f"vistok.steps.{step}").run
        run(_study(asked), *([asked.wanted] if hasattr(asked, "wanted") else []))

    return do


def _on_run(step: str) -> Handler:
    def do(asked: argparse.Namespace) -> None:
        study = _study(asked)
        import_module(f"vistok.steps.{step}").run(study, study.run(asked.wanted))

    return do


def _make_world(asked: argparse.Namespace) -> None:
    from vistok.pins import PINS, pin
    from vistok.steps.make_world import run

    study = _study(asked)
    run(study, check=not asked.pin)
    if asked.pin:
        print(f"{PINS}: pinned {pin(PINS, Path(study.scale.data_root))}")


def _export_schemas(asked: argparse.Namespace) -> None:
    from vistok.grid.schemas import export

    export(Path())
