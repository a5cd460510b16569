"""Weights that somebody else trained count by their content: another file behind the same name is another input."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.needs import run_weight_names, weight_names
from vistok.grid.study import Study
from vistok.planning import foreign
from vistok.workflow.checks import check_plan
from vistok.workflow.files import Files

DEIT, VICUNA = "weights-of-tokenizers/deit", "weights-of-llms/vicuna-7b"
LOCAL = "weights-of-tokenizers/clip-20m"
COMMIT = "0123456789abcdef"


@pytest.fixture
def study(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The paper scale in an empty folder: its local weights are there, its published ones in a hub's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    study = load_study("paper", root=repository, data_root=str(tmp_path / "data"))
    weights = tmp_path / "data" / study.encoder("clip-20m").weights
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"slip")
    put(tmp_path, "timm/deit_base_patch16_224.fb_in1k", "model.safetensors")
    for name in ("config.json", "model.safetensors", "tokenizer.model", "README.md"):
        put(tmp_path, study.llm("vicuna-7b").weights, name)
    return study


def put(folder: Path, repository: str, name: str, content: str = "1", commit: str = COMMIT) -> Path:
    """Puts a file into a hub's cache as huggingface_hub does: a link to its content, in the folder of a commit."""
    cache = folder / "hub" / f"models--{repository.replace('/', '--')}"
    for below in ("refs", "blobs", f"snapshots/{commit}"):
        (cache / below).mkdir(parents=True, exist_ok=True)
    (cache / "refs/main").write_text(commit)
    blob = cache / "blobs" / f"{commit}-{name}"
    blob.write_text(content)
    link = cache / "snapshots" / commit / name
    link.unlink(missing_ok=True)
    link.symlink_to(blob)
    return blob


def digests(study: Study, run: str) -> dict[str, str]:
    names = run_weight_names(study, study.run(f"{run}/frozen/vicuna-7b/seed-0"))
    return foreign.weight_digests(study, names)


def test_a_run_starts_from_weights_of_both_parts(study: Study, repository: Path) -> None:
    assert weight_names(study, study.runs())[:1] == [DEIT]
    assert run_weight_names(study, study.run("clip-20m/frozen/vicuna-7b/seed-0")) == [LOCAL, VICUNA]
    mini = load_study("mini", root=repository)
    assert weight_names(mini, mini.runs()) == [], "what the scale makes is no foreign weight"


def test_provenance_names_weights_with_their_revision(study: Study) -> None:
    local, llm = study.encoder("clip-20m").weights, study.llm("vicuna-7b").weights
    assert digests(study, "clip-20m").keys() == {local, f"{llm}@{COMMIT}"}
    assert digests(study, "deit").keys() == {f"{study.encoder('deit').name}@{COMMIT}", f"{llm}@{COMMIT}"}


def replace_local(folder: Path, study: Study) -> None:
    (folder / "data" / study.encoder("clip-20m").weights).write_bytes(b"other weights")


def replace_published(folder: Path, study: Study) -> None:
    put(folder, study.llm("vicuna-7b").weights, "model.safetensors", content="other")


@pytest.mark.parametrize(("replace", "name"), [(replace_local, LOCAL), (replace_published, VICUNA)])
def test_other_weights_behind_the_same_name_are_refused_and_then_another_input(
    study: Study, tmp_path: Path, replace: Callable[[Path, Study], None], name: str
) -> None:
    before = digests(study, "clip-20m")
    replace(tmp_path, study)
    with pytest.raises(VistokError, match=f"vistok list-data {name} --scale paper"):
        digests(study, "clip-20m")
    foreign.write_weight_list(study, name)
    after = digests(study, "clip-20m")
    assert before.keys() == after.keys() and before != after


def test_a_file_that_no_loader_reads_is_no_change(study: Study, tmp_path: Path) -> None:
    before = digests(study, "deit")
    for name in ("README.md", "pytorch_model.bin"):
        put(tmp_path, study.llm("vicuna-7b").weights, name, content="new")
    assert digests(study, "deit") == before


def test_another_revision_is_another_input(study: Study, tmp_path: Path) -> None:
    before = digests(study, "deit")
    for name in ("config.json", "model.safetensors", "tokenizer.model"):
        put(tmp_path, study.llm("vicuna-7b").weights, name, commit="fedcba")
    foreign.write_weight_list(study, VICUNA)
    assert digests(study, "deit").keys() != before.keys()


def test_weights_that_were_never_fetched_are_named(study: Study) -> None:
    with pytest.raises(VistokError, match=r"not in this machine's cache.*create_model"):
        foreign.write_weight_list(study, "weights-of-tokenizers/dino")


def test_a_plan_refuses_local_weights_that_changed(study: Study, tmp_path: Path) -> None:
    foreign.write_weight_list(study, LOCAL)
    check_plan(Files(study, {}), [])
    file = tmp_path / "data" / study.encoder("clip-20m").weights
    os.utime(file, (1, 1))
    with pytest.raises(VistokError, match=f"vistok list-data {LOCAL}"):
        check_plan(Files(study, {}), [])


def test_what_is_listed_is_known_to_the_workflow(study: Study) -> None:
    assert {DEIT, LOCAL, VICUNA} <= {*Files(study, {}).listed()}
