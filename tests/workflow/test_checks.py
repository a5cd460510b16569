"""A start that could not end well is refused with one sentence, before anything is planned or run."""

from dataclasses import replace
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.grid.downloads import load_downloads
from vistok.grid.ett_files import ibq_outputs, records
from vistok.grid.job_sizes import JobSize
from vistok.grid.load import load_study
from vistok.planning.ett import check_released
from vistok.planning.listed import digest_list
from vistok.planning.machine import own_gpu
from vistok.workflow import checks
from vistok.workflow.files import Files


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(files: Files, *words: str) -> str:
    with pytest.raises(VistokError) as error:
        checks.check_plan(files, words)
    return str(error.value)


def test_a_whole_study_may_be_planned(mini: Files, excerpt: Files) -> None:
    checks.check_plan(mini, ["paper_tables", "--cores", "2"])
    checks.check_plan(excerpt, ["-n"])


def test_a_target_by_a_wrong_name(mini: Files) -> None:
    assert "unknown tokenizer 'clpi'" in refusal(mini, "checkpoints/mini/tokenizers/clpi/seed-0")


def test_weights_that_are_not_there(paper: Files, empty: Path) -> None:
    assert "not there: data/paper/weights/clip_base_25ep.pt. Fetch them (vistok fetch clip-20m" in refusal(
        paper
    )
    checks.check_plan(paper, ["paper_data"])
    (empty / "data/paper/weights").mkdir(parents=True)
    (empty / "data/paper/weights/clip_base_25ep.pt").touch()
    checks.check_plan(paper, ["paper_tables/paper/table-2.html"])
    assert "not there: data/paper/weights/regionclip_pretrained" in refusal(paper)
    for tokenizer in paper.models_study.lineage(run.tokenizer for run in paper.study.runs()):
        for weights in paper.local_weights(tokenizer):
            (empty / weights).touch()
    checks.check_plan(paper, [])


def measure(files: Files) -> None:
    """Writes the records of all that is measured once, so that what they are measured with is not asked for."""
    for path in records(files.study):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_etts_tables_need_their_own_released_files_as_they_were_listed(
    paper: Files, empty: Path, repository: Path
) -> None:
    (empty / "workflow").symlink_to(repository / "workflow")
    assert "imagenet256_262144.ckpt, weights/vgg16-397923af.pth, weights/lpips/vgg.pth, from" in refusal(
        paper, "ett_tables"
    )
    measure(paper)
    root = empty / "data/paper/weights"
    (root / "lpips").mkdir(parents=True)
    for name in ("imagenet256_262144.ckpt", "vgg16-397923af.pth", "lpips/vgg.pth"):
        (root / name).write_text("one")
    checks.check_plan(paper, ["ett_tables", "-n"])
    assert "not there: data/paper/weights/clip_base_25ep.pt" in refusal(paper, "ett_tables", "paper_tables")
    digest_list(paper.study, "weights/lpips/vgg.pth").write()
    checks.check_plan(paper, ["ett_tables"])
    (root / "lpips/vgg.pth").write_text("another")
    assert "vgg.pth has changed since" in refusal(paper, "ett_tables")


def test_an_import_that_runs_again_needs_its_files_before_its_checkpoints_are_removed(
    paper: Files, empty: Path, repository: Path
) -> None:
    (empty / "workflow").symlink_to(repository / "workflow")
    for path in ibq_outputs(paper.study):
        path.mkdir(parents=True)
    measure(paper)
    assert check_released(paper.study).imported
    with pytest.raises(VistokError, match=r"released files of ETT: .*lpips/vgg\.pth, from .*nothing removed"):
        checks.check_jobs(paper.study, [("train_ibq", {})], local=False)


@pytest.mark.parametrize("folder", ["results", "checkpoints", "shards", "state", "logs"])
def test_a_file_in_the_place_of_a_folder(mini: Files, empty: Path, folder: str) -> None:
    (empty / folder).touch()
    assert f"cannot write to {folder}" in refusal(mini)


def test_results_that_dvc_brought_wait_to_be_adopted(mini: Files, empty: Path) -> None:
    (empty / "records/mini/blind").mkdir(parents=True)
    (empty / "records/mini/blind/record.json").write_text("{}")
    assert "DVC has pulled 1 results (records/mini/blind ...): vistok adopt" in refusal(mini)


def start_refusal(files: Files, *words: str, gpus: int | None = None) -> str:
    with pytest.raises(VistokError) as error:
        checks.check_start(files, words, gpus)
    return str(error.value)


def test_fewer_gpus_than_a_job_asks_for(paper: Files) -> None:
    assert "asks for 1 GPUs, and snakemake would give it 0" in start_refusal(paper, gpus=0)


def test_a_missing_data_root(paper: Files, excerpt: Files, mini: Files) -> None:
    assert "the data root data/paper of the scale 'paper' does not exist" in start_refusal(paper)
    assert "the data root data/excerpt of the scale 'excerpt' does not exist" in start_refusal(excerpt)
    checks.check_start(mini, [], None)


@pytest.mark.parametrize("file", [None, "gvtbench/coco_oc.json", "coco/val2017/000000000139.jpg"])
def test_a_data_root_that_asks_nothing(repository: Path, empty: Path, file: str | None) -> None:
    root = empty / "official"
    root.mkdir()
    if file:
        (root / file).parent.mkdir(parents=True)
        (root / file).touch()
    files = Files(load_study("excerpt", root=repository, data_root=str(root)), load_downloads(repository))
    assert f"no task has its question files and photographs in {root}" in start_refusal(files)
    checks.check_start(files, ["paper_data"], None)


def test_jobs_that_would_fail_are_refused_before_they_start(
    paper: Files, mini: Files, monkeypatch: pytest.MonkeyPatch, empty: Path, repository: Path
) -> None:
    (empty / "workflow").symlink_to(repository / "workflow")
    monkeypatch.setenv("HF_HUB_CACHE", str(empty / "hub"))
    run = {"run": "deit/frozen/vicuna-7b/seed-0"}
    with pytest.raises(VistokError, match=r"weights of deit: .*not in this machine's cache") as error:
        checks.check_jobs(paper.study, [("tabulate", {"table": "table-2"}), ("tune_mllm", run)], local=False)
    assert "more would fail. Nothing was started, and nothing removed" in str(error.value)
    checks.check_jobs(
        paper.study, [("tabulate", {"table": "table-2"}), ("answer_blind_gvt", {})], local=False
    )
    checks.check_jobs(mini.study, [("tune_mllm", run), ("score_run_gvt", run)], local=True)


def test_a_gpu_that_this_machine_lacks_is_told_before_jobs_of_its_own_start(
    mini: Files, empty: Path, repository: Path
) -> None:
    (empty / "workflow").symlink_to(repository / "workflow")
    scale = mini.study.scale.model_copy(update={"resources": {"tune-mllm": JobSize(gpus=1)}})
    study = replace(mini.study, scale=scale)
    jobs = [("tune_mllm", {"run": "deit/frozen/vicuna-7b/seed-0"})]
    checks.check_jobs(study, jobs, local=False)
    if own_gpu() is None:
        with pytest.raises(VistokError, match=r"GPU memory: jobs need .* and this machine has no GPU"):
            checks.check_jobs(study, jobs, local=True)
