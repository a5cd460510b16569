"""Only bytes that dvc.lock pins are adopted; what Snakemake did not make is not recorded."""

import json
import os
from pathlib import Path

import pytest
import yaml

from vistok.errors import VistokError
from vistok.files import write_json, write_text
from vistok.pins import content_digest
from vistok.versions import ledger
from vistok.versions.adopt import adopt
from vistok.versions.experiments import Stage
from vistok.versions.record import RECORD, record, waiting

MADE = Path("checkpoints/smoke/mllms/x")
ANSWERS = Path("results/smoke/x")
SCORES = Path("records/smoke/scores/x")
STAGE = Stage(Path("records/smoke/runs/x"), (MADE, ANSWERS), SCORES)
TIME = 1_700_000_000.25
INCOMPLETE = Path(".snakemake/incomplete")


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that Snakemake made, recorded and locked."""
    monkeypatch.chdir(tmp_path)
    write_text(Path("data.dvc"), "outs: []\n")
    write_text(MADE / "model.safetensors", "weights")
    write_text(MADE / "curves.csv", "step,loss,rate\n")
    scored = {
        "corrected": {"metrics": {"accuracy": 70.0}},
        "released": {"metrics": {"accuracy": 50.004, "MAE": 1}},
    }
    told = {"metric": "accuracy", "protocol": "released", "answers": scored}
    write_json(ANSWERS / "coco-oc/metrics.json", told)
    for output in (MADE, ANSWERS / "coco-oc/metrics.json"):
        ledger.write_entry(output.as_posix(), {"params": ["rate 1"], "endtime": TIME})
    record(STAGE)
    lock("run@x")


def lock(stage: str) -> None:
    outs = [
        {"path": path.as_posix(), "md5": content_digest(path)}
        for path in (*STAGE.outs, STAGE.folder / RECORD)
    ]
    write_text(Path("dvc.lock"), yaml.safe_dump({"schema": "2.0", "stages": {stage: {"outs": outs}}}))


def forget() -> None:
    """Leaves what a fresh clone has after dvc pull: no ledger, and the present for a time."""
    for path in sorted(Path(".snakemake").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (MADE / ".snakemake_timestamp").unlink()
    (ANSWERS / "coco-oc/metrics.json").touch()


def test_a_record_has_scores_and_curves() -> None:
    assert json.loads((SCORES / "coco-oc.json").read_text()) == {"score": 50.0}, "the one that tables print"
    assert [path.name for path in SCORES.iterdir()] == ["coco-oc.json"]
    assert (STAGE.folder / "curves.csv").read_text() == "step,loss,rate\n"
    assert waiting() == []


def test_pulled_results_are_entered_with_their_own_times() -> None:
    before = ledger.entries(STAGE.outs)
    forget()
    assert waiting() == [STAGE.folder / RECORD]
    assert adopt().adopted == ["run@x"]
    assert ledger.entries(STAGE.outs) == before
    times = [
        path.stat().st_mtime for path in (MADE / ".snakemake_timestamp", ANSWERS / "coco-oc/metrics.json")
    ]
    assert times == [TIME, TIME]
    assert waiting() == []


def test_other_bytes_are_named_and_left_to_snakemake() -> None:
    forget()
    write_text(MADE / "model.safetensors", "corrupt")
    result = adopt()
    assert (result.adopted, result.wrong) == ([], [MADE])
    assert ledger.entries(STAGE.outs) == {}
    assert len([path for path in INCOMPLETE.rglob("*") if path.is_file()]) >= 2
    write_text(MADE / "model.safetensors", "weights")
    assert adopt(everything=True).adopted == ["run@x"]
    assert ledger._file(INCOMPLETE, MADE.as_posix()).exists() is False


def test_bytes_that_rot_in_place_are_found() -> None:
    time = (ANSWERS / "coco-oc/metrics.json").stat()
    write_text(ANSWERS / "coco-oc/metrics.json", "{}")
    os.utime(ANSWERS / "coco-oc/metrics.json", ns=(time.st_atime_ns, time.st_mtime_ns))
    assert adopt(everything=True).wrong == [ANSWERS]


def test_what_was_built_here_since_is_left() -> None:
    write_text(MADE / "model.safetensors", "better")
    ledger.write_entry(MADE.as_posix(), {"params": ["rate 2"], "endtime": TIME + 60})
    result = adopt(everything=True)
    assert (result.own, result.wrong, result.adopted) == (["run@x"], [], [])
    assert ledger.entries([MADE])[MADE.as_posix()]["params"] == ["rate 2"]


def test_what_was_not_pulled_is_no_fault() -> None:
    forget()
    (MADE / "model.safetensors").unlink()
    (MADE / "curves.csv").unlink()
    MADE.rmdir()
    result = adopt()
    assert (result.absent, result.wrong) == (["run@x"], [])


def test_a_record_reaches_no_file_outside_its_stage(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    times = outside.stat().st_mtime_ns
    hostile = [outside.as_posix(), f"{ANSWERS}/../../../outside.txt", "outside.txt"]
    write_json(STAGE.folder / RECORD, {name: {"endtime": 1.0} for name in hostile})
    lock("run@x")
    assert adopt().adopted == ["run@x"]
    assert outside.stat().st_mtime_ns == times
    assert ledger.entries([outside, Path("outside.txt")]) == {}


def test_a_file_that_snakemake_did_not_make_is_not_recorded() -> None:
    write_text(ANSWERS / "coco-oc/metrics.json", "{}")
    with pytest.raises(VistokError, match=r"metrics\.json is not what Snakemake made last"):
        record(STAGE)


@pytest.mark.parametrize("output", ["results/é x/metrics.json", f"results/{'x' * 400}/metrics.json"])
def test_snakemake_reads_what_is_entered(output: str) -> None:
    from snakemake.persistence import RECORD_FORMAT_VERSION
    from snakemake.persistence.file import FilePersistence

    assert RECORD_FORMAT_VERSION == 6, "another form of Snakemake's metadata: see that ledger.py still fits"
    theirs = FilePersistence(path=Path(".snakemake").absolute())
    write_text(Path("results/é x/metrics.json"), "")
    file = ledger._file(ledger._ENTRIES, output)
    write_json(file, {"rule": "any", "endtime": TIME})
    entry = theirs._read_record(output)
    assert entry is not None and (entry.rule, entry.endtime) == ("any", TIME)
    assert ledger.entries([Path("results")])[output]["rule"] == "any"
    ledger.mark_incomplete(Path("results/é x"))
    assert theirs._filter_incomplete_keys(["results/é x/metrics.json"]) == {"results/é x/metrics.json"}


def test_a_broken_lock_is_named() -> None:
    write_text(Path("dvc.lock"), "stages: [")
    with pytest.raises(VistokError, match=r"git checkout dvc\.lock"):
        adopt()


def test_the_lock_of_a_fresh_clone_is_in_git_and_pins_nothing(repository: Path) -> None:
    """A lock that DVC makes anew would be untracked: what it writes into this one shows as a change to commit."""
    shipped = (repository / "dvc.lock").read_text()
    if shipped != "schema: '2.0'\nstages: {}\n":
        pytest.skip("this checkout pins results of its own")
    write_text(Path("dvc.lock"), shipped)
    with pytest.raises(VistokError, match=r"dvc\.lock pins no results yet"):
        adopt()
