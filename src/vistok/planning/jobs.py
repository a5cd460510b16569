"""The jobs that some runs of a study need, what each costs, and whether what it makes is there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


def _result_jobs(study: Study, runs: Sequence[Run]) -> list[Job]:
    paths, tasks = Paths(study), [task.id for task in study.suite()]
    questions = {task.id: task.expected_questions or 0 for task in study.suite()}
    if world := study.models.scale.world:
        questions = {task: world["coco_val"] * world.get("questions_per_image", 1) for task in tasks}

    def are_there(files: Iterable[Path]) -> bool:
        return all(file.is_file() for file in files)

    answered = [are_there(paths.predictions(run, task) for task in tasks) for run in runs]
    scored = [are_there(paths.metrics(run, task) for task in tasks) for run in runs]
    jobs = [
        Job("answer", run.path, answering(study, run, questions), there)
        for run, there in zip(runs, answered, strict=True)
    ]
    # Asked without the image, which this counts all the same: an upper bound.
    jobs += [
        Job(
            "answer",
            f"blind/{run.llm}",
            answering(study, run, questions),
            are_there(paths.blind_predictions(run.llm, task) for task in tasks),
        )
        for run in {run.llm: run for run in runs}.values()
    ]
    jobs += [Job("score-run", run.path, _NOTHING, there) for run, there in zip(runs, scored, strict=True)]
    jobs.append(Job("fit-blind", "blind", _NOTHING, are_there(paths.blind(task) for task in tasks)))
    for table in study.tables:
        if set(study.runs(table)) & set(runs):
            jobs.append(Job("tabulate", table, _NOTHING, paths.table(table, "html").is_file()))
            jobs.append(Job("draw-curves", table, _NOTHING, paths.table(f"{table}-curves", "png").is_file()))
    return jobs
