"""From answers to tables, each link is believed only as far as what it was made from is still what it was."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vistok.chain.results import answer_inputs, check_predictions, read_blind_metrics, read_run_metrics
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.paths import Paths
from vistok.provenance import PROVENANCE, proven_folder, sealed, unsealed
from vistok.steps import fit_blind, score_run, tabulate

RUN = "deit/frozen/vicuna-7b/seed-0"
OTHER = "clip-20m/frozen/vicuna-7b/seed-0"
TASK = "coco-oc"
FLIPS = 60


@pytest.fixture
def study(mini: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A copy of a scored study, to be spoilt."""
    shutil.copytree(mini.root, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    return mini.study


def predictions(study: Any, run: str = RUN) -> Path:
    return Paths(study).predictions(study.run(run), TASK)


def metrics(study: Any, run: str = RUN) -> Path:
    return Paths(study).metrics(study.run(run), TASK)


def score(study: Any) -> None:
    score_run.run(study, study.run(RUN), "gvt")


def flipped(whole: bytes, count: int) -> list[bytes]:
    rng, found = random.Random(2), []
    for place in [rng.randrange(8 * len(whole)) for _ in range(count)]:
        other = bytearray(whole)
        other[place // 8] ^= 1 << place % 8
        found.append(bytes(other))
    return found


def test_what_was_answered_and_scored_is_believed(study: Any) -> None:
    score(study)
    fit_blind.run(study, "gvt")
    tabulate.run(study, "table-2")


def test_answers_that_were_made_by_hand_are_not_scored(study: Any) -> None:
    path = predictions(study)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row | {"answer": "1"}) + "\n" for row in rows))
    with pytest.raises(VistokError, match=f"{path} cannot be trusted: it is not what was answered"):
        score(study)
    with pytest.raises(VistokError, match="it is not what was answered"):
        tabulate.run(study, "table-2")


@pytest.mark.parametrize("name", ["predictions.jsonl", PROVENANCE])
def test_every_flipped_bit_of_answers_is_noticed(study: Any, name: str) -> None:
    path = predictions(study).with_name(name)
    inputs = answer_inputs(study, study.run(RUN), study.task(TASK))
    for content in flipped(path.read_bytes(), FLIPS):
        path.write_bytes(content)
        with pytest.raises(VistokError):
            check_predictions(predictions(study), inputs)


@pytest.mark.parametrize("whose", ["run", "blind"])
def test_every_flipped_bit_of_metrics_is_noticed(study: Any, whose: str) -> None:
    task = study.task(TASK)
    path = metrics(study) if whose == "run" else Paths(study).blind(TASK)

    def read() -> object:
        if whose == "blind":
            return read_blind_metrics(study, task)
        return read_run_metrics(study, study.run(RUN), task)

    for content in flipped(path.read_bytes(), FLIPS):
        path.write_bytes(content)
        with pytest.raises(VistokError):
            read()


def test_numbers_that_were_made_by_hand_are_not_printed(study: Any) -> None:
    path = metrics(study)
    report = json.loads(path.read_text())
    report["answers"]["released"]["metrics"]["accuracy"] = 99.9
    path.write_text(json.dumps(report))
    with pytest.raises(VistokError, match=f"{path} cannot be trusted: it was changed after it was written"):
        tabulate.run(study, "table-2")


def test_metrics_of_other_answers_are_not_printed(study: Any) -> None:
    score(study)
    other = unsealed(metrics(study), json.loads(metrics(study).read_text()))
    other["inputs"] = {"predictions": "0" * 64}
    metrics(study).write_text(json.dumps(sealed(other)))
    with pytest.raises(VistokError, match="has changed since it was scored"):
        read_run_metrics(study, study.run(RUN), study.task(TASK))


def test_answers_of_another_run_are_refused(study: Any) -> None:
    for name in ("predictions.jsonl", PROVENANCE):
        shutil.copy(predictions(study, OTHER).with_name(name), predictions(study).with_name(name))
    with pytest.raises(VistokError, match=f"it holds the answers of '{OTHER}/{TASK}'"):
        score(study)


def change_references(study: Any) -> None:
    path = Paths(study).data / study.task_files(TASK).references
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([{**rows[0], "text_out": "7"}, *rows[1:]]))


def answer_with_another_checkpoint(study: Any) -> None:
    with proven_folder(
        Paths(study).mllm(study.run(RUN)), {"name": "x", "identity": "x", "inputs": {}}
    ) as partial:
        (partial / "model.safetensors").write_text("another")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_references, "the references have changed since"),
        (answer_with_another_checkpoint, "it was answered by another checkpoint than is there now"),
    ],
)
def test_what_the_answers_were_made_from_has_to_be_there_still(
    study: Any, change: Callable[[Any], None], reason: str
) -> None:
    change(study)
    with pytest.raises(VistokError, match=reason):
        score(study)
    with pytest.raises(VistokError, match=reason):
        tabulate.run(study, "table-2")


def test_answers_to_another_prompt_are_refused(study: Any) -> None:
    path = predictions(study).with_name(PROVENANCE)
    about = unsealed(path, json.loads(path.read_text()))
    about["inputs"]["spec"] = digest_value("another prompt")
    path.write_text(json.dumps(sealed(about)))
    with pytest.raises(VistokError, match="it was answered under another version of the task"):
        score(study)


def test_answers_without_provenance_are_refused(study: Any) -> None:
    predictions(study).with_name(PROVENANCE).unlink()
    with pytest.raises(VistokError, match=r"there is no provenance\.json next to it"):
        score(study)


def test_what_only_scores_were_kept_of_is_believed(study: Any) -> None:
    """As where somebody brought results without the answers behind them."""
    predictions(study).unlink()
    for llm in study.answering_llms():
        Paths(study).blind_predictions(llm, TASK).unlink()
    assert read_run_metrics(study, study.run(RUN), study.task(TASK))["run"] == RUN
    assert read_blind_metrics(study, study.task(TASK))["task"] == TASK
