"""The name, purpose and arguments of each step of the workflow; cheap to import, for `--help`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# What a study makes of these ids is passed on as it is; of any other, the id.
PARSED: Final = ("run", "subject", "pretrained")


@dataclass(frozen=True)
class Verb:
    """A step as the command line and the rules call it.

    Attributes:
        about: what it does.
        over: what its jobs range over, as wildcards are called. In the command line the first is the argument of the
            verb, and any other an option.
        found_by: the method of a study that finds what an id of `over` names, where it is not called like it.
        trains: whether it is a training, whose finished work is told before anything heavy is imported.
        arguments: whether the command line has a file of its own for its arguments.
    """

    about: str
    over: tuple[str, ...] = ()
    found_by: Mapping[str, str] | None = None
    trains: bool = False
    arguments: bool = False

    def finder(self, name: str) -> str:
        """Returns the method of a study that finds what an id of `over` names."""
        return (self.found_by or {}).get(name, name)


# A released model answers as a run does.
_SUBJECT: Final = {"run": "subject"}
VERBS: Final[Mapping[str, Verb]] = {
    "fetch": Verb("fetch, verify and unpack an official archive", ("download",), arguments=True),
    "make-world": Verb("make the data of a scale that has a world of its own", arguments=True),
    "list-data": Verb(
        "list official files by digest, so that a change of any is noticed",
        ("owner", "listed"),
        arguments=True,
    ),
    "write-shards": Verb("gather an image set into shards", ("image_set",)),
    "pretrain-tokenizer": Verb(
        "pretrain a tokenizer with one seed, e.g. clip/seed-0", ("pretrained",), trains=True
    ),
    "train-llm": Verb("train a scale's own language model", ("llm",), trains=True),
    "tune-mllm": Verb("train one run's MLLM", ("run",), trains=True),
    "answer": Verb("answer a suite of tasks with one run's MLLM", ("run", "suite"), _SUBJECT),
    "answer-blind": Verb(
        "answer a suite of tasks with a language model alone, without the images", ("llm", "suite")
    ),
    "score-run": Verb("score what one run answered to a suite", ("run", "suite"), _SUBJECT),
    "fit-blind": Verb("score the blind baselines of a suite", ("suite",)),
    "tabulate": Verb("render a table", ("table",)),
    "draw-curves": Verb("draw the loss curves and the probes of a table's trainings", ("table",)),
    "count-benchmark": Verb("count what the benchmark asks, for Table 1"),
    "draw-attention": Verb("draw where the resampler looks, Figure 3"),
    "draw-answers": Verb("draw answers of two models, Figure 4"),
    "show-study": Verb("make the page from which all of the study is reached"),
    "train-cell-nets": Verb("train the nets that ETT's tokenizer is taught and judged by"),
    "train-ibq": Verb("train ETT's tokenizer, to codes and back"),
    "lengthen-ibq": Verb("train ETT's tokenizer without captions for as many more steps as tuning takes"),
    "make-prompts": Verb("make the prompts that ask ETT's models for images, and images to learn from"),
    "teach-drawing": Verb("teach one run's model of ETT to draw images", ("run",)),
    "reconstruct": Verb("measure what ETT's tokenizer leaves of images"),
    "generate": Verb("draw the images that prompts ask for, and judge them"),
    "fit-ett-blind": Verb(
        "score the blind baselines of a suite for ETT, whose language model is none of the study's",
        ("suite",),
    ),
    "show-ett": Verb("render the tables of ETT, the second system, and what they are worth"),
    "weigh-claims": Verb("weigh the paper's claims on the scale's cells"),
    "audit": Verb("audit the published tables and the benchmark files", arguments=True),
}
