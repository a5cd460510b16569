"""Weights are told right from wrong by their headers: missing, truncated, of another shape."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.official_models import cached

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.grid.tokenizers import Encoder, Tokenizer
from vistok.headers import read_shapes
from vistok.planning.weights import check_pretrained, check_tokenizer
from vistok.tokenizers.base import build_tokenizer

TIMM = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}
SMALL: dict[str, Any] = {
    "library": "timm",
    "name": "vit_tiny_patch16_224",
    "arguments": TIMM,
    "image_size": 32,
    "normalisation": "clip",
    "tokens": 17,
    "width": 32,
    "parameters_m": 0.03,
    "source": "made for tests",
}
Make = Callable[..., Study]


@pytest.fixture
def study(repository: Path, tmp_path: Path) -> Make:
    """Returns the paper study with one more tokenizer, and a data root of its own."""
    paper = load_study("paper", root=repository, data_root=str(tmp_path))

    def make(**changes: Any) -> Study:
        encoder = Encoder(**{**SMALL, "weights": "weights/small.safetensors", **changes})
        entry = Tokenizer(id="small", label="s", supervision="self", published_images="1", encoder=encoder)
        return replace(paper, tokenizers={"small": entry})

    return make


def save(path: Path, **changes: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    built = build_tokenizer(Encoder(**{**SMALL, "weights": "random", **changes}))
    tensors = {f"module.{name}": tensor for name, tensor in built.trunk.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"state_dict": tensors, "epoch": 3}, path)


def test_an_entry_with_a_wrong_number_of_parameters_is_told(study: Make, tmp_path: Path) -> None:
    save(tmp_path / "weights/small.safetensors")
    with pytest.raises(
        VistokError, match=r"has 0\.03 million parameters, its entry .* says 21\.67, which plans"
    ):
        check_tokenizer(study(parameters_m=21.67), "small")


@pytest.mark.parametrize("name", ["small.safetensors", "small.pt"])
def test_a_local_file_of_the_right_shape_is_well(study: Make, tmp_path: Path, name: str) -> None:
    save(tmp_path / "weights" / name)
    assert check_tokenizer(study(weights=f"weights/{name}"), "small").endswith("shapes fit")


def test_a_folder_with_weights_is_well(study: Make, tmp_path: Path) -> None:
    save(tmp_path / "mine/model.safetensors")
    assert "shapes fit" in check_tokenizer(study(weights="mine"), "small")


@pytest.mark.parametrize("name", ["small.safetensors", "small.pt"])
@pytest.mark.parametrize(
    "changes", [{"width": 48, "arguments": {**TIMM, "embed_dim": 48}}, {"arguments": {**TIMM, "depth": 3}}]
)
def test_another_architecture_is_told(
    study: Make, tmp_path: Path, name: str, changes: dict[str, Any]
) -> None:
    save(tmp_path / "weights" / name, **changes)
    with pytest.raises(VistokError, match="is a checkpoint of another architecture"):
        check_tokenizer(study(weights=f"weights/{name}"), "small")


def test_a_missing_or_cut_file_is_told(study: Make, tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="weights not found"):
        check_tokenizer(study(), "small")
    save(tmp_path / "weights/small.safetensors")
    content = (tmp_path / "weights/small.safetensors").read_bytes()
    for cut in (content[:-1], content[: len(content) // 2], content[:20], content[:4], b"", b"<html>" * 100):
        (tmp_path / "weights/small.safetensors").write_bytes(cut)
        with pytest.raises(VistokError, match=r"is not a whole \.safetensors file.*fetch or make it again"):
            check_tokenizer(study(), "small")


def test_shapes_are_read_without_the_tensors(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(())}, tmp_path / "a.safetensors", metadata={"x": "y"})
    assert read_shapes(tmp_path / "a.safetensors") == {"a": (2, 3), "b": ()}


@pytest.mark.parametrize("shape", [[-1], [True], ["1"], [0.5], [[1]]])
def test_a_shape_that_is_none_is_refused(tmp_path: Path, shape: list[object]) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(VistokError, match=r"not a whole \.safetensors file: the shape of 'a'"):
        read_shapes(path)


def test_random_weights_and_those_to_come_are_well(study: Make, repository: Path, monkeypatch: Any) -> None:
    assert check_tokenizer(study(weights="random"), "small") == "random"
    monkeypatch.chdir(repository)
    smoke = load_study("smoke")
    assert check_pretrained(smoke, smoke.pretrained("clip/seed-0")) in (
        "will be pretrained",
        "checkpoints/smoke/tokenizers/clip/seed-0: shapes fit",
    )


PUBLISHED = {"weights": "published", "name": "vit_tiny_patch16_224.augreg_in21k", "arguments": {}}
WHERE = "timm/vit_tiny_patch16_224.augreg_in21k"


def test_published_weights_must_be_in_the_cache(study: Make, cache: Path) -> None:
    entry = study(**PUBLISHED)
    with pytest.raises(VistokError, match=rf"\({WHERE}\) are not in this machine's cache.*pretrained=True"):
        check_tokenizer(entry, "small")
    save_file({"a": torch.zeros(1000, 32)}, cached(cache, WHERE, "model.safetensors"))
    assert "0.03 million parameters" in check_tokenizer(entry, "small")


@pytest.mark.parametrize("shape", [(10, 32), (1000, 33)])
def test_published_weights_of_another_size_are_told(study: Make, cache: Path, shape: tuple[int, int]) -> None:
    save_file({"a": torch.zeros(shape)}, cached(cache, WHERE, "model.safetensors"))
    with pytest.raises(VistokError, match=r"million parameters; the entry of .* says 0\.03 of width 32"):
        check_tokenizer(study(**PUBLISHED), "small")


def test_published_weights_in_pytorchs_old_form_are_counted_too(study: Make, cache: Path) -> None:
    file = cached(cache, WHERE, "pytorch_model.bin")
    torch.save({"a": torch.zeros(1000, 32)}, file)
    assert "0.03 million parameters" in check_tokenizer(study(**PUBLISHED), "small")
    torch.save({"a": torch.zeros(10, 32)}, file)
    with pytest.raises(VistokError, match=r"million parameters; the entry of .* says 0\.03 of width 32"):
        check_tokenizer(study(**PUBLISHED), "small")
    torch.save({"a": torch.zeros(1000, 32), "code": print}, file)
    with pytest.raises(VistokError, match="holds more than tensors"):
        check_tokenizer(study(**PUBLISHED), "small")
