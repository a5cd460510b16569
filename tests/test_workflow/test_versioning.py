"""Results under DVC: shared through a real S3 server, adopted by their bytes, rebuilt where they differ."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

RUN = "clip/tuned/vicuna-7b/seed-0"
STAGE = f"run@{RUN}"
WEIGHTS = f"checkpoints/smoke/mllms/{RUN}/model.safetensors"
RERUN = {
    f"{step} {row}/tuned"
    for step in ("tune_mllm", "answer_gvt", "score_run_gvt")
    for row in ("clip", "untrained", "perfect")
}
TABLE = {"tabulate table-2", "draw_curves table-2"}
BUCKET = "vistok"
# Several commands of DVC in one process: importing it costs more than most of them.
SEVERAL = """
import sys
from dvc.cli import main
for command in sys.argv[1:]:
    if status := main(command.split()):
        sys.exit(status)
    print("\\nEND OF COMMAND", flush=True)
"""


class Lab:
    """A clone of the study with a DVC of its own, which shares only git and the remote with others."""

    def __init__(self, checkout: Any) -> None:
        self.checkout = checkout
        self.root: Path = checkout.root

    def run(self, *command: str) -> tuple[int, str]:
        python, beside = Path(sys.executable), self.root.with_name(f"{self.root.name}-dvc")
        own = {
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.root / "src"),
            "PYTHONWARNINGS": "ignore",
            "DVC_NO_ANALYTICS": "1",
            "DVC_GLOBAL_CONFIG_DIR": str(beside),
            "DVC_SYSTEM_CONFIG_DIR": str(beside),
            "DVC_SITE_CACHE_DIR": str(beside / "site"),
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }
        ended = subprocess.run(
            [str(python.with_name(command[0])) if command[0] != "git" else "git", *command[1:]],
            cwd=self.root,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout

    def ok(self, *command: str) -> str:
        status, output = self.run(*command)
        assert status == 0, output
        return output

    def dvc(self, *commands: str) -> list[str]:
        """Returns what each command of DVC said; all have to end well."""
        return self.ok("python", "-c", SEVERAL, *commands).split("END OF COMMAND\n")[:-1]

    def commit(self, message: str) -> None:
        self.ok("git", "add", "--all")
        self.ok("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", message)


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A client of an S3 server on this machine, with one bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    given = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=url, **given)
    client.create_bucket(Bucket=BUCKET)
    yield client
    server.stop()


@pytest.fixture(scope="module")
def origin(built: Any, server: Any, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The lab that built the study with plain snakemake, versioned it and pushed it."""
    root = tmp_path_factory.mktemp("versions") / "origin"
    shutil.copytree(built.root, root, symlinks=True)
    lab = Lab(type(built)(root))
    pins = yaml.safe_load((root / "data.dvc").read_text())
    pins["outs"] = [
        {k: v for k, v in out.items() if k != "cache"} for out in pins["outs"] if "smoke" in out["path"]
    ]
    (root / "data.dvc").write_text(yaml.safe_dump(pins))
    config = (root / ".dvc/config").read_text().replace("[core]\n", "[core]\n    remote = shared\n")
    remote = f"url = s3://{BUCKET}/store\nendpointurl = {server.meta.endpoint_url}\nverify = true"
    (root / ".dvc/config").write_text(f"{config}['remote \"shared\"']\n{remote}\n")
    said = lab.ok("vistok", "record", "--scale", "smoke").splitlines()
    recorded = [line for line in said if " " not in line]
    assert {"params", "data.dvc", "table@table-2"} < {*recorded}
    assert len(recorded) == len(said) - 1 and not [name for name in recorded if "ibq" in name]
    lab.ok("git", "init", "--quiet", "--initial-branch", "main")
    lab.dvc("commit --force", "push")
    lab.commit("A")
    return lab


def clone(lab: Lab, to: Path) -> Lab:
    subprocess.run(["git", "clone", "--quiet", lab.root, to], check=True)
    return Lab(type(lab.checkout)(to))


def test_a_fresh_clone_takes_pulled_results_for_its_own(origin: Lab, tmp_path: Path) -> None:
    lab = clone(origin, tmp_path / "clone")
    lab.ok("dvc", "pull")
    status, output = lab.checkout.snakemake("paper_tables", "-n")
    assert status == 1 and "vistok adopt" in output and "Traceback" not in output
    assert "wrong: 0" in lab.ok("vistok", "adopt")
    # The figure of probes and the page are made of what was pulled: dvc.yaml is one for all scales.
    assert lab.checkout.jobs() == {"draw_curves table-2"}
    lab.checkout.build("paper_tables")
    assert "Nothing to be done" in lab.checkout.build("paper_tables")
    pulled = lab.checkout.digests("results/smoke")
    assert pulled and pulled.items() <= origin.checkout.digests("results/smoke").items()
    with lab.checkout.changed(
        "workflow/scales/smoke.yaml", lambda scale: scale["recipes"]["tuned"].update(rates={"tokenizer": 0.3})
    ):
        assert lab.checkout.jobs() == RERUN | TABLE
    corrupt_cache(lab)


def corrupt_cache(lab: Lab) -> None:
    """Bad bytes in the cache, brought to the workspace: named, and made anew instead of used."""
    digest = next(
        out["md5"]
        for out in yaml.safe_load((lab.root / "dvc.lock").read_text())["stages"]["table@table-2"]["outs"]
        if out["path"].endswith(".csv")
    )
    cached = lab.root / f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"
    cached.chmod(0o644)
    cached.write_text("corrupt\n")
    cached.chmod(0o444)
    table = lab.root / "paper_tables/smoke/table-2.csv"
    table.unlink()
    lab.ok("dvc", "checkout", str(table.relative_to(lab.root)))
    assert table.read_text() == "corrupt\n", "DVC trusts what is read-only in its cache"
    status, output = lab.run("vistok", "adopt", "--all")
    assert status == 1 and "paper_tables/smoke/table-2.csv: not the bytes that dvc.lock pins" in output
    assert lab.checkout.jobs() == {"tabulate table-2"}


def test_an_experiment_is_built_shared_and_exchanged(origin: Lab, tmp_path: Path) -> None:
    lab = origin
    before = lab.checkout.digests("checkpoints", "results")
    scale = lab.root / "workflow/scales/smoke.yaml"
    change = yaml.safe_load(scale.read_text())
    change["recipes"]["tuned"].update(steps=5, rates={"tokenizer": 0.3})
    scale.write_text(yaml.safe_dump(change, sort_keys=False))
    curves = f"records/smoke/runs/{RUN}/curves.csv"
    asked = (
        "params diff --json",
        "metrics diff --all --json",
        f"plots diff --json --targets {curves}",
        "metrics show",
    )
    first, second, *compared, shown, _ = lab.dvc(f"repro {STAGE}", f"repro {STAGE}", *asked, f"push {STAGE}")
    ran = [line for line in first.splitlines() if line.startswith("Running stage")]
    assert ran == ["Running stage 'params':", f"Running stage '{STAGE}':"]
    assert "Data and pipelines are up to date" in second and "Running" not in second
    after = lab.checkout.digests("checkpoints", "results")
    assert {path for path in after if after[path] != before.get(path)} <= {
        path for path in after if RUN in path
    }
    assert after[WEIGHTS] != before[WEIGHTS]
    check_comparison(*map(json.loads, compared))
    assert shown.splitlines()[0].split() == ["Path", "score"] and f"{RUN}/coco-oc.json" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert lab.ok("git", "ls-files", "--others", "--exclude-standard") == ""
    lab.commit("B")
    exchange(lab, after, tmp_path / "other")
    lab.ok("git", "checkout", "--quiet", "HEAD~1")
    lab.ok("dvc", "checkout")
    lab.ok("vistok", "adopt")
    assert lab.checkout.digests("checkpoints", "results") == before
    assert lab.checkout.jobs() == set()


def check_comparison(params: Any, metrics: Any, plots: Any) -> None:
    """What DVC tells of the two versions: the parameters that were edited, the scores, the curves."""
    edited = [name.partition(".recipe.") for name in params["records/smoke/params.yaml"]]
    assert {value for _, _, value in edited} == {"rates.tokenizer", "steps"}
    assert {run for run, _, _ in edited} == {
        f"runs.{RUN.replace('clip', name)}" for name in ("clip", "untrained", "perfect")
    }
    scored = {Path(name).stem for name in metrics if f"scores/{RUN}/" in name}
    assert scored >= {"vqav2", "coco-oc", "vcr-mci"}
    assert plots


def exchange(lab: Lab, made: dict[str, str], to: Path) -> None:
    """Another lab fetches one checkpoint, by the name of its experiment."""
    other = clone(lab, to)
    other.ok("dvc", "pull", STAGE)
    assert other.checkout.digests("checkpoints")[WEIGHTS] == made[WEIGHTS]
    assert [path for path in other.checkout.digests("checkpoints") if RUN not in path] == []


def test_a_corrupt_object_in_the_remote_is_refused(origin: Lab, server: Any, tmp_path: Path) -> None:
    lab = clone(origin, tmp_path / "clone")
    pinned = yaml.safe_load((lab.root / "dvc.lock").read_text())["stages"]["table@table-2"]["outs"]
    digest = next(out["md5"] for out in pinned if out["path"].endswith(".md"))
    key = f"store/files/md5/{digest[:2]}/{digest[2:]}"
    good = server.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    server.put_object(Bucket=BUCKET, Key=key, Body=good + b"corrupt")
    try:
        status, output = lab.run("dvc", "pull", "table@table-2")
    finally:
        server.put_object(Bucket=BUCKET, Key=key, Body=good)
    assert status != 0 and "paper_tables/smoke/table-2.md" in output.partition("failed")[2]
    assert not (lab.root / "paper_tables/smoke/table-2.md").exists()
