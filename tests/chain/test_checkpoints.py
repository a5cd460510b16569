"""A checkpoint is taken for what it says it is, and refused where the study asks for another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.chain.conftest import Maker

from vistok.chain.checkpoints import IN_WORKFLOW, check_llm, check_mllm, check_tokenizer, forget_state
from vistok.errors import VistokError
from vistok.grid.runs import Pretrained, Run
from vistok.provenance import check_whole, content_digest

DEIT = Pretrained(tokenizer="deit", seed=0)
RunOf = Callable[[str], Run]


def test_what_was_built_is_taken(built: Maker, run_of: RunOf) -> None:
    for check, asked, folder in (
        (check_llm, "vicuna-7b", built.paths.llm("vicuna-7b")),
        (check_tokenizer, DEIT, built.paths.pretrained("deit/seed-0")),
        (check_mllm, run_of("deit"), built.paths.mllm(run_of("deit"))),
    ):
        assert check(built.study, asked) == content_digest(check_whole(folder))  # type: ignore[operator]


def swap(one: Path, other: Path) -> None:
    one.rename(aside := one.with_name("aside"))
    other.rename(one)
    aside.rename(other)


def test_swapped_runs_are_refused(built: Maker, run_of: RunOf) -> None:
    swap(built.paths.mllm(run_of("deit")), built.paths.mllm(run_of("dino")))
    for one, other in (("deit", "dino"), ("dino", "deit")):
        said = (
            f"that of 'mllms/{other}/frozen/vicuna-7b/seed-0', "
            f"which was put in the place of 'mllms/{one}/frozen/vicuna-7b/seed-0'"
        )
        with pytest.raises(VistokError, match=said):
            check_mllm(built.study, run_of(one))


def test_swapped_weights_are_refused(built: Maker, run_of: RunOf) -> None:
    one, other = (built.paths.mllm(run_of(name)) / "model.safetensors" for name in ("deit", "dino"))
    swap(one, other)
    with pytest.raises(
        VistokError, match=r"cannot be trusted: model\.safetensors is not what was written there"
    ):
        check_mllm(built.study, run_of("deit"))


def test_swapped_tokenizers_are_refused_by_what_loads_them_and_by_what_was_made_from_them(
    built: Maker, run_of: RunOf
) -> None:
    swap(built.paths.pretrained("deit/seed-0"), built.paths.pretrained("dino/seed-0"))
    with pytest.raises(VistokError, match="put in the place of 'tokenizers/deit/seed-0'"):
        check_tokenizer(built.study, DEIT)
    with pytest.raises(
        VistokError, match="made from another checkpoints/smoke/tokenizers/deit/seed-0 than is there now"
    ):
        check_mllm(built.study, run_of("deit"))


def test_a_part_that_was_made_again_otherwise_is_noticed(built: Maker, run_of: RunOf) -> None:
    built.llm("vicuna-7b")
    check_mllm(built.study, run_of("deit"))
    recipes = {
        **built.study.recipes,
        "frozen": built.study.recipe("frozen").model_copy(update={"steps": 400}),
    }
    with pytest.raises(VistokError, match="it was made under another version of its entry in the study"):
        check_mllm(replace(built.study, recipes=recipes), run_of("deit"))


def test_a_tuned_model_names_its_base(built: Maker) -> None:
    text = built.paths.llm("llama-7b") / "model.safetensors"
    text.write_text("another base")
    with pytest.raises(VistokError, match="cannot be trusted"):
        check_llm(built.study, "llama-7b")


def test_a_state_is_forgotten_once_a_job_of_the_workflow_finds_its_checkpoint_whole(
    built: Maker, run_of: RunOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = built.paths.mllm(run_of("deit"))
    state = built.paths.state(folder) / "state.safetensors"
    state.parent.mkdir(parents=True)
    name = folder.relative_to(built.paths.checkpoints).as_posix()
    for identity, stays in (("of another training", True), (name, False)):
        save_file({"a": torch.ones(1)}, state, metadata={"identity": identity})
        check_mllm(built.study, run_of("deit"))
        monkeypatch.delenv(IN_WORKFLOW, raising=False)
        forget_state(built.paths, folder)
        assert state.exists(), "by hand, where snakemake may yet remove the checkpoint"
        monkeypatch.setenv(IN_WORKFLOW, "1")
        forget_state(built.paths, folder)
        assert state.exists() is stays


def test_a_checkpoint_without_provenance_is_refused(built: Maker) -> None:
    (built.paths.pretrained("deit/seed-0") / "provenance.json").unlink()
    with pytest.raises(VistokError, match="provenance not found"):
        check_tokenizer(built.study, DEIT)
