"""A suite's answers: the same however they are batched and decoded, and however often the job is killed."""

import json
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.small_models import small_encoder, small_language_model

from vistok.chain.results import forget_answers
from vistok.errors import VistokError
from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import Generation, Question
from vistok.grid.connectors import Resampler
from vistok.grid.load import load_study
from vistok.grid.tasks import Decoding, Task
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.steps import answers
from vistok.steps.answers import ALONE, PhotographReader, answer_suite
from vistok.steps.asking import TaskQuestions, ask
from vistok.steps.saved_answers import Row, SavedAnswers
from vistok.tokenizers.base import build_tokenizer
from vistok.training.processes import Process, this_process

TASKS = ("coco-oc", "coco-mci")
Suite = dict[str, tuple[Task, TaskQuestions]]


@pytest.fixture(scope="module")
def suite(shared_data: Path, repository: Path) -> Suite:
    """Some 330 real questions about 70 real photographs, in two tasks."""
    study = load_study("excerpt", root=repository, data_root=str(shared_data))
    return {name: (study.task(name), ask(study, name)) for name in TASKS}


@pytest.fixture(scope="module")
def model(suite: Suite) -> MultimodalModel:
    """An MLLM whose random weights are so large that what it says hangs on image and question."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    words = make_word_tokenizer(prompt for _, asked in suite.values() for prompt in asked.prompts)
    connector = Resampler(latents=3, depth=1, heads=2, head_width=8, feedforward_multiple=2)
    llm = CausalLanguageModel.build(small_language_model(), words)
    built = MultimodalModel(build_tokenizer(small_encoder()), llm, connector, trains=("connector",))
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if parameter.ndim > 1:
                parameter *= 2.0 if name.startswith("llm.") else 3.0
    return built


class Interrupted(SeeingAnswerer):
    """Sends its own process a signal while it answers a batch; tells how many it has answered."""

    batches = 0

    def __init__(self, model: MultimodalModel, at: int, number: int) -> None:
        super().__init__(model, batch=32)
        self.at, self.number = at, number

    def answer(self, questions: Sequence[Question], decoding: Decoding) -> list[Generation]:
        made = super().answer(questions, decoding)
        self.batches += 1
        if self.batches == self.at:
            os.kill(os.getpid(), self.number)
        return made


def run(
    answerer: SeeingAnswerer, suite: Suite, saved: SavedAnswers, workers: int = 0, process: Process = ALONE
) -> dict[str, list[Row]]:
    photographs = PhotographReader(
        answerer.model.tokenizer.reads(), answerer.look_anew, answerer.batch, workers
    )
    made = answer_suite(answerer, suite, saved, name="answers", photographs=photographs, process=process)
    return {task.id: rows for task, rows in made}


@pytest.fixture(scope="module")
def undisturbed(model: MultimodalModel, suite: Suite, tmp_path_factory: Any) -> dict[str, list[Row]]:
    file = tmp_path_factory.mktemp("answers") / "saved.jsonl"
    made = run(SeeingAnswerer(model, batch=32), suite, SavedAnswers(file, "one"))
    assert [len(made[name]) for name in TASKS] == [146, 186] and not file.exists()
    assert len({row["raw"] for rows in made.values() for row in rows}) > 50, (
        "alike answers would show nothing"
    )
    return made


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize(("batch", "workers"), [(1, 1), (7, 4), (256, 0), (256, 2)])
def test_neither_batches_nor_workers_change_an_answer(
    model: MultimodalModel,
    suite: Suite,
    undisturbed: dict[str, list[Row]],
    tmp_path: Path,
    batch: int,
    workers: int,
) -> None:
    saved = SavedAnswers(tmp_path / "saved.jsonl", "one")
    assert run(SeeingAnswerer(model, batch=batch), suite, saved, workers) == undisturbed


def test_photographs_are_looked_at_part_by_part(
    model: MultimodalModel,
    suite: Suite,
    undisturbed: dict[str, list[Row]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """VQAv2's 40,000 are too many for the memory."""
    monkeypatch.setattr(answers, "_QUESTIONS", 50)
    monkeypatch.setattr(answers, "_PHOTOGRAPHS", 30)
    answerer = SeeingAnswerer(model, batch=32)
    assert run(answerer, suite, SavedAnswers(tmp_path / "saved.jsonl", "one"), 1) == undisturbed
    assert 0 < len(answerer.seen) <= 50


@pytest.mark.parametrize("at", [1, 3, 7])
def test_a_stopped_job_goes_on_to_the_same_answers(
    model: MultimodalModel, suite: Suite, undisturbed: dict[str, list[Row]], tmp_path: Path, at: int
) -> None:
    file = tmp_path / "state/saved.jsonl"
    with pytest.raises(VistokError, match=r"stopped at batch \d of coco-\w+ on request"):
        run(Interrupted(model, at, signal.SIGTERM), suite, SavedAnswers(file, "one"))
    again = Interrupted(model, 0, signal.SIGTERM)
    assert run(again, suite, SavedAnswers(file, "one")) == undisturbed
    assert again.batches == 11 - at, "what was answered is not asked again"


def test_a_killed_job_goes_on_to_the_same_answers(
    model: MultimodalModel, suite: Suite, undisturbed: dict[str, list[Row]], tmp_path: Path
) -> None:
    file = tmp_path / "saved.jsonl"
    for at in (3, 4):

        def killed(at: int = at) -> None:
            run(Interrupted(model, at, signal.SIGKILL), suite, SavedAnswers(file, "one", seconds=0))

        process = multiprocessing.get_context("fork").Process(target=killed)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        with file.open(
            "ab"
        ) as stream:  # a kill in the middle of a line, then one of a line that the disk lost
            stream.write(b'{"task": "coco-oc", "group": 1, "rows": [' + b"\0" * at)
    again = Interrupted(model, 0, signal.SIGTERM)
    assert run(again, suite, SavedAnswers(file, "one")) == undisturbed
    assert again.batches == 11 - 2 - 3


def shares(work: Callable[[Process], None], of: int) -> list[int | None]:
    """Runs so many processes of one job; returns how each of them ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def one(number: int) -> None:
        job = {"RANK": number, "WORLD_SIZE": of, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in job.items()})
        work(this_process())

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=one, args=(number,)) for number in range(of)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def test_processes_share_a_suite_out(
    model: MultimodalModel, suite: Suite, undisturbed: dict[str, list[Row]], tmp_path: Path
) -> None:
    """One of three is killed, and two of a later job finish: no batch is asked twice, and the first alone writes."""
    file = tmp_path / "state/saved.jsonl"

    def killed() -> None:
        saved = SavedAnswers(file, "one", rank=1, seconds=0)
        run(Interrupted(model, 3, signal.SIGKILL), suite, saved, process=Process(1, 3))

    def finish(process: Process) -> None:
        answerer = Interrupted(model, 0, signal.SIGTERM)
        made = run(answerer, suite, SavedAnswers(file, "one", rank=process.rank), process=process)
        (tmp_path / f"{process.rank}.json").write_text(json.dumps([answerer.batches, made]))

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert shares(finish, 2) == [0, 0]
    (first, made), (second, nothing) = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (0, 1))
    assert json.loads(json.dumps(undisturbed)) == made and nothing == {}
    assert min(first, second) > 0 and first + second == 11 - 2
    other = file.with_name("saved-even.jsonl")  # of a suite whose name begins alike
    other.touch()
    forget_answers(file)
    assert list(tmp_path.glob("state/*")) == [other]


def test_what_was_saved_of_others_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "saved.jsonl"
    saved = SavedAnswers(file, "one", seconds=0)
    saved.note("coco-oc", 0, [{"id": 1, "raw": "é"}])
    saved.note("coco-oc", 1, [{"id": 2, "raw": "two"}])
    assert SavedAnswers(file, "one").of("coco-oc", 0) == [{"id": 1, "raw": "é"}]
    file.write_text(file.read_text().replace('"two"', '"one"'))
    assert SavedAnswers(file, "one").of("coco-oc", 1) is None, "a changed line is not believed"
    assert SavedAnswers(file, "another").of("coco-oc", 0) is None
    assert "is not used, and all questions are asked" in capsys.readouterr().err and not file.exists()
