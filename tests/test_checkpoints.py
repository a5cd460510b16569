"""Checkpoints come back as they were; foreign files are read without running what is in them."""

import argparse
import os
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vistok.checkpoints import (
    digest_tensors,
    load_tensors,
    read_config,
    read_tensors,
    save_checkpoint,
)
from vistok.errors import VistokError
from vistok.files import write_text
from vistok.headers import WEIGHTS

Tensors = dict[str, torch.Tensor]


def model(width: int = 3, depth: int = 2) -> nn.Sequential:
    torch.manual_seed(width)
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))


def same(first: Tensors, second: Tensors) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    tensors = model().state_dict()
    save_checkpoint(
        tmp_path / "made",
        tensors,
        {"width": 3},
        {"seconds": 1},
        also=lambda folder: write_text(folder / "a", "b"),
    )
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        "a",
        "config.json",
        WEIGHTS,
        "provenance.json",
    ]
    assert read_config(tmp_path / "made") == {"width": 3}
    assert same(read_tensors(tmp_path / "made" / WEIGHTS), tensors)
    other = model(3).requires_grad_(False)
    other[0].weight.zero_()
    load_tensors(other, read_tensors(tmp_path / "made" / WEIGHTS), source=tmp_path)
    assert same(other.state_dict(), tensors)


def test_a_digest_is_of_names_types_shapes_and_values() -> None:
    whole = {"a": torch.zeros(2, 3), "b": torch.tensor(1.0)}
    others = [
        {"a": torch.zeros(2, 3), "c": torch.tensor(1.0)},
        {"a": torch.zeros(3, 2), "b": torch.tensor(1.0)},
        {"a": torch.zeros(2, 3, dtype=torch.int32), "b": torch.tensor(1.0)},
        {"a": torch.zeros(2, 3), "b": torch.tensor(1.0 + 2**-23)},
        {"a": torch.zeros(2, 3)},
    ]
    assert digest_tensors(whole) == digest_tensors(dict(reversed(whole.items())))
    assert len({digest_tensors(each) for each in (whole, *others)}) == 6
    assert digest_tensors({"a": torch.ones(2, dtype=torch.bfloat16), "b": torch.tensor([], dtype=torch.bool)})


def test_a_slice_of_a_tensor_can_be_saved(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "made", {"a": torch.arange(6.0).view(2, 3).T}, {}, {})
    assert torch.equal(read_tensors(tmp_path / "made" / WEIGHTS)["a"], torch.arange(6.0).view(2, 3).T)


def test_a_checkpoint_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "made", model().state_dict(), {"old": True}, {})
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "made", model().state_dict(), {"new": object()}, {})
    assert read_config(tmp_path / "made") == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_config_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="checkpoint configuration not found"):
        read_config(tmp_path)
    write_text(tmp_path / "config.json", "[]")
    with pytest.raises(VistokError, match=r"config\.json must hold a JSON object"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (model(4), r"4 of another shape \['0\.weight is \(4, 4\), needed \(3, 3\)'"),
        (model(3, 3), r"2 unknown \['2\.bias', '2\.weight'\]"),
        (model(3, 1), r"2 tensors missing \['1\.bias', '1\.weight'\]"),
    ],
)
def test_another_architecture_is_refused(wrong: nn.Module, message: str, tmp_path: Path) -> None:
    right = model()
    before = {name: tensor.clone() for name, tensor in right.state_dict().items()}
    with pytest.raises(VistokError, match=message) as refused:
        load_tensors(right, wrong.state_dict(), source=tmp_path / "made")
    assert "made is a checkpoint of another architecture" in str(refused.value)
    assert same(right.state_dict(), before)


def test_a_part_of_a_module_can_be_loaded(tmp_path: Path) -> None:
    module = model(3, 3)
    tensors = {name: torch.ones_like(tensor) for name, tensor in module.state_dict().items()}
    some = {name: tensor for name, tensor in tensors.items() if name[0] in "02"}
    load_tensors(module, some, source=tmp_path, names=some)
    assert bool((module[0].weight == 1).all())
    assert not bool((module[1].weight == 1).all())
    with pytest.raises(VistokError, match="2 tensors missing"):
        load_tensors(module, some, source=tmp_path, names=["1.weight", "1.bias"])


@pytest.mark.parametrize("wrap", [None, "state_dict", "model", "teacher"])
def test_a_foreign_file_is_read_whatever_holds_its_state(tmp_path: Path, wrap: str | None) -> None:
    tensors = OrderedDict(model().state_dict())
    torch.save({wrap: tensors, "epoch": 3} if wrap else tensors, tmp_path / "a.pth")
    assert same(read_tensors(tmp_path / "a.pth"), dict(tensors))


def test_a_foreign_file_of_the_old_form_is_read(tmp_path: Path) -> None:
    tensors = model().state_dict()
    torch.save(tensors, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert same(read_tensors(tmp_path / "a.pth"), dict(tensors))


def test_arguments_beside_the_tensors_are_harmless(tmp_path: Path) -> None:
    """As in SLIP's released files: epoch, state dict, optimiser, scaler, arguments, best accuracy."""
    module = model()
    optimiser = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    whole = {
        "epoch": 25,
        "state_dict": module.state_dict(),
        "optimizer": optimiser.state_dict(),
        "scaler": {"scale": 65536.0, "growth_factor": 2.0},
        "args": argparse.Namespace(model="CLIP_VITB16", lr=5e-4, betas=(0.9, 0.98), resume=None),
        "best_acc1": 37.6,
    }
    torch.save(whole, tmp_path / "clip_base_25ep.pt")
    assert same(read_tensors(tmp_path / "clip_base_25ep.pt"), dict(module.state_dict()))
    assert argparse.Namespace not in torch.serialization.get_safe_globals()


class Sly:
    """Pickles as a call, as hostile files do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": model().state_dict(), "args": Sly(tmp_path / "ran")}, tmp_path / "a.pth")
    with pytest.raises(
        VistokError, match=r"a\.pth holds more than tensors \(posix\.mkdir\) and is not opened"
    ):
        read_tensors(tmp_path / "a.pth")
    torch.save({"args": argparse.Namespace(hidden=Sly(tmp_path / "ran"))}, tmp_path / "b.pth")
    with pytest.raises(VistokError, match=r"b\.pth holds more than tensors"):
        read_tensors(tmp_path / "b.pth")
    assert not (tmp_path / "ran").exists()


def test_a_file_of_a_class_is_refused(tmp_path: Path) -> None:
    torch.save(model(), tmp_path / "a.pth")
    with pytest.raises(
        VistokError, match=r"holds more than tensors \(torch\.nn\.modules.*Convert it to safetensors"
    ):
        read_tensors(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
@pytest.mark.parametrize("keep", [0, 5, 300, -10])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, keep: int) -> None:
    if name.endswith("pth"):
        torch.save(model().state_dict(), tmp_path / name)
    else:
        save_checkpoint(tmp_path / "made", model().state_dict(), {}, {})
        (tmp_path / "made" / WEIGHTS).rename(tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:keep])
    with pytest.raises(
        VistokError, match=r"a\.\w+ cannot be read as weights: .*truncated: fetch it again\.$"
    ) as refused:
        read_tensors(tmp_path / name)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE html>\n<html>", b"version https://git-lfs.github.com/spec/v1\n"]
)
@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
def test_a_page_in_place_of_the_weights_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VistokError, match="cannot be read as weights"):
        read_tensors(tmp_path / name)


@pytest.mark.parametrize("value", [torch.ones(3), [torch.ones(3)], {"epoch": 3}, {"model": {}}])
def test_a_file_without_named_tensors_is_refused(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "a.pth")
    with pytest.raises(VistokError, match="holds no tensors by name"):
        read_tensors(tmp_path / "a.pth")


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        VistokError, match=r"weights not found: .*a\.pth\. If they are the study's own, delete"
    ):
        read_tensors(tmp_path / "a.pth")


def test_a_program_of_torchscript_is_refused(tmp_path: Path) -> None:
    """OpenAI's own CLIP files are such; PyTorch's refusal tells how to run them."""
    with zipfile.ZipFile(tmp_path / "ViT-B-16.pt", "w") as archive:
        for name in ("version", "data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"ViT-B-16/{name}", b"3")
    with pytest.raises(VistokError, match=r"ViT-B-16\.pt is a program of TorchScript.*torch\.jit\.load"):
        read_tensors(tmp_path / "ViT-B-16.pt")
    torch.save({"a": torch.ones(2)}, tmp_path / "plain.pt")
    assert read_tensors(tmp_path / "plain.pt").keys() == {"a"}
