"""What a transformers tokenizer gives, for families that put their final norm in different places."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import build_tokenizer

Shake = Callable[[nn.Module], nn.Module]
CONFIG: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}
# Model type -> tokens, of which 16 are patches, and where its blocks are.
FAMILIES = {
    "clip_vision_model": (17, "encoder.layers"),
    "dinov2": (17, "encoder.layer"),
    "dinov2_with_registers": (21, "encoder.layer"),
    "vit": (17, "layers"),
    "siglip_vision_model": (16, "encoder.layers"),
}
every_family = pytest.mark.parametrize("family", FAMILIES)


def entry(encoder: Encoder, family: str, **changes: object) -> Encoder:
    own = {"library": "transformers", "name": family, "arguments": CONFIG, "tokens": FAMILIES[family][0]}
    return encoder.model_copy(update={**own, **changes})


@every_family
@pytest.mark.parametrize("final_norm", [False, True])
def test_gradients_reach_every_parameter(
    encoder: Encoder, images: torch.Tensor, family: str, final_norm: bool
) -> None:
    tokenizer = build_tokenizer(entry(encoder, family, final_norm=final_norm))
    tokenizer(images).square().sum().backward()
    assert [part for part, parameter in tokenizer.named_parameters() if parameter.grad is None] == []


@every_family
def test_tokens_are_the_last_blocks_before_the_norm(
    encoder: Encoder, images: torch.Tensor, shake: Shake, family: str
) -> None:
    tokenizer = shake(build_tokenizer(entry(encoder, family)))
    seen: list[Any] = []
    blocks = tokenizer.trunk.get_submodule(FAMILIES[family][1])
    blocks[-1].register_forward_hook(lambda module, given, out: seen.append(out))
    with torch.no_grad():
        tokens = tokenizer(images)
    assert torch.equal(tokens, seen[0] if isinstance(seen[0], torch.Tensor) else seen[0][0])
    kept = build_tokenizer(entry(encoder, family, final_norm=True)).eval()
    kept.load_state_dict(tokenizer.state_dict(), strict=False)
    norm = getattr(kept.trunk, kept.norm_name)
    nn.init.normal_(norm.weight)
    with torch.no_grad():
        assert torch.equal(kept(images), norm(tokens))
    patches = build_tokenizer(entry(encoder, family, class_token=False, tokens=16)).eval()
    patches.load_state_dict(tokenizer.state_dict())
    with torch.no_grad():
        assert torch.equal(patches(images), tokens[:, -16:])


def test_a_two_tower_model_gives_its_image_tower(encoder: Encoder, images: torch.Tensor) -> None:
    towers = {"vision_config": CONFIG, "text_config": {"hidden_size": 16, "intermediate_size": 16}}
    tokenizer = build_tokenizer(entry(encoder, "clip_vision_model", name="clip", arguments=towers))
    assert tokenizer(images).shape == (2, 17, 32)
    assert not any("text" in name for name in tokenizer.state_dict())


def test_a_model_without_a_known_norm_is_refused(encoder: Encoder) -> None:
    arguments = {"hidden_sizes": [8, 8], "depths": [1, 1], "num_channels": 3, "embedding_size": 8}
    wanted = entry(encoder, "vit", name="resnet", arguments=arguments)
    with pytest.raises(VistokError, match=r"has no norm behind its last block .*`library: timm`"):
        build_tokenizer(wanted)


def test_an_encoder_whose_tokens_are_random_is_refused(encoder: Encoder) -> None:
    """Whatever number of tokens its entry says: MAE's encoder hides patches at random, each time others."""
    for tokens in (5, 17):
        wanted = entry(encoder, "vit", name="vit_mae", tokens=tokens)
        with pytest.raises(VistokError, match="'vit_mae' gives other tokens each time"):
            build_tokenizer(wanted)


def test_an_encoder_that_needs_more_than_an_image_is_refused(encoder: Encoder) -> None:
    wanted = entry(
        encoder, "vit", name="siglip2_vision_model", arguments={**CONFIG, "num_patches": 16}, tokens=16
    )
    with pytest.raises(
        VistokError, match=r"'siglip2_vision_model' takes no images of 32 pixels: .*spatial_shapes"
    ):
        build_tokenizer(wanted)


@pytest.mark.parametrize("published", [False, True])
def test_code_beside_the_weights_is_never_run(
    encoder: Encoder, published: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where somebody, or a pipe, would say yes."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    mark = tmp_path / "mark"
    (folder / "code.py").write_text(
        f"open({str(mark)!r}, 'w').close()\nclass Config: pass\nclass Model: pass\n"
    )
    auto_map = {"AutoConfig": "code.Config", "AutoModel": "code.Model"}
    (folder / "config.json").write_text(json.dumps({"model_type": "foreign", "auto_map": auto_map}))
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    wanted = entry(encoder, "vit", name=str(folder), arguments={})
    with pytest.raises(VistokError, match="cannot build"):
        build_tokenizer(wanted, published=published)
    assert not mark.exists()
