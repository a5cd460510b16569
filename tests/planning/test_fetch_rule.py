"""`snakemake` fetches through its local rule, below a data root with a difficult name, and then has nothing to do."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.planning.test_unpack import make_zip
from tests.test_workflow.conftest import _copy, change_yaml

MARK = "data/fetched/excerpt/coco-val2017"


@pytest.mark.slow
def test_the_local_rule_fetches_once(site: Any, repository: Path, tmp_path: Path) -> None:
    content = make_zip(tmp_path / "val2017.zip", {"val2017/1.jpg": b"one"}).read_bytes()
    site.files["/val2017.zip"] = content
    checkout, root = tmp_path / "checkout", tmp_path / "it's $(touch PWNED) here"
    root.mkdir()
    _copy(repository, checkout)
    changes = {
        "url": f"{site.url}/val2017.zip",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    change_yaml(
        checkout / "workflow/grid/downloads.yaml", lambda known: known["coco-val2017"].update(changes)
    )

    def snakemake(*arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("snakemake"), *arguments, "--cores", "1",
             "--config", "scale=excerpt", f"data_root={root}"],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout / "src")},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "localrule fetch" in snakemake(MARK)
    assert (root / "coco/val2017/1.jpg").read_bytes() == b"one"
    assert "Nothing to be done" in snakemake("-n", MARK)
    assert len(site.asked) == 1
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.slow
def test_weights_that_are_about_to_be_fetched_may_be_missing(repository: Path, tmp_path: Path) -> None:
    def snakemake(target: str) -> tuple[int, str]:
        done = subprocess.run(
            [Path(sys.executable).with_name("snakemake"), "-n", target, "--cores", "1",
             "--config", "scale=paper", f"data_root={tmp_path}"],
            cwd=repository, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    status, output = snakemake("paper_tables")
    assert status == 1
    assert "weights/clip_base_25ep.pt. Fetch them (vistok fetch clip-20m-substitute), or fix" in output
    status, output = snakemake("paper_data")
    assert status == 0
    assert "output: data/fetched/paper/clip-20m-substitute" in output
    assert "vcr-images" not in output, "its owner alone gives it out"
