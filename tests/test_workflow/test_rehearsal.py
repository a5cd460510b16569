"""A dress rehearsal of the paper scale: official layouts and repositories, small, from the data root to the pages.

One row here; `make rehearsal` has every row of Tables 2 to 8, each rule stopped once, and DVC.
"""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from rehearsal import at_work, oldest_of_each_kind
from tests.official_paper import lay_out
from tests.test_workflow.conftest import Checkout, _copy

from vistok.grid.load import load_study
from vistok.workflow.forkserver import ForkServer

RUN = "clip/frozen/vicuna-7b/seed-0"
PAGE = "paper_tables/paper/table-2.html"
TASKS = ("vqav2", "coco-caption", "coco-oc", "coco-mci", "vcr-oc", "vcr-mci")


@pytest.fixture
def rehearsal(
    repository: Path, tmp_path: Path, worker: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> tuple[Checkout, tuple[str, str]]:
    """A clone with small sizes, and what names the folder of official files."""
    checkout = Checkout(tmp_path / "checkout", worker=worker)
    _copy(repository, checkout.root)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("VISTOK_DEVICE", "cpu")
    runs = lay_out(
        checkout.root, data=tmp_path / "data", hub=tmp_path / "hub", tables=["table-2"],
        rows=lambda row: row["published"] == 6 and row.pop("seeds"),
    )  # fmt: skip
    assert runs == [RUN]
    return checkout, ("--config", f"data_root={tmp_path / 'data'}")


def test_official_files_become_a_page_through_a_stop(
    rehearsal: tuple[Checkout, tuple[str, str]],
) -> None:
    checkout, asked = rehearsal
    mixture = load_study("paper", root=checkout.root).scale.mixture
    checkout.build(*(f"shards/paper/{name}" for name in mixture), *asked, scale="paper")
    checkout = checkout.fresh()  # a hub's client looks at its settings as it is imported
    _stop_in_training(checkout, asked)
    checkout.build(PAGE, *asked, scale="paper")
    assert "goes on from step" in (checkout.root / f"logs/paper/tune_mllm/{RUN}.log").read_text()
    assert checkout.jobs(*asked, target=PAGE, scale="paper") == set()
    for task in TASKS:
        metrics = json.loads((checkout.root / f"results/paper/{RUN}/{task}/metrics.json").read_text())
        assert metrics["n"] == metrics["of"] == 6 and "answers" in metrics
    manifest = json.loads((checkout.root / "shards/paper/objects365/_manifest.json").read_text())
    assert manifest["rows"] == 4 and manifest["unusable"] == {"5": "broken", "6": "absent"}
    coco = json.loads((checkout.root / "shards/paper/coco-train/_manifest.json").read_text())
    assert coco["rows"] == 11, "the photograph of Karpathy's test split is left out"
    assert "CLIP" in (checkout.root / "paper_tables/paper/table-2.md").read_text()
    left = [path for path in (checkout.root / "state/paper").rglob("*") if path.is_file()]
    assert left == [], "nothing of what was under way is left"


def test_a_rule_is_at_work_until_all_its_jobs_have_ended() -> None:
    """A rule of which another job runs is not over; the rehearsal passed over rules that ended beside another."""
    log = (
        "localrule score_run_seed_bench:\n    jobid: 3\n\n"
        "rule tune_mllm:\n    jobid: 4\n\nrule tune_mllm:\n    jobid: 5\n"
        "Finished jobid: 3 (Rule: score_run_seed_bench)\n1 of 9 steps (11%) done\n"
        "Finished jobid: 5 (Rule: tune_mllm)\n"
    )
    assert at_work(log) == {"tune_mllm"}
    assert at_work(log + "Finished jobid: 4 (Rule: tune_mllm)\n") == set()


def test_of_each_kind_of_job_the_oldest_is_cancelled() -> None:
    """Younger ones took its place, and none was ever in the middle: no job of that kind was cancelled."""
    jobs = [
        "9|rule_write_shards_wildcards_llava",
        "10|rule_tune_mllm_wildcards_clip",
        "7|rule_write_shards_wildcards_sbu",
    ]
    assert oldest_of_each_kind([*jobs, "11|rule_run_answer_gvt_score_run_gvt/1"]) == {
        "rule_write_shards": "7", "rule_tune_mllm": "10", "rule_run_answer_gvt_score_run_gvt": "11",
    }  # fmt: skip
    assert oldest_of_each_kind([]) == {}


def _stop_in_training(checkout: Checkout, asked: tuple[str, str]) -> None:
    """Starts a training, and stops it as a cluster does once it has saved a state."""
    saved = checkout.root / f"state/paper/mllms/{RUN}/state.safetensors"
    log = checkout.root / "stopped.log"
    process = checkout.start(f"checkpoints/paper/mllms/{RUN}", *asked, scale="paper", log=log)
    until = time.monotonic() + 1500
    while not saved.is_file() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert saved.is_file(), log.read_text()
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
