"""What ETT's tables cost at the paper scale, and what of their files is missing, is told before anything runs."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.grid.ett_files import ett_runs
from vistok.grid.ett_memory import kept_bytes, positions_of
from vistok.grid.ett_scale import network_of
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning.costs import tuning
from vistok.planning.doctor import examine, examine_start
from vistok.planning.ett import files_read, listed_names
from vistok.planning.plan import chosen, make_plan


@pytest.fixture
def paper(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "data").mkdir()
    return load_study("paper", data_root="data")


def test_the_plan_of_its_tables_has_each_job_once(paper: Study) -> None:
    runs = chosen(paper, ["ett_tables"])
    assert len(runs) == 7 and {*runs} == {*ett_runs(paper)}
    plan = make_plan(paper, runs)
    assert [job.name for job in plan.of("fit-blind")] == ["seed-bench", "ett", "gvt"]
    trained = [job.name for job in plan.of("tune-mllm")]
    assert len(trained) == 15 and trained[10] == "", (
        "ten of language models, the tokenizer's for longer, and four that learn to draw"
    )
    drawn = [job.cost.flops for job in plan.of("tune-mllm")[11:]]
    # 4,500 batches of 256 captions and images; 1.54 G parameters read 272 positions, and a head of 512 has 1,024 codes.
    assert drawn == pytest.approx([6 * 4500 * 256 * (1.54e9 * 272 + 512 * 262_144 * 1024)] * 4, rel=0.01)
    assert {"ibq-262144", "lpips-vgg16", "lpips-vgg", "fid-inception", "geneval"} <= {*plan.to_fetch}
    assert "released" not in " ".join(plan.to_fetch) and "clip-20m-substitute" not in plan.to_fetch
    size = network_of(paper)
    kept = {run.recipe: tuning(paper, run).memory for run in runs}
    assert kept_bytes(size) < kept["embedding-tuned"] < 80e9 and positions_of(size) > 4560, (
        "one image at a time"
    )
    # It is cut by its text alone, and keeps its encoder's maps: fewer positions at a time fit.
    assert plan.memory == kept["embedding-tuned-alone"] > 80e9
    job = paper.scale.job("tune-mllm").model_copy(update={"positions": 3000})
    scale = paper.scale.model_copy(update={"resources": {**paper.scale.resources, "tune-mllm": job}})
    assert max(tuning(replace(paper, scale=scale), run).memory for run in runs) < 80e9
    shown = {job.name for job in make_plan(paper, paper.subjects()).jobs}
    assert not any(name.startswith("ibq") for name in shown), "the study's own plan is as it was"


def test_a_scale_without_it_has_no_such_target(paper: Study) -> None:
    Path("workflow/scales/ett/paper.yaml").unlink()
    with pytest.raises(VistokError, match=r"'paper' has no tokenizer of ETT's: .*Legal: mini, smoke"):
        chosen(load_study("paper"), ["ett_tables"])


def test_every_missing_file_is_named(paper: Study) -> None:
    lines = {line.check: line for line in examine(paper, ett_runs(paper))}
    for name, fetched in (
        ("weights/imagenet256_262144.ckpt", "vistok fetch ibq-262144 --data-root data"),
        ("weights/vgg16-397923af.pth", "vistok fetch lpips-vgg16 --data-root data"),
        ("gqa/images", "vistok fetch gqa-images --data-root data"),
        ("textvqa/train_images", "vistok fetch textvqa-images --data-root data"),
        ("mme/eval_tool/Your_Results", "vistok fetch mme --data-root data"),
    ):
        assert lines[name].verdict == "FAIL" and fetched in lines[name].message
    assert "hf download Qwen/Qwen2.5-1.5B" in lines["weights of qwen-2-5"].message
    assert not {"weights of clip", "weights of vicuna-7b", "weights of ibq"} & {*lines}
    (failed,) = examine_start(paper, [], {"train_ibq"}, local=True)
    assert (
        failed.verdict == "FAIL"
        and "lpips/vgg.pth, from which ETT's tokenizer and its loss" in failed.message
    )
    own = files_read(paper, paper.subjects())
    assert "weights/lpips/vgg.pth" not in own and "gqa/images" not in own


def test_what_it_reads_is_listed_once_it_is_there(paper: Study) -> None:
    names = listed_names(paper)
    assert names == ["weights-of-tokenizers/ibq-262144-512", "weights-of-llms/qwen-2-5"]
    for name in ("weights/lpips/vgg.pth", "gqa/testdev_balanced_questions.json"):
        Path("data", name).parent.mkdir(parents=True)
        Path("data", name).touch()
    assert {*listed_names(paper)} - {*names} == {
        "weights/lpips/vgg.pth",
        "gqa/testdev_balanced_questions.json",
    }
    assert listed_names(load_study("mini")) == []
