"""What a timm tokenizer gives: the last block's tokens, before the final norm, the class token first."""

from collections.abc import Callable

import pytest
import timm
import torch
from torch import nn

from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import build_tokenizer

Shake = Callable[[nn.Module], nn.Module]


def last_block(trunk: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Returns what the last block gives, as a hook sees it."""
    seen: list[torch.Tensor] = []
    hook = trunk.blocks[-1].register_forward_hook(lambda module, given, out: seen.append(out))
    with torch.no_grad():
        trunk.forward_features(images)
    hook.remove()
    return seen[0]


def test_tokens_are_the_last_blocks_before_the_norm(
    encoder: Encoder, images: torch.Tensor, shake: Shake
) -> None:
    tokenizer = shake(build_tokenizer(encoder))
    with torch.no_grad():
        tokens = tokenizer(images)
    assert torch.equal(tokens, last_block(tokenizer.trunk, images))


def test_they_are_those_of_the_library(encoder: Encoder, images: torch.Tensor, shake: Shake) -> None:
    """The class token stands first, and the library's own final norm is the only difference."""
    plain = shake(timm.create_model(encoder.name, num_classes=0, **encoder.arguments))
    tokenizer = build_tokenizer(encoder).eval()
    tokenizer.trunk.load_state_dict(plain.state_dict(), strict=False)
    with torch.no_grad():
        tokens, normed = tokenizer(images), plain.forward_features(images)
        (final,) = plain.forward_intermediates(
            images, indices=1, norm=False, output_fmt="NLC", intermediates_only=True
        )
    assert torch.allclose(plain.norm(tokens), normed, atol=1e-6)
    assert not torch.allclose(tokens, normed, atol=1e-2)
    assert torch.allclose(tokens[:, 1:], final, atol=1e-6)


def test_the_final_norm_can_be_kept(encoder: Encoder, images: torch.Tensor, shake: Shake) -> None:
    tokenizer = shake(build_tokenizer(encoder.model_copy(update={"final_norm": True})))
    with torch.no_grad():
        tokens = tokenizer(images)
        assert torch.equal(tokens, tokenizer.trunk.norm(last_block(tokenizer.trunk, images)))
    assert {"trunk.norm.weight", "trunk.norm.bias"} <= tokenizer.state_dict().keys()


def test_the_class_token_can_be_left(encoder: Encoder, images: torch.Tensor, shake: Shake) -> None:
    with_it = shake(build_tokenizer(encoder))
    without = build_tokenizer(encoder.model_copy(update={"class_token": False, "tokens": 16})).eval()
    without.load_state_dict(with_it.state_dict())
    with torch.no_grad():
        assert torch.equal(without(images), with_it(images)[:, 1:])


@pytest.mark.parametrize(
    ("name", "arguments", "tokens", "width"),
    [
        ("vit_base_patch16_rope_reg1_gap_256", {"img_size": 32, "embed_dim": 48, "depth": 1, "num_heads": 2}, 5, 48),
        ("eva02_tiny_patch14_224", {"img_size": 28, "depth": 1}, 5, 192),
        ("vit_small_patch14_reg4_dinov2", {"img_size": 28, "depth": 1}, 9, 384),
        ("vit_base_patch16_siglip_224", {"img_size": 32, "embed_dim": 48, "depth": 1, "num_heads": 2}, 4, 48),
        ("resnet18", {}, 1, 512),
        ("convnext_atto", {}, 1, 320),
    ],
)  # fmt: skip
def test_other_architectures_of_timm_work(
    encoder: Encoder, name: str, arguments: dict[str, int], tokens: int, width: int
) -> None:
    size = arguments.get("img_size", 32)
    changes = {"name": name, "arguments": arguments, "tokens": tokens, "width": width, "image_size": size}
    tokenizer = build_tokenizer(encoder.model_copy(update=changes))
    tokenizer(torch.zeros(2, 3, size, size)).sum().backward()
    assert [part for part, parameter in tokenizer.named_parameters() if parameter.grad is None] == []
