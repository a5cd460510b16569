"""What carries its provenance is believed only as far as every byte of it is what was written."""

import csv
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vistok.errors import VistokError
from vistok.provenance import (
    PROVENANCE,
    Stopwatch,
    check_whole,
    content_digest,
    is_finished,
    proven_folder,
    read_provenance,
    sealed,
    unsealed,
)

ABOUT = {"name": "tokenizers/deit", "identity": "a", "inputs": {"spec": "1"}, "seconds": 3.5}
FLIPS = 120


def make(folder: Path) -> Path:
    with proven_folder(folder, ABOUT) as partial:
        (partial / "model.safetensors").write_bytes(bytes(range(256)) * 4)
        (partial / "config.json").write_text('{"width": 3}')
        (partial / "below").mkdir()
        (partial / "below/curves.csv").write_text("step,loss\n1,0.5\n")
    return folder


def test_provenance_tells_what_and_how_long_but_not_where_or_when() -> None:
    told = Stopwatch().provenance({"b": "2", "a": "1"}, name="n", identity="i")
    assert set(told) == {
        "name", "identity", "commit", "packages", "python", "machine", "accelerator", "seconds", "peak_memory_mib",
        "inputs",
    }  # fmt: skip
    assert list(told["inputs"]) == ["a", "b"]
    assert told["peak_memory_mib"] > 10
    assert torch.__version__.startswith(told["packages"]["torch"].split("+")[0])
    assert os.uname().nodename not in str(told)


def test_what_a_job_took_is_a_table_of_one_row(tmp_path: Path) -> None:
    stopwatch = Stopwatch()
    subprocess.run([sys.executable, "-c", "bytearray(400 << 20)"], check=True)
    stopwatch.write(tmp_path / "below/job.tsv")
    (row,) = csv.DictReader((tmp_path / "below/job.tsv").read_text().splitlines(), delimiter="\t")
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert float(row["cpu_time"]) >= taken.ru_utime and float(row["max_rss"]) > 400
    assert 0 < float(row["s"]) < 600


def test_what_a_job_took_never_costs_what_it_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    Stopwatch().write(tmp_path / "file/job.tsv")


def test_what_was_written_is_believed(tmp_path: Path) -> None:
    made = make(tmp_path / "made")
    (made / ".snakemake_timestamp").touch()
    assert check_whole(made) == read_provenance(made)
    assert {key: check_whole(made)[key] for key in ABOUT} == ABOUT
    assert is_finished(made, "a") and not is_finished(made, "b") and not is_finished(tmp_path / "none", "a")


def test_the_content_is_the_same_when_made_again(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one"), make(tmp_path / "other")
    about = json.loads((other / PROVENANCE).read_text())
    (other / PROVENANCE).write_text(
        json.dumps(sealed({key: value for key, value in about.items() if key != "seal"} | {"seconds": 99}))
    )
    assert content_digest(check_whole(one)) == content_digest(check_whole(other))
    (other / "config.json").write_text('{"width": 4}')
    with pytest.raises(VistokError):
        check_whole(other)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda made: (made / "config.json").write_text('{"width": 4}'),
            "config.json is not what was written",
        ),
        (lambda made: (made / "below/curves.csv").unlink(), "below/curves.csv is missing"),
        (lambda made: (made / "extra.json").touch(), "extra.json was not written with it"),
        (lambda made: (made / "model.safetensors").write_bytes(bytes(1024)), "model.safetensors is not what"),
        (lambda made: (made / PROVENANCE).write_text("{}"), "it carries no seal"),
        (lambda made: (made / PROVENANCE).write_text("[]"), "it carries no seal"),
        (lambda made: (made / PROVENANCE).write_text(json.dumps(sealed({"files": 3}))), "it names no files"),
    ],
)
def test_what_was_changed_is_refused(tmp_path: Path, spoil: Callable[[Path], object], reason: str) -> None:
    made = make(tmp_path / "made")
    spoil(made)
    with pytest.raises(VistokError, match=reason) as refused:
        check_whole(made)
    assert "cannot be trusted" in str(refused.value) and f"Delete {made} and make it again" in str(
        refused.value
    )
    assert not is_finished(made, "a")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", PROVENANCE, "below/curves.csv"])
def test_every_flipped_bit_is_noticed(tmp_path: Path, name: str) -> None:
    made = make(tmp_path / "made")
    file, rng = made / name, random.Random(1)
    content = file.read_bytes()
    for place in [rng.randrange(8 * len(content)) for _ in range(FLIPS)]:
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
        with pytest.raises(VistokError):
            check_whole(made)
    file.write_bytes(content)
    check_whole(made)


def test_a_seal_holds_whatever_json_makes_of_a_value() -> None:
    value = {"b": (1, 2.5), 3: "three", 20: None, "float": 0.1 + 0.2}
    assert unsealed(Path("x"), json.loads(json.dumps(sealed(value))))["float"] == 0.1 + 0.2  # type: ignore[arg-type]
    with pytest.raises(VistokError, match="x cannot be trusted: it was changed after it was written"):
        unsealed(Path("x"), sealed(value) | {"b": [1, 2]})  # type: ignore[arg-type]


def test_what_fails_leaves_what_stood_there(tmp_path: Path) -> None:
    made = make(tmp_path / "made")
    with pytest.raises(OSError, match="gone"), proven_folder(made, ABOUT):
        raise OSError("gone")
    assert check_whole(made)["identity"] == "a"


def test_all_of_it_is_on_the_disk_before_it_is_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        assert (tmp_path / "made").exists() == (synced[-1] == tmp_path.name)
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    make(tmp_path / "made")
    assert {"model.safetensors", "config.json", PROVENANCE, "curves.csv", "below", "new"} <= set(synced)
    assert synced[-1] == tmp_path.name
