"""Where weights come from: this project's checkpoints, foreign files, and a user's own entry."""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

from vistok.checkpoints import save_checkpoint
from vistok.errors import VistokError
from vistok.files import write_json
from vistok.grid.entries import GRID, SCALES
from vistok.grid.load import load_study
from vistok.grid.tokenizers import Encoder
from vistok.headers import WEIGHTS
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign, load_tokenizer

Shake = Callable[[nn.Module], nn.Module]
Tensors = dict[str, torch.Tensor]


@pytest.fixture
def trained(encoder: Encoder, shake: Shake) -> VisualTokenizer:
    tokenizer = shake(build_tokenizer(encoder))
    assert isinstance(tokenizer, VisualTokenizer)
    return tokenizer


def save_own(tokenizer: VisualTokenizer, folder: Path) -> Path:
    config = {"encoder": tokenizer.encoder.model_dump(mode="json"), "probe": {"auc": 90.0}}
    save_checkpoint(folder, tokenizer.state_dict(), config, {"inputs": {}})
    return folder


def same(first: VisualTokenizer, second: VisualTokenizer) -> bool:
    theirs = second.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in first.state_dict().items())


def slip(trunk: Tensors, **changes: torch.Tensor) -> dict[str, object]:
    """Lays a trunk out as SLIP's released files are: below `module.visual.`, beside a text tower and arguments."""
    text = {
        "module.positional_embedding": torch.ones(4, 16),
        "module.transformer.resblocks.0.ln_1.weight": torch.ones(16),
        "module.token_embedding.weight": torch.ones(10, 16),
        "module.image_projection": torch.ones(32, 16),
        "module.logit_scale": torch.ones(()),
    }
    visual = {f"module.visual.{name}": tensor for name, tensor in trunk.items()}
    heads = {"module.visual.norm.weight": torch.ones(32), "module.visual.norm.bias": torch.ones(32)}
    return {
        "epoch": 25,
        "state_dict": {**text, **visual, **heads, **changes},
        "args": argparse.Namespace(lr=5e-4),
    }


def test_a_checkpoint_of_ours_comes_back(
    trained: VisualTokenizer, images: torch.Tensor, tmp_path: Path
) -> None:
    folder = save_own(trained, tmp_path / "clip")
    loaded = load_tokenizer(trained.encoder, checkpoint=folder, data_root=tmp_path / "nowhere").eval()
    assert same(loaded, trained)
    with torch.no_grad():
        assert torch.equal(loaded(images), trained(images))


def test_words_about_an_encoder_do_not_part_it_from_its_checkpoint(
    trained: VisualTokenizer, tmp_path: Path
) -> None:
    folder = save_own(trained, tmp_path / "clip")
    reworded = trained.encoder.model_copy(update={"source": "elsewhere", "parameters_m": 3.0})
    assert same(load_tokenizer(reworded, checkpoint=folder, data_root=tmp_path), trained)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalisation": "imagenet"}, "normalisation 'clip', now 'imagenet'"),
        ({"final_norm": True}, "final_norm False, now True"),
        ({"width": 64, "tokens": 5}, "tokens 17, now 5, width 32, now 64"),
    ],
)
def test_a_checkpoint_of_another_encoder_is_refused(
    trained: VisualTokenizer, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    folder = save_own(trained, tmp_path / "clip")
    asked = trained.encoder.model_copy(update=changes)
    with pytest.raises(
        VistokError, match=f"clip was made for another encoder .*: {message}. Build it again"
    ) as refused:
        load_tokenizer(asked, checkpoint=folder, data_root=tmp_path)
    assert len(str(refused.value).splitlines()) == 1


def test_a_checkpoint_that_is_none_is_refused(trained: VisualTokenizer, tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="checkpoint configuration not found"):
        load_tokenizer(trained.encoder, checkpoint=tmp_path / "none", data_root=tmp_path)
    folder = save_own(trained, tmp_path / "clip")
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(VistokError, match="cannot be read as weights"):
        load_tokenizer(trained.encoder, checkpoint=folder, data_root=tmp_path)
    write_json(folder / "config.json", {"spec": {}})
    with pytest.raises(VistokError, match=r"not a tokenizer's checkpoint: its config\.json has no encoder"):
        load_tokenizer(trained.encoder, checkpoint=folder, data_root=tmp_path)


def test_random_weights_are_new(trained: VisualTokenizer, tmp_path: Path) -> None:
    assert not same(load_tokenizer(trained.encoder, checkpoint=None, data_root=tmp_path), trained)


@pytest.mark.parametrize("prefix", ["", "module.", "module.visual.", "visual.", "backbone.", "a.b.c."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_names_may_stand_behind_a_prefix(
    trained: VisualTokenizer, tmp_path: Path, prefix: str, suffix: str
) -> None:
    tensors = {f"{prefix}{name}": tensor for name, tensor in trained.trunk.state_dict().items()}
    heads = {f"{prefix}head.weight": torch.ones(2, 2), "head.mlp.0.weight": torch.ones(2, 2)}
    file = tmp_path / f"weights{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save({**tensors, **heads}, file)
    asked = trained.encoder.model_copy(update={"weights": file.name})
    assert same(load_tokenizer(asked, checkpoint=None, data_root=tmp_path), trained)


def test_a_file_like_slips_is_loaded(trained: VisualTokenizer, images: torch.Tensor, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    torch.save(slip(trained.trunk.state_dict()), tmp_path / "weights/clip_base_25ep.pt")
    asked = trained.encoder.model_copy(update={"weights": "weights/clip_base_25ep.pt"})
    loaded = load_tokenizer(asked, checkpoint=None, data_root=tmp_path).eval()
    with torch.no_grad():
        assert torch.equal(loaded(images), trained(images))


def test_the_final_norm_is_loaded_where_it_is_asked_for(trained: VisualTokenizer) -> None:
    kept = build_tokenizer(trained.encoder.model_copy(update={"final_norm": True}))
    norm = {"norm.weight": torch.full((32,), 2.0), "norm.bias": torch.full((32,), 3.0)}
    load_foreign(kept, {**trained.trunk.state_dict(), **norm}, Path("a.pth"))
    assert torch.equal(kept.trunk.norm.weight, norm["norm.weight"])
    with pytest.raises(VistokError, match=r"2 tensors missing \['norm.bias', 'norm.weight'\]"):
        load_foreign(kept, trained.trunk.state_dict(), Path("a.pth"))


def test_a_masked_encoders_extras_are_left(trained: VisualTokenizer) -> None:
    """MAE's files hold a decoder, those of masked encoders a mask token, older ones counters."""
    extras = {
        "mask_token": torch.ones(1, 1, 32),
        "decoder_pos_embed": torch.ones(1, 17, 16),
        "decoder_blocks.0.norm1.weight": torch.ones(16),
        "patch_embed.mask_token": torch.ones(32),
        "patch_embed.position_ids": torch.arange(16),
    }
    other = build_tokenizer(trained.encoder)
    load_foreign(other, {**trained.trunk.state_dict(), **extras}, Path("a.pth"))
    assert same(other, trained)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 3}, r"12 unknown \['blocks\.2\.attn\.proj\.bias'"),
        ({"depth": 1}, r"12 tensors missing \['blocks\.1\.attn\.proj\.bias'"),
        ({"embed_dim": 48}, r"of another shape \['cls_token is \(1, 1, 48\), needed \(1, 1, 32\)'"),
        ({"patch_size": 4, "img_size": 16}, r"1 of another shape \['patch_embed\.proj\.weight is \(32, 3, 4, 4\)"),
        ({"init_values": 1e-5}, r"4 unknown \['blocks\.0\.ls1\.gamma', 'blocks\.0\.ls2\.gamma'\]"),
        ({"qkv_bias": False}, r"2 tensors missing \['blocks\.0\.attn\.qkv\.bias'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "module.visual."])
def test_a_foreign_file_of_another_architecture_is_refused(
    trained: VisualTokenizer, arguments: dict[str, object], message: str, prefix: str, tmp_path: Path
) -> None:
    size = int(str(arguments.get("img_size", 32)))
    other = trained.encoder.model_copy(
        update={
            "arguments": {**trained.encoder.arguments, **arguments},
            "image_size": size,
            "tokens": (size // int(str(arguments.get("patch_size", 8)))) ** 2 + 1,
            "width": arguments.get("embed_dim", 32),
        }
    )
    states = {f"{prefix}{name}": tensor for name, tensor in build_tokenizer(other).trunk.state_dict().items()}
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    with pytest.raises(VistokError, match=f"a checkpoint of another architecture: .*{message}"):
        load_foreign(trained, states, tmp_path / "a.pth")
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained.state_dict().items())


def test_a_file_of_something_else_is_refused(trained: VisualTokenizer) -> None:
    with pytest.raises(VistokError, match="28 tensors missing"):
        load_foreign(trained, {"conv1.weight": torch.ones(3)}, Path("resnet.pth"))


def test_missing_and_broken_files_are_refused(trained: VisualTokenizer, tmp_path: Path) -> None:
    asked = trained.encoder.model_copy(update={"weights": "weights/mine.pth"})
    with pytest.raises(VistokError, match=r"weights not found: .*weights/mine\.pth"):
        load_tokenizer(asked, checkpoint=None, data_root=tmp_path)
    (tmp_path / "weights").mkdir()
    torch.save(trained, tmp_path / "weights/mine.pth")
    with pytest.raises(VistokError, match=r"mine\.pth holds more than tensors"):
        load_tokenizer(asked, checkpoint=None, data_root=tmp_path)
    torch.save(trained.trunk.state_dict(), tmp_path / "weights/mine.pth")
    content = (tmp_path / "weights/mine.pth").read_bytes()
    (tmp_path / "weights/mine.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(VistokError, match=r"mine\.pth cannot be read as weights"):
        load_tokenizer(asked, checkpoint=None, data_root=tmp_path)


@pytest.mark.parametrize("kind", ["folder", "file", "absolute"])
def test_a_users_own_encoder_is_one_entry(
    trained: VisualTokenizer, images: torch.Tensor, repository: Path, tmp_path: Path, kind: str
) -> None:
    """One entry in tokenizers.yaml and one row in tables.yaml; nothing else."""
    for folder in (GRID, SCALES):
        shutil.copytree(repository / folder, tmp_path / folder)
    folder = tmp_path / "data/weights/mine"
    folder.mkdir(parents=True)
    save_file(trained.trunk.state_dict(), folder / WEIGHTS)
    named = {"folder": "weights/mine", "file": f"weights/mine/{WEIGHTS}", "absolute": str(folder)}
    entry = {
        "label": "Mine",
        "supervision": "self",
        "published_images": "12",
        "encoder": trained.encoder.model_dump(mode="json") | {"weights": named[kind]},
    }
    for file, change in (
        ("tokenizers", lambda entries: entries.update(mine=entry)),
        (
            "tables",
            lambda entries: entries["table-2"]["rows"].append(
                {**entries["table-2"]["rows"][0], "tokenizer": "mine"}
            ),
        ),
    ):
        path = tmp_path / GRID / f"{file}.yaml"
        value = yaml.safe_load(path.read_text())
        change(value)
        path.write_text(yaml.safe_dump(value, sort_keys=False))
    for scale in ("mini", "paper"):
        study = load_study(scale, root=tmp_path)
        assert "mine" in {run.tokenizer for run in study.runs()}
        assert not study.pretrains("mine")
        loaded = load_tokenizer(study.encoder("mine"), checkpoint=None, data_root=tmp_path / "data").eval()
        with torch.no_grad():
            assert torch.equal(loaded(images), trained(images))
