"""Answers a suite of tasks with a language model alone: what its answers are worth without the image."""

from vistok.chain.results import blind_inputs, write_predictions
from vistok.evaluation.answer.generation import BlindAnswerer
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.steps.answers import answer_suite, one_writer
from vistok.steps.asking import ask_all
from vistok.steps.language_model import load_llm
from vistok.steps.saved_answers import SavedAnswers, identity_of
from vistok.training.devices import device_of
from vistok.training.loop import make_deterministic
from vistok.training.processes import Process


def run(study: Study, llm: str, suite: str) -> None:
    """Writes a suite's predictions.jsonl: the prompts and decoding of runs, with nothing in place of the image.

    Raises:
        VistokError: the model cannot be trusted, no question can be asked, or another process is at it.
    """
    with one_writer(Paths(study).results / "blind" / llm / suite) as process:
        _answer(study, llm, suite, process)


def _answer(study: Study, llm: str, suite: str, process: Process) -> None:
    make_deterministic(0, exact=study.scale.exact)
    paths, batch = Paths(study), study.scale.answer_batch
    tasks = {name: (study.task(name), questions) for name, questions in ask_all(study, suite).items()}
    inputs = {task.id: blind_inputs(study, llm, task) for task, _ in tasks.values()}
    identity = identity_of(inputs, tasks, __name__, batch)
    saved = SavedAnswers(paths.answers_under_way(f"blind/{llm}", suite), identity, rank=process.rank)
    device = device_of(study.scale.job("answer").gpus)
    answerer = BlindAnswerer(load_llm(study.models_study, llm).to(device), batch=batch)
    for task, rows in answer_suite(answerer, tasks, saved, name=f"blind answers of {llm}", process=process):
        write_predictions(paths.blind_predictions(llm, task.id), rows, inputs[task.id])
    saved.save_rest()
