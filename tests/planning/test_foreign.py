"""Weights that somebody else trained count by their content: another file behind the same name is another input."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace as replace_fields
from pathlib import Path

import pytest
import yaml

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.needs import run_weight_names, weight_names
from vistok.grid.study import Study
from vistok.planning import foreign
from vistok.tokenizers.hub import check_newest
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
    study = replace_fields(study, tables={"table-2": study.table("table-2")})
    foreign.write_weight_list(study, LOCAL)
    check_plan(Files(study, {}), [])
    file = tmp_path / "data" / study.encoder("clip-20m").weights
    os.utime(file, (1, 1))
    with pytest.raises(VistokError, match=f"vistok list-data {LOCAL}"):
        check_plan(Files(study, {}), [])


def test_what_is_listed_is_known_to_the_workflow(study: Study) -> None:
    assert {DEIT, LOCAL, VICUNA} <= {*Files(study, {}).listed()}


OTHER = "b" * 40


@pytest.fixture
def pinned(study: Study, repository: Path, tmp_path: Path) -> Callable[[str, str, str], Study]:
    """A study whose grid has one more key in one entry."""

    def change(file: str, entry: str, line: str) -> Study:
        shutil.copytree(repository / "workflow", tmp_path / "workflow", dirs_exist_ok=True)
        path = tmp_path / f"workflow/grid/{file}.yaml"
        value = yaml.safe_load(path.read_text())
        target = value[entry]["encoder"] if file == "tokenizers" else value[entry]
        target |= yaml.safe_load(line)
        path.write_text(yaml.safe_dump(value))
        return load_study("paper", root=tmp_path, data_root=str(tmp_path / "data"))

    return change


def test_a_revision_that_the_grid_names_is_taken_and_no_other(
    study: Study, pinned: Callable[[str, str, str], Study], tmp_path: Path
) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.model"):
        put(tmp_path, study.llm("vicuna-7b").weights, name, content="pinned", commit=OTHER)
        put(tmp_path, study.llm("vicuna-7b").weights, name)
    assert set(digests(study, "clip-20m")) == {
        study.encoder("clip-20m").weights,
        f"lmsys/vicuna-7b-v1.1@{COMMIT}",
    }
    named = pinned("llms", "vicuna-7b", f"revision: {OTHER}")
    foreign.write_weight_list(named, VICUNA)
    assert f"lmsys/vicuna-7b-v1.1@{OTHER}" in digests(named, "clip-20m")
    absent = pinned("llms", "vicuna-7b", f"revision: {'c' * 40}")
    with pytest.raises(
        VistokError, match=f"at revision {'c' * 40} is not in .*hf download lmsys.* --revision {'c' * 40}"
    ):
        foreign.write_weight_list(absent, VICUNA)
    absent = pinned("tokenizers", "deit", f"revision: {OTHER}")
    with pytest.raises(
        VistokError, match=f"at revision {OTHER}.* hf download timm/deit.* --revision {OTHER}"
    ):
        foreign.write_weight_list(absent, DEIT)


def test_a_digest_that_the_grid_names_is_held_to(
    study: Study, pinned: Callable[[str, str, str], Study]
) -> None:
    digest = foreign.write_weight_list(study, VICUNA)
    assert foreign.write_weight_list(pinned("llms", "vicuna-7b", f"digest: {digest}"), VICUNA) == digest
    wrong = pinned("llms", "vicuna-7b", f"digest: {'f' * 64}")
    for check in (lambda: foreign.write_weight_list(wrong, VICUNA), lambda: digests(wrong, "clip-20m")):
        with pytest.raises(
            VistokError, match=rf"not those of workflow/grid/llms\.yaml: .*{digest}, not {'f' * 64}"
        ):
            check()


def test_the_lock_file_has_what_is_here_and_nothing_made_up(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = list(foreign.lock_weights(study))
    rows = json.loads((tmp_path / "workflow/weights.lock.json").read_text())
    assert rows[VICUNA] == {
        "weights": "lmsys/vicuna-7b-v1.1", "revision": COMMIT, "digest": foreign.write_weight_list(study, VICUNA)
    }  # fmt: skip
    assert rows["weights-of-tokenizers/dino"] == {
        "weights": "vit_base_patch16_224.dino", "revision": None, "digest": None
    }  # fmt: skip
    assert rows[LOCAL]["revision"] is None and rows[LOCAL]["digest"]
    assert any(
        line.startswith("tokenizers/dino: ") and "revision unknown, digest unknown (not here)" in line
        for line in said
    )
    digests(study, "clip-20m")
    replace_published(tmp_path, study)
    with pytest.raises(
        VistokError, match=r"not those of workflow/weights\.lock\.json: .*vistok fetch weights"
    ):
        foreign.write_weight_list(study, VICUNA)
    list(foreign.lock_weights(study))
    foreign.write_weight_list(study, VICUNA)


def test_a_released_models_weights_are_listed_locked_and_told_apart(study: Study, tmp_path: Path) -> None:
    name, weights = "weights-of-models/kosmos-2", study.released_model("kosmos-2").weights
    assert weight_names(study, study.subjects("table-5-released"))[-1:] == ["weights-of-models/instructblip"]
    for file in ("config.json", "model.safetensors", "preprocessor_config.json"):
        put(tmp_path, weights, file)
    digest = foreign.write_weight_list(study, name)
    assert foreign.weight_digests(study, [name]) == {f"{weights}@{COMMIT}": digest}
    list(foreign.lock_weights(study))
    rows = json.loads((tmp_path / "workflow/weights.lock.json").read_text())
    assert rows[name] == {"weights": weights, "revision": COMMIT, "digest": digest}
    assert rows["weights-of-models/llava"]["digest"] is None
    put(tmp_path, weights, "model.safetensors", content="other")
    with pytest.raises(VistokError, match=r"not those of workflow/weights\.lock\.json"):
        foreign.write_weight_list(study, name)


def test_all_of_minigpt_4s_folder_counts(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "minigpt-4"
    for file in ("eva_vit_g.pth", "prerained_minigpt4_7b.pth", "vicuna-7b/model.safetensors"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    entry = study.released_model("minigpt-4").model_copy(update={"weights": str(folder)})
    own = replace_fields(study, released={"minigpt-4": entry})
    digests = [foreign.write_weight_list(own, "weights-of-models/minigpt-4")]
    for file in ("prerained_minigpt4_7b.pth", "vicuna-7b/model.safetensors"):
        (folder / file).write_text("other")
        digests.append(foreign.write_weight_list(own, "weights-of-models/minigpt-4"))
    assert len(set(digests)) == 3


@pytest.mark.parametrize("wrong", ["main", "b" * 39, "B" * 40, "../x"])
def test_a_revision_is_a_commit(pinned: Callable[[str, str, str], Study], wrong: str) -> None:
    with pytest.raises(VistokError, match="revision"):
        pinned("llms", "vicuna-7b", f"revision: '{wrong}'")


def test_a_library_that_takes_the_newest_alone_is_told_so(study: Study, tmp_path: Path) -> None:
    encoder = study.encoder("deit")
    check_newest(encoder.model_copy(update={"revision": None}))
    put(tmp_path, "timm/deit_base_patch16_224.fb_in1k", "model.safetensors", commit=OTHER)
    check_newest(encoder.model_copy(update={"revision": OTHER}))
    with pytest.raises(VistokError, match=f"takes the newest in this machine's cache, which is {OTHER}"):
        check_newest(encoder.model_copy(update={"revision": "c" * 40}))
