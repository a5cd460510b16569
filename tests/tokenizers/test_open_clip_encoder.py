"""What an open_clip tokenizer gives: the same tokens as timm from the same weights."""

import json
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import timm
import torch
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import nn

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign

Shake = Callable[[nn.Module], nn.Module]
NAME = "small-for-tests-quickgelu"
OTHER = "small-timm-for-tests"
CONFIG = {
    "embed_dim": 16,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 4, "vocab_size": 10, "width": 16, "heads": 1, "layers": 1},
}


@pytest.fixture(scope="module", autouse=True)
def registered(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("config")
    other = {
        "image_size": 224,
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_pool": "token",
        "timm_proj": "linear",
    }
    for name, config in ((NAME, CONFIG), (OTHER, {**CONFIG, "vision_cfg": other})):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(config))
        open_clip.add_model_config(path)


@pytest.fixture
def entry(encoder: Encoder) -> Encoder:
    return encoder.model_copy(update={"library": "open-clip", "name": NAME, "arguments": {}})


def in_timm(entry: Encoder, whole: dict[str, torch.Tensor], activation: str) -> VisualTokenizer:
    """Builds timm's encoder with an open_clip model's weights, converted by timm."""
    name = f"vit_base_patch16_clip_{activation}224"
    arguments = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}
    tokenizer = build_tokenizer(
        entry.model_copy(update={"library": "timm", "name": name, "arguments": arguments})
    )
    plain = timm.create_model(name, num_classes=16, **arguments)
    load_foreign(tokenizer, checkpoint_filter_fn(whole, plain), Path("converted"))
    return tokenizer.eval()


def test_it_conforms(entry: Encoder, images: torch.Tensor) -> None:
    tokenizer = build_tokenizer(entry)
    tokenizer(images).sum().backward()
    assert [part for part, parameter in tokenizer.named_parameters() if parameter.grad is None] == []
    millions = sum(parameter.numel() for parameter in tokenizer.parameters()) / 1e6
    assert millions == pytest.approx(entry.parameters_m, rel=0.1)


def test_it_is_built_without_memory_for_its_weights(entry: Encoder, images: torch.Tensor) -> None:
    with torch.device("meta"):
        tokenizer = build_tokenizer(entry)
    assert all(tensor.is_meta for tensor in tokenizer.state_dict().values())
    assert tokenizer(images.to("meta")).shape == (2, entry.tokens, entry.width)


def test_tokens_are_the_last_blocks_before_the_norm(
    entry: Encoder, images: torch.Tensor, shake: Shake
) -> None:
    tokenizer = shake(build_tokenizer(entry))
    seen: list[torch.Tensor] = []
    tokenizer.trunk.transformer.resblocks[-1].register_forward_hook(
        lambda module, given, out: seen.append(out)
    )
    with torch.no_grad():
        tokens = tokenizer(images)
        assert torch.equal(tokens, seen[0])
        kept = build_tokenizer(entry.model_copy(update={"final_norm": True})).eval()
        kept.load_state_dict(tokenizer.state_dict(), strict=False)
        assert torch.equal(kept(images), kept.trunk.ln_post(tokens))
        without = build_tokenizer(entry.model_copy(update={"class_token": False, "tokens": 16})).eval()
        without.load_state_dict(tokenizer.state_dict())
        assert torch.equal(without(images), tokens[:, 1:])


def test_timm_and_open_clip_give_the_same_tokens(entry: Encoder, images: torch.Tensor, shake: Shake) -> None:
    original = shake(open_clip.create_model(NAME))
    ours = build_tokenizer(entry).eval()
    load_foreign(ours, original.state_dict(), Path("whole"))
    theirs = in_timm(entry, original.state_dict(), "quickgelu_")
    with torch.no_grad():
        assert ours(images).std() > 0.1
        assert torch.allclose(ours(images), theirs(images), atol=2e-5)
        pooled = original.visual.ln_post(ours(images))[:, 0] @ original.visual.proj
        assert torch.allclose(pooled, original.encode_image(images), atol=2e-5)


def test_gelu_in_place_of_quick_gelu_gives_other_tokens(
    entry: Encoder, images: torch.Tensor, shake: Shake
) -> None:
    """Nothing warns of it: the weights fit either way."""
    original = shake(open_clip.create_model(NAME)).state_dict()
    with torch.no_grad():
        right, wrong = (in_timm(entry, original, activation)(images) for activation in ("quickgelu_", ""))
    assert (right - wrong).abs().max() > 1e-2 * right.std()


def test_another_kind_of_tower_is_refused(entry: Encoder) -> None:
    with pytest.raises(VistokError, match=r"has the image tower TimmModel; .*`library: timm`"):
        build_tokenizer(entry.model_copy(update={"name": OTHER}))
