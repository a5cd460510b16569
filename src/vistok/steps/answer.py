"""Answers a suite of tasks with one run's MLLM, or with a released model."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from vistok.chain.results import answer_inputs, write_predictions
from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import Answerer
from vistok.evaluation.answer.released import ReleasedAnswerer
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Released, ReleasedModel, Run, Subject, Task
from vistok.locks import only_writer
from vistok.mllm.whole import load_whole
from vistok.steps.answers import answers
from vistok.steps.asking import Asked, ask_all
from vistok.steps.models import load_trained
from vistok.training.devices import device_of
from vistok.training.loop import make_deterministic


def run(study: Study, subject: Subject, suite: str) -> None:
    """Writes a suite's predictions.jsonl: id, prompt, answer and raw generation, one line per question.

    Raises:
        VistokError: what answers cannot be trusted, no question can be asked, or another process is at it.
    """
    paths = Paths(study)
    with only_writer(paths.results / subject.path / suite):
        make_deterministic(0)
        asked = ask_all(study, suite)
        device = device_of(study.scale.job("answer").gpus)
        if isinstance(subject, Released):
            entry = study.models.released_model(subject.model)
            asked = {name: _told(entry, study.task(name), questions) for name, questions in asked.items()}
            answerer: Answerer = _released(study, entry, device)
        else:
            answerer = _composed(study, subject, device, asked)
        for task in study.suite(suite):
            rows = answers(answerer, task, asked[task.id])
            write_predictions(paths.predictions(subject, task.id), rows, answer_inputs(study, subject, task))


def _composed(study: Study, run: Run, device: torch.device, asked: Mapping[str, Asked]) -> Answerer:
    """Returns a run's MLLM, which has seen every photograph that is asked about."""
    model = load_trained(study.models, run).to(device)
    answerer = SeeingAnswerer(model, batch=study.scale.answer_batch)
    reader = model.tokenizer.reads()
    photographs = {str(path): path for questions in asked.values() for path in questions.images.values()}
    answerer.look((name, reader.photograph(path)) for name, path in photographs.items())
    return answerer


def _released(study: Study, entry: ReleasedModel, device: torch.device) -> Answerer:
    precision = torch.bfloat16 if study.models.scale.precision == "bf16" else torch.float32
    model = load_whole(entry, precision=precision, device=device)
    return ReleasedAnswerer(model, entry.template, batch=study.scale.answer_batch)


def _told(entry: ReleasedModel, task: Task, asked: Asked) -> Asked:
    """Returns the questions in the released model's own prompts, where it has one for their kind."""
    prompt = entry.prompts.get(task.kind, task.prompt)
    return replace(asked, prompts=tuple(prompt.replace("{question}", text) for text in asked.texts))
