"""What every rule keeps: sizes only in scales, machines only in profiles, no complaint of the linter."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def rule_files(repository: Path) -> list[Path]:
    return [repository / "Snakefile", *sorted((repository / "workflow/rules").glob("*.smk"))]


def test_the_paper_scale_asks_for_sizes_that_grow(built: Any) -> None:
    """Memory grows; a training's time does not: it goes on from its saved state, within what a cluster allows."""
    for attempt in (1, 2):
        said = built.build("paper_tables", "-n", "--attempt", str(attempt), scale="paper")
        asked = re.findall(r"^rule tune_mllm:.*?resources: (.*?)$", said, re.MULTILINE | re.DOTALL)
        assert len(asked) == 3
        for resources in asked:
            assert "gpu=1" in resources
            assert f"mem_mb={64_000 * attempt}" in resources and "runtime=2880" in resources


@pytest.mark.parametrize("profile", ["slurm", "slurm-example"])
def test_the_jobs_of_a_group_ask_for_one_place(built: Any, profile: str) -> None:
    """Snakemake refuses a group whose members name different partitions, accounts or GPU types."""
    said = built.build("paper_tables", "-nF", "--workflow-profile", f"workflow/profiles/{profile}")
    assert "rule answer_blind:" in said and "rule score_run:" in said


def test_rules_name_no_machine(repository: Path) -> None:
    for path in rule_files(repository):
        assert not re.search(r"slurm|partition|account|gres|a100|h100", path.read_text(), re.IGNORECASE)


def test_rules_are_short_and_say_what_they_are(repository: Path) -> None:
    for path in rule_files(repository)[1:]:
        for name, body in re.findall(
            r"^ *rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.MULTILINE | re.DOTALL
        ):
            wanted = ("output", "log", "benchmark", "threads", "resources", "params", "shell")
            assert body.lstrip().startswith('"""'), name
            assert not [word for word in wanted if f" {word}:\n" not in body and f" {word}: " not in body], (
                name
            )
            assert len(body.splitlines()) <= 28, name


def test_the_linter_asks_for_containers_alone(built: Any) -> None:
    _, said = built.snakemake("--lint")
    complaints = set(re.findall(r"^    \* (.*):$", said, re.MULTILINE))
    assert complaints == {"Specify a conda environment or container for each rule."}


def test_rules_are_formatted(repository: Path) -> None:
    snakefmt = Path(sys.executable).with_name("snakefmt")
    subprocess.run(
        [snakefmt, "--check", "Snakefile", "workflow"], cwd=repository, check=True, capture_output=True
    )
