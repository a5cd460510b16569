"""Answers a suite of tasks with one run's MLLM."""

from vistok.chain.results import answer_inputs, write_predictions
from vistok.datasets.images import load_image
from vistok.datasets.preprocessing import Preprocessing
from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Run
from vistok.locks import only_writer
from vistok.steps.answers import answers
from vistok.steps.asking import ask_all
from vistok.steps.models import load_trained
from vistok.training.devices import device_of
from vistok.training.loop import make_deterministic


def run(study: Study, wanted: Run, suite: str) -> None:
    """Writes a suite's predictions.jsonl: id, prompt, answer and raw generation, one line per question.

    Raises:
        VistokError: what answers cannot be trusted, no question can be asked, or another process is at it.
    """
    paths = Paths(study)
    with only_writer(paths.results / wanted.path / suite):
        _answer(study, paths, wanted, suite)


def _answer(study: Study, paths: Paths, wanted: Run, suite: str) -> None:
    make_deterministic(0)
    asked = ask_all(study, suite)
    device = device_of(study.scale.job("answer").gpus)
    model = load_trained(study.models, wanted).to(device)
    answerer = SeeingAnswerer(model, batch=study.scale.answer_batch)
    seen_by = study.models.encoder(wanted.tokenizer)
    preprocessing = Preprocessing(seen_by.image_size, seen_by.normalisation)
    photographs = {str(path): path for questions in asked.values() for path in questions.images.values()}
    answerer.look(
        (name, preprocessing.evaluation(load_image(path, what="photograph")))
        for name, path in photographs.items()
    )
    for task in study.suite(suite):
        rows = answers(answerer, task, asked[task.id])
        write_predictions(paths.predictions(wanted, task.id), rows, answer_inputs(study, wanted, task))
