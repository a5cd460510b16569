"""Checks the name of a file that a user asks the workflow for, and says what is legal."""

from pathlib import PurePath

from vistok.errors import VistokError, unknown
from vistok.grid.entries import SCALES
from vistok.grid.ett_scale import suites_of
from vistok.grid.study import Study


def check_target(study: Study, target: str) -> None:
    """Refuses a file that names no scale, run, task or entry of the study; leaves names of other shapes alone.

    Raises:
        VistokError: a part of the name is unknown; says which are legal, or which scale to ask for.
    """
    segments = PurePath(target).parts
    match segments:
        case ["results" | "paper_tables", named, _, *_] if named not in (study.results_id, "published"):
            raise _other_scale(target, named, study.results_id)
        case ["checkpoints" | "shards", named, _, *_] if named != study.models_study.scale.id:
            raise _other_scale(target, named, study.models_study.scale.id)
        case ["results", _, "blind", task, *_]:
            _check_task(study, task)
        case ["results", _, "released" as folder, model, task, _]:
            study.models_study.subject(f"{folder}/{model}")
            _check_task(study, task)
        case ["results", _, tokenizer, recipe, llm, seed, task, _]:
            study.models_study.run("/".join((tokenizer, recipe, llm, seed)))
            _check_task(study, task)
        case ["checkpoints", _, "tokenizers", *pretrained]:
            study.models_study.pretrained("/".join(pretrained))
        case ["checkpoints", _, "llms", llm]:
            study.models_study.llm(llm)
        case ["checkpoints", _, "mllms", *run]:
            study.models_study.run("/".join(run))
        case ["shards", _, image_set]:
            study.models_study.image_set(image_set)
        case ["paper_tables", named, file] if (
            named != "published" and file.startswith("table-") and not file.startswith("table-1.")
        ):
            study.table(file.partition(".")[0].removesuffix("-curves").removesuffix("-probes"))


def _check_task(study: Study, task: str) -> None:
    suites = dict.fromkeys((*study.suites_asked(), *suites_of(study)))
    answered = [entry.id for suite in suites for entry in study.suite(suite)]
    if task not in answered:
        raise unknown("task", task, answered)


def _other_scale(target: str, named: str, expected: str) -> VistokError:
    scales = [path.stem for path in SCALES.glob("*.yaml")]
    scale = max((name for name in scales if f"{named}-".startswith(f"{name}-")), key=len, default=named)
    split = named.removeprefix(scale).removeprefix("-")
    config = f"--config scale={scale}" + (f" split={split}" if split else "")
    return VistokError(
        f"{target} is of {named!r}, and the workflow was asked for {expected!r}. Add {config}, or ask for a file of "
        f"{expected!r}."
    )
