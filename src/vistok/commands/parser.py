"""Every verb of vistok in its group, and the parser of what each takes."""

import argparse
import difflib
import gc
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from itertools import takewhile
from types import ModuleType
from typing import Any, Final, NoReturn

from vistok.errors import printable
from vistok.grid.verbs import PARSED, VERBS
from vistok.progress import reporting

DEBUG: Final = "--debug"
_ABOUT: Final = "Every verb of vistok; `vistok VERB --help` shows what each one takes."
_FILES: Final = "your files"
STEPS: Final = {name: verb.about for name, verb in VERBS.items() if not verb.arguments}

# Every verb, by what it is for. All but those of STEPS have arguments of their own, and a file in vistok.commands.
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    _FILES: {
        "score": "score anybody's predictions, without a model",
        "compare": "test whether one model's predictions are better than another's",
        "flips": "print which questions two protocols score differently",
        "blind": "score answers that never look at an image, to anybody's questions",
        "overlap": "find which images of a test stand in a training list, and score the others",
        "curate": "build or check OC and MCI questions from annotations",
    },
    "the study": {
        "audit": VERBS["audit"].about,
        "claims": "weigh the paper's claims against cells",
        "agreement": "print how far each cell is from the published one",
        "probe": "measure what an encoder's tokens tell of annotated boxes, beside itself untrained",
        "detect": "find the objects in generated images, and their colours, as GenEval does",
        "pairs": "tell which rows of a table are told apart, over images and trainings",
        "verify": "read everything that was built of a study, and report what cannot be trusted",
    },
    "before a run": {
        "plan": "print what tables or runs cost before they run",
        "doctor": "check in advance what would make a long run fail",
        "fetch": VERBS["fetch"].about,
        "list-data": VERBS["list-data"].about,
    },
    "versions": {
        "record": "record for DVC what Snakemake built",
        "adopt": "make Snakemake accept the results that DVC pulled",
        "export-results": "keep a whole build as one file: cells, trainings, pairs told apart, seconds",
        "export-experiments": "write the list of experiments for DVC, and what each depends on",
    },
    "the workflow's own": {
        "make-world": VERBS["make-world"].about,
        **STEPS,
        "launch": "start a training's processes, one per GPU",
        "export-schemas": "write the JSON schemas of the grid for editors",
        "completion": "print what lets a shell complete verbs and options",
    },
}
TOOLS: Final = {
    name: about for group in GROUPS.values() for name, about in group.items() if name not in STEPS
}
# Which extra of the package a verb needs, where that is not the whole study.
EXTRAS: Final = {
    "audit": "audit",
    "claims": "audit",
    "completion": "completion",
    **dict.fromkeys(GROUPS[_FILES]),
}

# What the benchmark's authors call two kinds of question.
_GVTBENCH: Final = {"oc": "counting", "mci": "identification"}
_CHOICE: Final = re.compile(r"invalid choice: '(.*)' \(choose from (.*)\)")
_CHOICES: Final = re.compile(r"[\w-]+")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help that lists the verbs in groups in the epilog, and nowhere else."""

    def add_argument(self, action: argparse.Action) -> None:
        if not isinstance(action, argparse._SubParsersAction):
            super().add_argument(action)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors show what was typed and the nearest legal word, without control characters."""

    def error(self, message: str) -> NoReturn:
        if match := _CHOICE.search(message):
            message += _nearest(match[1], _CHOICES.findall(match[2]))
        super().error(printable(message))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses a mistyped option and names the nearest one, before argparse complains about missing options."""
        passes_on = any(
            action.nargs == argparse.REMAINDER for action in self._actions
        )  # the options of another command
        own = () if passes_on or self._subparsers is not None else args or ()
        for word in takewhile(lambda word: word != "--", own):
            name, options = word.partition("=")[0], self._option_string_actions
            mistyped = name.startswith("--") and not any(option.startswith(name) for option in options)
            if mistyped and (hint := _nearest(name, options)):
                self.error(f"unknown option {name!r}.{hint}")
        return super().parse_known_args(args, namespace)


class _Version(argparse.Action):
    """Prints the version and exits; it is looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, **_: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="print the version and end")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        print(f"vistok {imported('vistok').__version__}")
        parser.exit()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Returns the parsed arguments; exits with status 2 and the usage if they are wrong."""
    verb = arguments[0] if arguments else ""
    parser = make_parser([verb])
    if verb and not verb.startswith("-") and verb not in TOOLS and verb not in STEPS:
        parser.error(f"unknown verb {verb!r}.{_nearest(verb, [*TOOLS, *STEPS])} `vistok --help` lists them.")
    if not verb:
        parser.error("a verb is needed. `vistok --help` lists them.")
    return parser.parse_args([*arguments])


def _nearest(word: str, legal: Iterable[str]) -> str:
    """Returns a hint that names the nearest legal word, or an empty text."""
    names = {name.lower(): name for name in legal}
    near = difflib.get_close_matches(_GVTBENCH.get(word.lower(), word.lower()), names, n=1)
    return f" Did you mean {names[near[0]]!r}?" if near else ""


def make_parser(verbs: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Returns the parser of all verbs; only `verbs` have arguments that must be imported.

    Raises:
        ModuleNotFoundError: a package is not installed that one of `verbs` needs.
    """
    parser = _Parser(prog="vistok", description=_ABOUT, formatter_class=_Help, epilog=_groups())
    parser.add_argument(DEBUG, action="store_true", help="show the traceback of an unexpected error")
    parser.add_argument("--version", action=_Version)
    added = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, about in (pair for group in GROUPS.values() for pair in group.items()):
        verb = added.add_parser(name, help=about, description=about)
        verb.set_defaults(do=_run_step if name in STEPS else _run_tool)
        if name in STEPS:
            _add_ids(verb, VERBS[name].over)
        if name in verbs:
            _add_arguments(name, verb)
    return parser


def _groups() -> str:
    """Returns the help text of all verbs, in their groups."""
    lines = []
    for title, verbs in GROUPS.items():
        lines += ["", f"  {title}", *(f"    {name:20}{about}" for name, about in verbs.items())]
    return "\n".join(["verbs:", *lines[1:]])


def _add_ids(step: argparse.ArgumentParser, over: Sequence[str]) -> None:
    """Declares the first id that a step's jobs range over as its argument, and any other as an option."""
    for name in over:
        words = name.replace("_", " ")
        if name == over[0]:
            step.add_argument(name, metavar=name.upper(), help=f"id of the {words}")
        else:
            step.add_argument(f"--{name.replace('_', '-')}", required=True, help=f"which {words} of the grid")


def _add_arguments(name: str, verb: argparse.ArgumentParser) -> None:
    if name not in STEPS:
        tool(name).add_arguments(verb)
        return
    shared = imported("vistok.commands.arguments")
    shared.add_scale(verb)
    shared.add_data_root(verb)


def _run_step(args: argparse.Namespace) -> None:
    stopwatch = imported("vistok.provenance").Stopwatch()
    study, verb = imported("vistok.commands.arguments").study_of(args), VERBS[args.verb]
    ids = []
    for name in verb.over:
        finder, identifier = verb.finder(name), getattr(args, name)
        entry = getattr(study, finder)(identifier)  # refuses an id that is not there
        ids.append(entry if finder in PARSED else identifier)
    if verb.trains and imported("vistok.steps.decided").is_done(study, args.verb, *ids):
        return  # before torch is imported
    imported(f"vistok.steps.{args.verb.replace('-', '_')}").run(study, *ids)
    step = imported("vistok.grid.steps").STEPS[args.verb]
    stopwatch.write(step.benchmark(study, *(getattr(args, name) for name in verb.over)))


def _run_tool(args: argparse.Namespace) -> int | None:
    with reporting(f"vistok {args.verb}", shown=args.verb in (*GROUPS[_FILES], "audit", "detect")):
        status: int | None = tool(args.verb).run(args)
    return status


def tool(verb: str) -> ModuleType:
    return imported(f"vistok.commands.{verb.replace('-', '_')}")


def imported(name: str) -> ModuleType:
    """Imports a module with garbage collection off: collecting takes a third of the start with torch."""
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()
