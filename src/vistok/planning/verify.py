"""Reads everything that was built of a study, and reports what cannot be trusted."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from vistok.chain.checkpoints import STATE, check_llm, check_mllm, check_tokenizer
from vistok.chain.results import (
    answer_inputs,
    blind_inputs,
    check_predictions,
    read_blind_metrics,
    read_run_metrics,
)
from vistok.datasets.digest_list import DigestList
from vistok.datasets.manifest import damaged_files
from vistok.errors import VistokError
from vistok.grid.needs import weight_names
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.headers import WEIGHTS
from vistok.planning.doctor import Line
from vistok.planning.foreign import weight_list
from vistok.planning.listed import digest_list, study_names
from vistok.provenance import PROVENANCE, check_whole

Check = tuple[Path, Callable[[], object]]


def verify(study: Study) -> Iterator[Line]:
    """Yields a line per file or folder: of the data, shards, checkpoints, states, answers and scores that are there."""
    for owner in dict.fromkeys((study.scale.id, study.models_study.scale.id)):
        yield from data_lines(study if owner == study.scale.id else study.models_study)
    for path, check in artefacts(study):
        yield _line(str(path), check)


def check_stage(study: Study, stage: str) -> None:
    """Checks what a stage of dvc.yaml versions.

    Raises:
        VistokError: some of it cannot be trusted.
    """
    kind, _, name = stage.partition("@")
    models_study, paths = study.models_study, Paths(study)
    checks: dict[str, Callable[[], Iterable[Check]]] = {
        "shards": lambda: [_shards(paths.shards(name))],
        "llm": lambda: _checkpoints(models_study, [paths.llm(name)]),
        "tokenizer": lambda: _checkpoints(models_study, [paths.pretrained(name)]),
        "first-stage": lambda: _checkpoints(models_study, [paths.mllm(study.run(name))]),
        "run": lambda: [
            *_checkpoints(models_study, [paths.mllm(study.run(name))]),
            *_results_of(study, name),
        ],
        "blind": lambda: _blind(study),
        "ett": lambda: _ett_models(models_study),
    }
    for _, check in checks.get(kind, list)():
        check()


def data_lines(study: Study) -> Iterator[Line]:
    """Yields a line per official file, folder or weights: whether their content is as they were listed."""
    names = [name for name in study_names(study) if (Paths(study).data / name).exists()]
    for name in names:
        yield _listed(f"data {name} of {study.scale.id}", lambda name=name: digest_list(study, name))  # type: ignore[misc]
    for name in (
        weight_names(study.models_study, study.models_study.runs()) if study.models_study is study else []
    ):
        yield _listed(f"weights {name}", lambda name=name: weight_list(study, name))  # type: ignore[misc]


def _listed(what: str, find: Callable[[], DigestList | None]) -> Line:
    try:
        listed = find()
        if listed is None or not listed.lines.is_file():
            return Line("note", what, "not listed: nothing tells whether it changed (vistok list-data)")
        changed = listed.changed_content()
    except VistokError as error:
        return Line("FAIL", what, str(error))
    return Line("FAIL", what, "; ".join(changed[:3])) if changed else Line("ok", what, "as listed")


def artefacts(study: Study) -> Iterator[Check]:
    """Yields each file or folder that was built, and the check that reads it; a VistokError says what is wrong."""
    models_study, paths = study.models_study, Paths(study)
    for name in models_study.scale.image_sets:
        if paths.shards(name).is_dir():
            yield _shards(paths.shards(name))
    for file in sorted((Path("state") / models_study.scale.id).rglob(STATE)):
        yield file, lambda file=file: _check_state(file)  # type: ignore[misc]
    for pattern in ("tokenizers/*/*", "llms/*", "mllms/*/*/*/*"):
        yield from _checkpoints(models_study, sorted(paths.checkpoints.glob(pattern)))
    yield from _ett_models(models_study)
    for folder in sorted(paths.results.glob("*/*/*/seed-*")):
        yield from _results_of(study, folder.relative_to(paths.results).as_posix())
    yield from _blind(study)


def _shards(folder: Path) -> Check:
    def check() -> None:
        if damaged := damaged_files(folder):
            raise VistokError(f"{folder / damaged[0]} is not what was written there. Make the shards again.")

    return folder, check


def _check_state(file: Path) -> None:
    from vistok.training.state import read_state  # PyTorch, which takes long to load

    read_state(file)


def _checkpoints(models_study: Study, folders: Iterable[Path]) -> Iterator[Check]:
    root = Paths(models_study).checkpoints
    for folder in folders:
        kind, _, name = folder.relative_to(root).as_posix().partition("/")
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        checks: dict[str, Callable[[str], str]] = {
            "tokenizers": lambda name: check_tokenizer(models_study, models_study.pretrained(name)),
            "llms": lambda name: check_llm(models_study, name),
            "mllms": lambda name: check_mllm(models_study, models_study.run(name)),
        }
        yield folder, lambda check=checks[kind], name=name: check(name)  # type: ignore[misc]


def _ett_models(models_study: Study) -> Iterator[Check]:
    """Checks the bytes of ETT's models, whose folders are at several depths."""
    root = Paths(models_study).checkpoints / "ett"
    folders = {file.parent for name in (WEIGHTS, PROVENANCE) for file in root.rglob(name)}
    for folder in sorted(folders):
        if not any(part.startswith(".") for part in folder.relative_to(root).parts):
            yield folder, lambda folder=folder: check_whole(folder)  # type: ignore[misc]


def _results_of(study: Study, name: str) -> Iterator[Check]:
    """Checks each task's scores with the answers behind them, or answers that nobody has scored."""
    paths = Paths(study)
    for task in study.answered_tasks():
        scores, answers = (
            paths.results / name / task.id / file for file in ("metrics.json", "predictions.jsonl")
        )
        if scores.is_file():
            yield scores, lambda task=task: read_run_metrics(study, study.run(name), task)  # type: ignore[misc]
        elif answers.is_file():
            yield (
                answers,
                lambda task=task, answers=answers: check_predictions(  # type: ignore[misc]
                    answers, answer_inputs(study, study.run(name), task)
                ),
            )


def _blind(study: Study) -> Iterator[Check]:
    paths = Paths(study)
    for task in study.answered_tasks():
        for llm in study.answering_llms():
            if (answers := paths.blind_predictions(llm, task.id)).is_file():
                yield (
                    answers,
                    lambda answers=answers, llm=llm, task=task: check_predictions(  # type: ignore[misc]
                        answers, blind_inputs(study, llm, task)
                    ),
                )
        if paths.blind(task.id).is_file():
            yield paths.blind(task.id), lambda task=task: read_blind_metrics(study, task)  # type: ignore[misc]


def _line(what: str, check: Callable[[], object]) -> Line:
    try:
        check()
    except (VistokError, ValueError) as error:
        return Line("FAIL", what, str(error))
    return Line("ok", what, "as it was written")
