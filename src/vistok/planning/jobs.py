"""The jobs that some runs of a study need, what each costs, and whether what it makes is there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from vistok.grid.downloads import Download, downloads_for, load_downloads
from vistok.grid.paths import Paths
from vistok.grid.scale import Step
from vistok.grid.study import Study
from vistok.grid.values import Run
from vistok.planning.costs import Cost, answering, pretraining, text_training, tuning
from vistok.planning.needs import image_sets

_NOTHING: Final = Cost(0, 0, 0)


@dataclass(frozen=True)
class Job:
    """One job of a study: what it costs, and whether what it makes is there."""

    step: Step
    name: str
    cost: Cost
    there: bool


def jobs_of(study: Study, runs: Sequence[Run]) -> tuple[Job, ...]:
    """Returns every job behind some runs of a study, from its data to its tables."""
    return (*_data_jobs(study, runs), *_model_jobs(study, runs), *_result_jobs(study, runs))


def _data_jobs(study: Study, runs: Sequence[Run]) -> list[Job]:
    models, paths = study.models, Paths(study.models)
    world = (
        [Job("make-world", models.scale.data_root, _NOTHING, paths.data.is_dir())]
        if models.scale.world
        else []
    )
    known = {} if models.scale.world else load_downloads()
    return world + [
        Job("write-shards", name, _shards(models, name, known), paths.shards(name).is_dir())
        for name in image_sets(models, runs)
    ]


def _shards(models: Study, image_set: str, known: Mapping[str, Download]) -> Cost:
    """Shards hold every photograph again: as many bytes as are stated of its archives, 0 where none are."""
    archives = downloads_for(models.image_set(image_set).images, known)
    return Cost(0, 0, kept=sum(entry.bytes or 0 for entry in archives))


def _model_jobs(study: Study, runs: Sequence[Run]) -> list[Job]:
    models, paths = study.models, Paths(study.models)
    tokenizers = dict.fromkeys(run.tokenizer for run in runs if models.pretrains(run.tokenizer))
    jobs = [
        Job("pretrain-tokenizer", name, pretraining(models, name), paths.tokenizer(name).is_dir())
        for name in tokenizers
    ]
    if models.scale.language_model:
        llms = dict.fromkeys(name for run in runs for name in (models.llm(run.llm).base, run.llm) if name)
        jobs += [
            Job("train-llm", name, text_training(models, name), paths.llm(name).is_dir()) for name in llms
        ]
    return jobs + [Job("tune-mllm", run.path, tuning(models, run), paths.mllm(run).is_dir()) for run in runs]


def _suite_jobs(study: Study, suite: str, runs: Sequence[Run]) -> list[Job]:
    """Returns the jobs that answer one suite, with some runs and with their language models alone, and score it."""
    paths, tasks, questions = Paths(study), [task.id for task in study.suite(suite)], _questions(study, suite)

    def answer(name: str, run: Run, file_of: Callable[[str], Path]) -> Job:
        return Job(
            "answer", f"{name} {suite}", answering(study, run, questions), are_there(map(file_of, tasks))
        )

    def are_there(files: Iterable[Path]) -> bool:
        return all(file.is_file() for file in files)

    jobs = [answer(run.path, run, partial(paths.predictions, run)) for run in runs]
    # Asked without the image, which this counts all the same: an upper bound.
    by_llm = {run.llm: run for run in runs}
    jobs += [
        answer(f"blind/{llm}", run, partial(paths.blind_predictions, llm)) for llm, run in by_llm.items()
    ]
    for run in runs:
        scored = are_there(paths.metrics(run, task) for task in tasks)
        jobs.append(Job("score-run", f"{run.path} {suite}", _NOTHING, scored))
    fitted = are_there(map(paths.blind, tasks))
    return [*jobs, Job("fit-blind", suite, _NOTHING, fitted)]


def _questions(study: Study, suite: str) -> dict[str, int]:
    """Returns how many questions each task of a suite asks, about."""
    if world := study.models.scale.world:
        each = world["coco_val"] * world.get("questions_per_image", 1)
        return {task.id: each for task in study.suite(suite)}
    return {task.id: task.expected_questions or 0 for task in study.suite(suite)}


def _result_jobs(study: Study, runs: Sequence[Run]) -> list[Job]:
    paths, suites = Paths(study), study.suites_by_run()
    by_suite: dict[str, list[Run]] = {}
    for run in runs:
        for suite in suites.get(run, study.suites_shown()):
            by_suite.setdefault(suite, []).append(run)
    jobs = [job for suite, own in by_suite.items() for job in _suite_jobs(study, suite, own)]
    for table in study.tables:
        if set(study.runs(table)) & set(runs):
            jobs.append(Job("tabulate", table, _NOTHING, paths.table(table, "html").is_file()))
            jobs.append(Job("draw-curves", table, _NOTHING, paths.table(f"{table}-curves", "png").is_file()))
    return jobs
