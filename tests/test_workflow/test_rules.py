"""What every rule keeps: sizes only in scales, machines only in profiles, no complaint of the linter."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from vistok.grid.ett import read_tables
from vistok.grid.ett_scale import runs_of
from vistok.grid.load import load_study
from vistok.grid.steps import STEPS


def rule_files(repository: Path) -> list[Path]:
    return [repository / "Snakefile", *sorted((repository / "workflow/rules").glob("*.smk"))]


def test_the_paper_scale_asks_for_sizes_that_grow(built: Any) -> None:
    """Memory grows; a training's time does not: it goes on from its saved state, within what a cluster allows."""
    for attempt in (1, 2):
        output = built.build("paper_tables", "-n", "--attempt", str(attempt), scale="paper")
        asked = re.findall(r"^rule tune_mllm:.*?resources: (.*?)$", output, re.MULTILINE | re.DOTALL)
        assert len(asked) == 3
        for resources in asked:
            assert "gpu=1" in resources
            assert f"mem_mb={64_000 * attempt}" in resources and "runtime=2880" in resources


def test_rules_are_of_the_steps_and_read_and_write_what_these_say(built: Any, repository: Path) -> None:
    """Each job of a whole build, of the claims, of the audit and of ETT: its rule, and its files in their order."""
    tables = yaml.safe_load((repository / "workflow/grid/tables.yaml").read_text())
    with built.changed("workflow/grid/tables.yaml", lambda cut: cut.update(tables)):
        output = built.build("paper_tables", "paper_claims", "paper_audit", "ett_tables", "-nF")
        study = load_study("smoke", root=built.root)
    result = re.findall(
        r"^ *(?:local)?rule (\w+):\n(?: +input: (.*)\n)? +output: (.*)$", output, re.MULTILINE
    )
    data = [str(path) for path in STEPS["make-world"].outputs(study)]
    of_ett = [run for table in read_tables().values() for run in runs_of(study, table)]
    runs, expected = [*study.runs(), *dict.fromkeys(of_ett)], set()
    for step in STEPS.values():
        by_itself = [()] if not step.over and step.id != "make-world" else []
        for ids in [*step.jobs(study, runs), *by_itself]:
            suite = ids[step.over.index("suite") :] if "suite" in step.over else ()
            name = "_".join((step.rule_name, *suite)).replace("-", "_")
            read = (data if step.reads_data else []) + [str(path) for path in step.inputs(study, *ids)]
            expected.add((name, frozenset(read), tuple(map(str, step.outputs(study, *ids)))))
    jobs = {
        (name, frozenset(filter(None, read.split(", "))), tuple(made.split(", ")))
        for name, read, made in result
    }
    assert jobs == expected


def test_etts_tables_at_the_paper_scale_take_released_files_alone(built: Any, tmp_path: Path) -> None:
    """No weights of the study's own rows are asked for, and what trains asks for GPUs."""
    asked = ("ett_tables", "-n", "--config", f"data_root={tmp_path}")
    status, output = built.snakemake(*asked, scale="paper")
    assert (
        status and f"not in {tmp_path}: weights/imagenet256_262144.ckpt, weights/vgg16-397923af.pth" in output
    )
    assert "vistok fetch lpips-vgg16" in output and "clip" not in output
    weights = ("imagenet256_262144.ckpt", "vgg16-397923af.pth", "lpips/vgg.pth")
    measuring = (
        "imagenet/val/1.JPEG",
        "weights/pt_inception-2015-12-05-6726825d.pth",
        "geneval/evaluation_metadata.jsonl",
    )
    for name in (*(f"weights/{each}" for each in weights), *measuring):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    judges = ("facebook/mask2former-swin-small-coco-instance", "openai/clip-vit-large-patch14")
    try:
        for name in judges:
            (built.root / name).mkdir(parents=True)
        output = built.build(*asked, scale="paper")
    finally:
        for name in judges:
            shutil.rmtree((built.root / name).parent, ignore_errors=True)
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE))
    assert (jobs["train_ibq"], jobs["lengthen_ibq"], jobs["tune_mllm"]) == ("1", "1", "10")
    assert (jobs["answer_ett"], jobs["fit_ett_blind_ett"], jobs["answer_blind_gvt"]) == ("7", "1", "1")
    assert (jobs["teach_drawing"], jobs["generate"], jobs["reconstruct"]) == ("4", "1", "1")
    assert not {"make_prompts", "train_cell_nets", "fit_blind_gvt"} & {*jobs} and "vicuna" not in output
    (longer,) = re.findall(r"^rule lengthen_ibq:.*?resources: (.*?)$", output, re.MULTILINE | re.DOTALL)
    assert "gpu=1" in longer and "runtime=2880" in longer


@pytest.mark.parametrize("profile", ["slurm", "slurm-example"])
def test_the_jobs_of_a_group_ask_for_one_place(built: Any, profile: str) -> None:
    """Snakemake refuses a group whose members name different partitions, accounts or GPU types."""
    output = built.build("paper_tables", "-nF", "--workflow-profile", f"workflow/profiles/{profile}")
    result = re.findall(r"^ *rule (\w+):\n|^ *resources: (.*)", output, re.MULTILINE)
    names, asked = [name for name, _ in result if name], [text for _, text in result if text]
    places = {
        name: re.search(r"slurm_partition=(\w+)", text) for name, text in zip(names, asked, strict=True)
    }
    gpu, cpu = ("gpu", "cpu") if profile == "slurm-example" else (None, None)
    for name in ("tune_mllm", "answer_gvt", "answer_blind_gvt", "score_run_gvt"):
        assert (places[name] and places[name][1]) == gpu, "what a profile says of a step holds for each suite"
    for name in ("tabulate", "fit_blind_gvt"):
        assert (places[name] and places[name][1]) == cpu


MACHINES = re.compile(
    r"slurm|sbatch|srun|squeue|scancel|sinfo|sacct|scontrol|torchrun|partition|account|gres|nvidia|cuda|[abhv]\d00",
    re.IGNORECASE,
)


def test_rules_name_no_machine(repository: Path) -> None:
    assert [
        (path.name, found) for path in rule_files(repository) if (found := MACHINES.findall(path.read_text()))
    ] == []


def python_lines(text: str) -> int:
    """Counts the lines of a file of rules that stand in no rule and are neither empty nor a comment."""
    outside = re.sub(r"^( *)rule ?\w*:\n(?:\1 +.*\n|\n)*", "", f"{text}\n", flags=re.MULTILINE)
    return sum(1 for line in outside.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def test_rules_hold_little_python(repository: Path) -> None:
    """What has a type and a test is in the package: the rules only name it."""
    counts = {path.name: python_lines(path.read_text()) for path in rule_files(repository)}
    assert sum(counts.values()) <= 150, counts


def test_python_in_rules_is_counted() -> None:
    text = 'import os\n\n# no\nif os:\n\n    rule a:\n        """A."""\n        input:\n            1,\n\nX = 1\n'
    assert python_lines(text) == 3


def test_rules_are_short_and_say_what_they_are(repository: Path) -> None:
    for path in rule_files(repository)[1:]:
        rules = re.findall(r"^( *)rule ?(\w*):\n((?:\1 +\S.*\n|\n(?=\1 ))*)", path.read_text(), re.MULTILINE)
        for _, name, body in rules:
            wanted = ("output", "log", "threads", "resources", "params", "shell")
            assert body.lstrip().startswith('"""'), name
            assert not [word for word in wanted if f" {word}:\n" not in body and f" {word}: " not in body], (
                name
            )
            assert len(body.splitlines()) <= 28, name


def test_no_group_has_two_members_that_use_gpus_at_once(repository: Path) -> None:
    """The Snakemake on a node asks Slurm for the sum of their GPUs, which is more than the group was given."""
    text = "".join(path.read_text() for path in rule_files(repository)[1:])
    grouped = re.findall(r"name:\n +(\w+)\.name\n(?:(?! +name:).*\n)*? +group:\n +\"(\w+)\"", text)
    assert grouped == [("answer", "run"), ("score_run", "run")], "the second reads what the first makes"
    assert text.count("group:") == len(grouped)


@pytest.mark.parametrize("profile", ["slurm", "slurm-example"])
def test_a_group_of_tables_fits_a_small_node(repository: Path, profile: str) -> None:
    """A group asks for the processors and the memory of its members together."""
    text = (repository / f"workflow/profiles/{profile}/config.yaml").read_text()
    together, job = (
        yaml.safe_load(text)["group-components"]["tables"],
        load_study("paper").scale.job("tabulate"),
    )
    assert together * job.cpus <= 4 and together * job.memory_mb <= 64_000


def test_the_linter_asks_for_containers_alone(built: Any) -> None:
    _, output = built.snakemake("--lint")
    complaints = set(re.findall(r"^    \* (.*):$", output, re.MULTILINE))
    assert complaints == {"Specify a conda environment or container for each rule."}


def test_rules_are_formatted(repository: Path) -> None:
    snakefmt = Path(sys.executable).with_name("snakefmt")
    subprocess.run(
        [snakefmt, "--check", "Snakefile", "workflow"], cwd=repository, check=True, capture_output=True
    )
