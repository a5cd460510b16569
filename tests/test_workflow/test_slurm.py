"""The study on a real Slurm: jobs that are stopped, cancelled, preempted or orphaned end in the same bytes."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cluster
import pytest
from cluster import RUN, Build
from safetensors.torch import load_file

pytestmark = pytest.mark.slurm

BUILT = ("checkpoints", "paper_tables/smoke", "results/smoke")
RULES = {
    "make_world",
    "write_shards",
    "train_llm",
    "pretrain_tokenizer",
    "tune_mllm",
    "answer_gvt",
    "score_run_gvt",
}
RULES |= {"fit_blind_gvt", "tabulate", "draw_curves"}
FROZEN = "deit/frozen/vicuna-7b/seed-0"


@pytest.fixture(scope="module", autouse=True)
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Slurm of two nodes. Without one all these tests are skipped, but for where Slurm is required."""
    if reason := cluster.missing():
        if os.environ.get("VISTOK_REQUIRE_SLURM") == "1":
            pytest.fail(f"VISTOK_REQUIRE_SLURM=1, but {reason}")
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    leave_as_a_killed_lab_does(tmp_path_factory.mktemp("killed"))
    cluster.lab("start", folder)
    yield folder
    cluster.lab("stop", folder)


def leave_as_a_killed_lab_does(folder: Path) -> None:
    """Leaves links to a Slurm of which nothing runs any more; another process has one of its numbers now."""
    for name in ("munge.key", "gres.conf"):
        (folder / name).touch()
    (folder / "slurmctld.pid").write_text(f"{os.getpid()}\n")
    link = Path("/etc/slurm/gres.conf")
    if not link.exists():
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder / "gres.conf")


@pytest.fixture
def checkout(built: Any) -> Iterator[Any]:
    """The built study; whatever a test submits from it has ended before the next."""
    yield built
    for job in cluster.jobs(built.root, "all"):
        cluster.cancel(job)
    cluster.idle(built.root)


def remove_run(built: Any, run: str) -> None:
    built.remove(f"checkpoints/smoke/mllms/{run}", f"results/smoke/{run}")
    for path in (built.root / "paper_tables/smoke").glob("table-2*"):
        path.unlink()


def test_all_rules_end_in_the_bytes_of_a_local_build(checkout: Any, tmp_path: Path) -> None:
    before = checkout.digests(*BUILT)
    for folder in ("checkpoints", "data", "paper_tables/smoke", "results", "shards", ".snakemake"):
        shutil.rmtree(checkout.root / folder)
    said = Build(checkout.root, tmp_path / "study.log").end()
    assert checkout.digests(*BUILT) == before
    ran = re.findall(r"^ *rule (\w+):", said, re.MULTILINE)
    assert set(ran) >= RULES
    assert said.count("has been submitted with SLURM jobid") < len(ran), "small jobs go together"
    assert "group_run_answer_gvt_score_run_gvt_tune_mllm/" in said
    assert not (checkout.root / ".snakemake/slurm/runs").exists(), "no job is left"


def test_a_run_that_loses_its_job_again_and_again(checkout: Any, tmp_path: Path) -> None:
    """Told to stop, as ahead of the time limit; preempted; cancelled: each time it goes on from its state."""
    before = checkout.digests(*BUILT)
    remove_run(checkout, RUN)
    build = Build(checkout.root, tmp_path / "faults.log")
    cluster.ask_to_stop(build.training())
    cluster.preempt(build.training())
    cluster.cancel(build.training())
    said = build.end()
    assert said.count("Trying to restart job") == 2, "Slurm itself goes on with the preempted one"
    assert f"mllm {RUN}: stopped at step" in build.job_logs()
    assert "goes on from step" in (checkout.root / f"logs/smoke/tune_mllm/{RUN}.log").read_text()
    assert checkout.digests(*BUILT) == before
    assert not (checkout.root / cluster.STATE).exists()


def test_nothing_starts_beside_the_jobs_of_a_controller_that_was_killed(
    checkout: Any, tmp_path: Path
) -> None:
    before = checkout.digests(*BUILT)
    remove_run(checkout, RUN)
    build = Build(checkout.root, tmp_path / "killed.log")
    job = build.training()
    build.kill()
    refused = Build(checkout.root, tmp_path / "refused.log").end(1)
    assert f"still queued or running here: {job}" in refused and f"scancel {job}" in refused
    status, said = checkout.snakemake("paper_tables")
    assert status == 1 and f"still queued or running here: {job}" in said and "Traceback" not in said
    cluster.idle(checkout.root)
    said = Build(checkout.root, tmp_path / "again.log").end()
    assert "rule tune_mllm" not in said, "the orphaned job has finished its work"
    assert checkout.digests(*BUILT) == before


def test_a_controller_of_slurm_that_is_away_for_a_while(checkout: Any, lab: Path, tmp_path: Path) -> None:
    """The executor asks about its jobs meanwhile, and turns to an accounting that is not there."""
    before = checkout.digests(*BUILT)
    remove_run(checkout, RUN)
    build = Build(checkout.root, tmp_path / "away.log")
    build.training()
    cluster.lab("away", lab, "15")
    build.end()
    assert checkout.digests(*BUILT) == before


def test_a_strangers_comment_neither_stops_a_start_nor_advises(checkout: Any, tmp_path: Path) -> None:
    forged = f"x|/a\n99; touch PWNED|rule_x|{checkout.root}\ny|z"
    for comment in (forged.encode(), b"\xe9"):
        command = [
            "sbatch",
            "--parsable",
            b"--comment=" + comment,
            f"--chdir={checkout.root}",
            "--wrap=sleep 60",
        ]
        subprocess.run(command, check=True, capture_output=True)
    said = Build(checkout.root, tmp_path / "forged.log").end()
    assert "PWNED" not in said and "Nothing to be done" in said
    remove_run(checkout, FROZEN)
    said = Build(checkout.root, tmp_path / "started.log").end()
    assert "rule tune_mllm:" in said and "PWNED" not in said


@pytest.fixture
def replaced(checkout: Any, tmp_path: Path) -> Iterator[Path]:
    """The checkpoint of a run, moved away; it comes back as it was, and nothing has to be made anew."""
    folder, kept = checkout.root / f"checkpoints/smoke/mllms/{FROZEN}", tmp_path / "kept"
    metadata = checkout.root / ".snakemake/metadata"
    shutil.copytree(metadata, tmp_path / "metadata")
    shutil.move(folder, kept)
    yield kept
    for path, before in ((folder, kept), (metadata, tmp_path / "metadata")):
        shutil.rmtree(path, ignore_errors=True)
        shutil.move(before, path)
    checkout.forget_state(FROZEN)


def test_two_processes_on_two_nodes_train_what_one_does(
    checkout: Any, replaced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISTOK_DEVICE", "cpu")  # this Slurm's GPUs are make-believe

    def share_out(scale: dict[str, Any]) -> None:
        scale["resources"] = {"tune-mllm": {"gpus": 2, "nodes": 2}}

    target = f"checkpoints/smoke/mllms/{FROZEN}"
    with checkout.changed("workflow/scales/smoke.yaml", share_out):
        refused = Build(checkout.root, tmp_path / "refused.log", target).end(1)
        assert "asks for 2 GPUs, and snakemake would give it 1" in refused
        Build(checkout.root, tmp_path / "two.log", target, gpus=2).end()
    alone, shared = (load_file(folder / "model.safetensors") for folder in (replaced, checkout.root / target))
    assert shared.keys() == alone.keys() and shared.keys()
    assert any((shared[name] != alone[name]).any() for name in alone), "two processes add in another order"
    for name, tensor in alone.items():
        assert tensor.allclose(shared[name], atol=1e-4), name


def test_two_processes_answer_what_one_does(
    checkout: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISTOK_DEVICE", "cpu")
    target, before = f"results/smoke/{FROZEN}", checkout.digests(f"results/smoke/{FROZEN}")

    def share_out(scale: dict[str, Any]) -> None:
        scale["resources"] = {"answer": {"gpus": 2}}

    for path in (checkout.root / target).rglob("predictions.jsonl"):
        path.unlink()
    written = f"{target}/coco-oc/predictions.jsonl"
    with checkout.changed("workflow/scales/smoke.yaml", share_out):
        Build(checkout.root, tmp_path / "two.log", written, gpus=2).end()
    assert checkout.digests(target) == before
