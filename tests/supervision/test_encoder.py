"""The encoder's forward pass in parts equals timm's own, and its starting weights are what they claim."""

import pytest
import timm
import torch
from timm.layers.pos_embed_sincos import build_sincos2d_pos_embed

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.supervision.encoder import build_encoder, class_feature, embed, encode, prepare, split_class_token


def images(count: int = 4, size: int = 24) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_embed_and_encode_are_timm_s_forward_pass(encoder: Encoder) -> None:
    built = build_encoder(encoder)
    tokens = encode(built, embed(built, images()))
    assert torch.allclose(tokens, built.forward_features(images()), atol=1e-6)
    classes, patches = split_class_token(built, tokens)
    assert torch.equal(classes, tokens[:, 0])
    assert patches.shape == (4, 9, 32)


def test_patches_learn_as_through_timm_s_convolution(encoder: Encoder) -> None:
    built = build_encoder(encoder)
    positions = built.pos_embed
    assert positions is not None
    projection = built.patch_embed.proj
    gradients = [
        torch.autograd.grad(patches.square().sum(), [projection.weight, projection.bias])
        for patches in (
            embed(built, images())[:, 1:],
            built.patch_embed(images()).flatten(1, 2) + positions[:, 1:],
        )
    ]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_an_image_of_half_a_patch_is_refused(encoder: Encoder) -> None:
    with pytest.raises(RuntimeError, match="unflatten"):
        embed(build_encoder(encoder), images(size=20))


def test_without_the_norm_it_is_the_last_block_s_output(encoder: Encoder) -> None:
    built = build_encoder(encoder)
    tap = built.forward_intermediates(images(), indices=1, norm=False, intermediates_only=True)[0]
    _, patches = split_class_token(built, encode(built, embed(built, images()), norm=False))
    assert torch.allclose(patches, tap.flatten(2).transpose(1, 2), atol=1e-6)


@pytest.mark.parametrize("extra", [{}, {"qk_norm": True, "qkv_bias": False}, {"init_values": 0.1}])
def test_the_class_feature_is_that_of_the_full_pass(encoder: Encoder, extra: dict[str, object]) -> None:
    changed = encoder.model_copy(update={"arguments": {**encoder.arguments, **extra}})
    built = build_encoder(changed)
    tokens = built._pos_embed(built.patch_embed(images()))
    full, short = encode(built, tokens)[:, 0], class_feature(built, tokens)
    assert torch.allclose(short, full, atol=1e-6)
    weight = built.blocks[-1].attn.qkv.weight
    gradients = [
        torch.autograd.grad(feature.square().sum(), weight, retain_graph=True)[0] for feature in (full, short)
    ]
    assert torch.allclose(*gradients, atol=1e-4)


def test_a_window_takes_the_positions_of_its_place(encoder: Encoder) -> None:
    built = build_encoder(encoder)
    whole = embed(built, images())
    window = embed(built, images()[:, :, 8:, 16:], torch.tensor([1, 2]))
    assert torch.allclose(window[:, 1:], whole[:, [1 + 3 * 1 + 2, 1 + 3 * 2 + 2]], atol=1e-6)
    assert torch.equal(window[:, 0], whole[:, 0])


def test_hidden_patches_become_the_mask_token_with_their_positions(encoder: Encoder) -> None:
    built = build_encoder(encoder)
    hidden = torch.zeros(4, 9, dtype=torch.bool)
    hidden[1, 5] = True
    token = torch.full((1, 32), 7.0)
    masked, whole = embed(built, images(), hidden=hidden, mask_token=token), embed(built, images())
    assert torch.allclose(masked[1, 6], token[0] + built.pos_embed[0, 6])
    masked[1, 6] = whole[1, 6]
    assert torch.equal(masked, whole)


def test_prepared_patch_embeddings_are_white(encoder: Encoder) -> None:
    built = build_encoder(encoder)
    chance = torch.Generator().manual_seed(0)
    coarse, fine = torch.rand(300, 3, 6, 6, generator=chance), torch.rand(300, 3, 24, 24, generator=chance)
    smooth = torch.nn.functional.interpolate(coarse, 24, mode="bilinear") + 0.1 * fine
    prepare(built, smooth)
    features = built.patch_embed(smooth).flatten(0, 2)
    covariance = torch.cov(features.T)
    assert torch.allclose(features.mean(0), torch.zeros(32), atol=0.1)
    # Half an identity, but for the regularisation and for patches between those of the grid.
    assert torch.allclose(covariance.diagonal(), torch.full((32,), 0.5), atol=0.12)
    assert (covariance - covariance.diagonal().diag()).abs().max() < 0.12
    assert torch.allclose(built.pos_embed[0, 1:], build_sincos2d_pos_embed([3, 3], 32))


def test_glorot_counts_query_key_and_value_apart(encoder: Encoder) -> None:
    built = build_encoder(encoder)
    prepare(built, images(60))
    bound = (6 / (32 + 32)) ** 0.5
    largest = built.blocks[0].attn.qkv.weight.abs().max()
    assert 0.99 * bound < largest <= bound


@pytest.mark.parametrize("name", ["beit_base_patch16_224", "eva02_tiny_patch14_224"])
def test_other_transformers_are_prepared_alike(name: str) -> None:
    """FD's and EVA's encoders start as a plain ViT does, or their floors would be patches that no block has mixed."""
    size = {"img_size": 24, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 0}
    built = timm.create_model(name, pretrained=False, **size)
    prepare(built, images(60))
    bound = (6 / (32 + 32)) ** 0.5
    for block in built.blocks:
        for weight in (block.attn.qkv.weight, block.attn.proj.weight):
            assert 0.95 * bound < weight.abs().max() <= bound
    features = built.patch_embed(images(60)).flatten(0, -2)
    assert torch.allclose(torch.cov(features.T).diagonal(), torch.full((32,), 0.5), atol=0.15)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"library": "open-clip"}, "library 'timm'"),
        ({"name": "vit_tiny_patch17_224"}, "timm cannot build"),
        ({"arguments": {"img_sise": 24}}, "timm cannot build"),
        ({"name": "resnet10t", "arguments": {}}, "timm cannot build|not a plain vision"),
        ({"arguments": {"img_size": 24, "patch_size": 8, "reg_tokens": 2}}, "one class token"),
        ({"arguments": {"img_size": 24, "class_token": False, "global_pool": "avg"}}, "class token"),
    ],
)
def test_what_cannot_be_pretrained_is_refused(encoder: Encoder, change: dict[str, object], says: str) -> None:
    with pytest.raises(VistokError, match=says):
        build_encoder(encoder.model_copy(update=change))
