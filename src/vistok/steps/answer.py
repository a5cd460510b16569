"""Answers a suite of tasks with one run's MLLM, or with a released model."""

from dataclasses import replace

import torch

from vistok.chain.results import answer_inputs, write_predictions
from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import Answerer
from vistok.evaluation.answer.released import ReleasedAnswerer
from vistok.grid.paths import Paths
from vistok.grid.released_models import ReleasedModel
from vistok.grid.runs import Released, Run, Subject
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.mllm.whole import load_whole
from vistok.steps.answers import PhotographReader, answer_suite, one_writer
from vistok.steps.asking import TaskQuestions, ask_all
from vistok.steps.models import load_trained
from vistok.steps.saved_answers import SavedAnswers, identity_of
from vistok.training.devices import device_of
from vistok.training.loop import make_deterministic
from vistok.training.memory import keep_freed_memory


def run(study: Study, subject: Subject, suite: str) -> None:
    """Writes a suite's predictions.jsonl: id, prompt, answer and raw generation, one line per question.

    Raises:
        VistokError: what answers cannot be trusted, no question can be asked, the job was told to stop (the next
            start goes on from there), or another process is at it.
    """
    paths = Paths(study)
    with one_writer(paths.results / subject.path / suite) as process:
        make_deterministic(0, exact=study.scale.exact)
        tasks = _questions_by_task(study, subject, suite)
        inputs = {task.id: answer_inputs(study, subject, task) for task, _ in tasks.values()}
        identity = identity_of(inputs, tasks, __name__, study.scale.answer_batch)
        saved = SavedAnswers(paths.answers_under_way(subject, suite), identity, rank=process.rank)
        answerer, photographs = _answerer(study, subject)
        name = f"answers of {subject.path}"
        for task, rows in answer_suite(
            answerer, tasks, saved, name=name, photographs=photographs, process=process
        ):
            write_predictions(paths.predictions(subject, task.id), rows, inputs[task.id])
        saved.save_rest()


def _questions_by_task(study: Study, subject: Subject, suite: str) -> dict[str, tuple[Task, TaskQuestions]]:
    """Returns the questions of each task of a suite, as the subject is asked them."""
    tasks = {name: (study.task(name), questions) for name, questions in ask_all(study, suite).items()}
    if isinstance(subject, Run):
        return tasks
    entry = study.models_study.released_model(subject.model)
    return {
        name: (_decoded(entry, task), _reprompted(entry, task, questions))
        for name, (task, questions) in tasks.items()
    }


def _answerer(study: Study, subject: Subject) -> tuple[Answerer, PhotographReader | None]:
    """Returns what answers, and how it looks at photographs, if it does so before it is asked."""
    job, batch = study.scale.job("answer"), study.scale.answer_batch
    device = device_of(job.gpus)
    if device.type == "cpu":
        keep_freed_memory()
    if isinstance(subject, Released):
        return _released(study, study.models_study.released_model(subject.model), device), None
    model = load_trained(study.models_study, subject).to(device)
    answerer = SeeingAnswerer(model, batch=batch)
    return answerer, PhotographReader(model.tokenizer.reads(), answerer.look_anew, batch, job.cpus - 1)


def _released(study: Study, entry: ReleasedModel, device: torch.device) -> Answerer:
    precision = torch.bfloat16 if study.models_study.scale.precision == "bf16" else torch.float32
    model = load_whole(entry, precision=precision, device=device)
    return ReleasedAnswerer(model, entry.template, batch=study.scale.answer_batch, ends_at=entry.ends_at)


def _decoded(entry: ReleasedModel, task: Task) -> Task:
    """Returns a task with the decoding of a released model, where it has one for its kind."""
    own = entry.decoding.get(task.kind)
    return task.model_copy(update={"decoding": own}) if own else task


def _reprompted(entry: ReleasedModel, task: Task, questions: TaskQuestions) -> TaskQuestions:
    """Returns the questions in the released model's own prompts, where it has one for their kind."""
    prompt = entry.prompts.get(task.kind, task.prompt)
    return replace(questions, prompts=tuple(prompt.replace("{question}", text) for text in questions.texts))
