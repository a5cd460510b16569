"""Answers a suite of tasks with a language model alone: what its answers are worth without the image."""

from vistok.chain.results import blind_inputs, write_predictions
from vistok.evaluation.answer.generation import BlindAnswerer
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.locks import only_writer
from vistok.steps.answers import answers
from vistok.steps.asking import ask_all
from vistok.steps.language_model import load_llm
from vistok.training.devices import device_of
from vistok.training.loop import make_deterministic


def run(study: Study, llm: str, suite: str) -> None:
    """Writes a suite's predictions.jsonl: the prompts and decoding of runs, with nothing in place of the image.

    Raises:
        VistokError: the model cannot be trusted, no question can be asked, or another process is at it.
    """
    with only_writer(Paths(study).results / "blind" / llm / suite):
        _answer(study, llm, suite)


def _answer(study: Study, llm: str, suite: str) -> None:
    make_deterministic(0)
    asked = ask_all(study, suite)
    device = device_of(study.scale.job("answer").gpus)
    model = load_llm(study.models, llm).to(device)
    answerer = BlindAnswerer(model, batch=study.scale.answer_batch)
    for task in study.suite(suite):
        rows = answers(answerer, task, asked[task.id])
        write_predictions(Paths(study).blind_predictions(llm, task.id), rows, blind_inputs(study, llm, task))
