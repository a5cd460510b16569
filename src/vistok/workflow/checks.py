"""Checks at the start of the workflow, before Snakemake plans, removes or runs anything."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.files import no_folder
from vistok.grid.downloads import Download, downloads_for
from vistok.grid.needs import WEIGHTS_OF, absent_photographs, absent_questions, weight_names
from vistok.grid.study import Study
from vistok.grid.targets import check_target
from vistok.planning import foreign
from vistok.planning.ett import check_released, listed_names
from vistok.planning.listed import check_times, stale, study_names
from vistok.versions.record import waiting
from vistok.workflow.files import Files

_LOADING: Final = ("tune_mllm", "answer_")  # the rules of runs that load models; answer_blind has no run
_ETT: Final = "ett_tables"
_STUDYS: Final = ("paper_", "results/", "checkpoints/")  # how targets begin that may be the study's own


@contextmanager
def refusals() -> Iterator[None]:
    """Ends Snakemake with the sentence of an error; its own WorkflowError would add the line of a rule."""
    try:
        yield
    except VistokError as error:
        raise SystemExit(f"vistok: {error}") from None


def check_plan(files: Files, words: Sequence[str]) -> None:
    """Checks everything that must hold before jobs are planned; `words` are those of Snakemake's command line.

    Raises:
        VistokError: a target is unknown, weights are missing, a folder cannot hold results, official files have
            changed since they were listed, or results that DVC pulled are not adopted.
    """
    _check_adopted()
    _check_folders(files.study, os.path.isdir)  # otherwise Snakemake itself crashes before it starts
    for word in words:
        check_target(files.study, word)  # Snakemake's own error names nothing legal
    _check_weights(files, _asked_tables(files.study, words), fetching=is_fetching(words))
    of_ett = listed_names(files.study) if _ETT in words else []
    if _ETT in words:
        check_released(files.models_study)
    if not is_fetching(words):
        for study in files.studies():
            check_times(study, study_names(study))
        check_times(files.study, [name for name in of_ett if not name.startswith(WEIGHTS_OF)])
        _check_weight_times(files, [name for name in of_ett if name.startswith(WEIGHTS_OF)])


def check_start(files: Files, words: Sequence[str], gpus: int | None) -> None:
    """Checks everything that must hold before jobs run.

    Args:
        words: those of Snakemake's command line.
        gpus: how many GPUs Snakemake would give to a job; None: as many as it asks for.

    Raises:
        VistokError: a job asks for more GPUs, a folder cannot be written, or there is nothing to read.
    """
    _check_gpus(files.models_study, gpus)
    _check_folders(files.study, lambda folder: os.access(folder, os.W_OK))
    for study in files.studies():
        _check_data_root(study)
    if not is_fetching(words):
        _check_questions(files)


def check_jobs(study: Study, jobs: Iterable[tuple[str, Mapping[str, str]]], *, local: bool) -> None:
    """Checks for anything that would make these jobs fail, as Snakemake removes their finished outputs first.

    Args:
        jobs: the rule of each, and its wildcards.
        local: whether they run on this machine.

    Raises:
        VistokError: something would fail; says what, and how to have all of it checked.
    """
    from vistok.planning.doctor import examine_start

    jobs = list(jobs)
    paths = dict.fromkeys(
        wildcards["run"] for rule, wildcards in jobs if rule.startswith(_LOADING) and "run" in wildcards
    )
    subjects = [study.models_study.subject(path) for path in paths]
    rules = {rule for rule, _ in jobs}
    failed = [line for line in examine_start(study, subjects, rules, local=local) if line.verdict == "FAIL"]
    if failed:
        more = f" {len(failed) - 1} more would fail." if len(failed) > 1 else ""
        raise VistokError(
            f"{failed[0].check}: {failed[0].message}{more} Nothing was started, and nothing removed. All checks: "
            f"vistok doctor --scale {study.scale.id}"
        )


def is_fetching(words: Sequence[str]) -> bool:
    """Returns whether the official archives are about to be fetched."""
    return any("paper_data" in word or "data/fetched/" in word for word in words)


def _check_adopted() -> None:
    """Snakemake knows nothing about files that DVC pulled, and would accept any version of them."""
    if pulled := waiting():
        raise VistokError(f"DVC has pulled {len(pulled)} results ({pulled[0].parent} ...): vistok adopt")


def _check_folders(study: Study, fit: Callable[[Path], bool]) -> None:
    """Refuses to continue if an output folder, or the one that will hold it, is unfit."""
    own = study.results_id
    for folder in (f"results/{own}", f"paper_tables/{own}", "checkpoints", "shards", "state", "logs"):
        nearest = next(path for path in (Path(folder), *Path(folder).parents) if path.exists())
        if not fit(nearest):
            raise VistokError(
                f"cannot write to {folder}: {nearest} is not a folder that can be written to. Make it one, "
                "then start the same command again."
            )


def _check_gpus(models_study: Study, limit: int | None) -> None:
    most = max((job.gpus for job in models_study.scale.resources.values()), default=0)
    if limit is not None and limit < most:
        raise VistokError(
            f"a job of the scale {models_study.scale.id!r} asks for {most} GPUs, and snakemake would give it "
            f"{limit}. Raise `resources: gpu` in the profile, or --resources gpu={most}."
        )


def _check_data_root(study: Study) -> None:
    root = Path(study.scale.data_root)
    if not study.scale.world and not root.is_dir():
        raise VistokError(
            f"the data root {root} of the scale {study.scale.id!r} {no_folder(root)}. Name the folder that holds "
            f"the official files: --config data_root=FOLDER (or data_root in {study.scale_file})."
        )


def _check_questions(files: Files) -> None:
    study = files.study
    tasks = [task.id for task in study.answered_tasks()]
    if all(absent_questions(study, task) or absent_photographs(study, task) for task in tasks):
        raise VistokError(
            f"no task has its question files and photographs in {study.scale.data_root}. Put those of at least one "
            f"there (vistok doctor --scale {study.scale.id} names them), then start the same command again."
        )


def _asked_tables(study: Study, words: Sequence[str]) -> list[str]:
    """Returns the tables whose weights are needed: all, those named; none to fetch archives or for ETT."""
    targets = [word for word in words if word.startswith("paper_tables")]
    alone = _ETT in words and not any(word.startswith(_STUDYS) for word in words)
    if alone or (is_fetching(words) and not targets):
        return []
    named = [[name for name in study.tables if f"/{name}." in target] for target in targets]
    return [*study.tables] if not all(named) or not named else [name for names in named for name in names]


def _check_weights(files: Files, tables: Sequence[str], *, fetching: bool) -> None:
    """Refuses missing weights: Snakemake would accept an existing table that it cannot rebuild."""
    runs = (run for table in tables for run in files.study.runs(table))
    for tokenizer in files.models_study.lineage(run.tokenizer for run in runs):
        for weights in files.local_weights(tokenizer):
            fetched = downloads_for(files.models_study.encoder(tokenizer).weights, files.downloads)
            if not Path(weights).exists() and not (fetched and fetching):
                raise VistokError(
                    f"the weights of the tokenizer {tokenizer!r} are not there: {weights}. "
                    f"{_advice(files.models_study, tokenizer, fetched)}, or fix its `weights` in "
                    "workflow/grid/tokenizers.yaml."
                )


def _check_weight_times(files: Files, of_ett: Sequence[str]) -> None:
    for name in dict.fromkeys((*weight_names(files.models_study, files.study.subjects()), *of_ett)):
        local = foreign.local_list(files.models_study, name)
        if local and not local.seems_unchanged():
            raise stale(files.models_study, name, [f"{local.source} has changed"])


def _advice(models_study: Study, tokenizer: str, fetched: Sequence[Download]) -> str:
    if models_study.scale.world and not Path(models_study.encoder(tokenizer).weights).is_absolute():
        return (
            f"{models_study.scale.data_root} is what a job makes: put them elsewhere, with an absolute path"
        )
    return f"Fetch them (vistok fetch {fetched[0].id})" if fetched else "Put them there"
