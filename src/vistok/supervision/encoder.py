"""The one ViT architecture under every supervision: how it is built, and its forward pass in two halves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from jaxtyping import Bool, Float, Int64
from timm.layers.attention import Attention
from timm.layers.patch_embed import PatchEmbed
from timm.layers.pos_embed_sincos import build_sincos2d_pos_embed
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import TypeIs

from vistok.checkpoints import load_tensors
from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import VisualTokenizer


def build_encoder(encoder: Encoder) -> VisionTransformer:
    """Builds the encoder with random weights, able to take crops of other sizes than its own.

    Raises:
        VistokError: timm has no such model, or it is not a vision transformer with a class token.
    """
    arguments = {"num_classes": 0, "dynamic_img_size": True, **encoder.arguments}
    if encoder.library != "timm":
        raise VistokError(
            f"only encoders of library 'timm' can be pretrained here, and {encoder.name!r} is of "
            f"{encoder.library!r}. Name a timm vision transformer in the scale's `encoders`."
        )
    try:
        built = timm.create_model(encoder.name, pretrained=False, **arguments)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise VistokError(
            f"timm cannot build {encoder.name!r} with {encoder.arguments}: {error}. "
            "Correct the scale's `encoders`."
        ) from error
    if not is_plain(built):
        raise VistokError(
            f"{encoder.name!r} with {encoder.arguments} is not a plain vision transformer (one class token, "
            "learnt positions), which pretraining needs. Name one in the scale's `encoders`, such as "
            "'vit_tiny_patch16_224'."
        )
    return built


def is_plain(trunk: nn.Module) -> TypeIs[VisionTransformer]:
    """Returns whether an encoder is a vision transformer with one class token and learnt positions."""
    return (
        isinstance(trunk, VisionTransformer)
        and trunk.cls_token is not None
        and trunk.pos_embed is not None
        and trunk.num_prefix_tokens == 1
        and not trunk.no_embed_class
    )


@torch.no_grad()
def prepare(encoder: Any, images: Float[Tensor, "images 3 height width"]) -> None:
    """Draws the starting weights that a schedule of some hundred steps needs; all are learnt from there on.

    Linear layers start at Glorot's scale (as MoCo v3 and MAE start them), a plain ViT's positions as sines and cosines
    (Beyer et al. 2022, "Better plain ViT baselines"), the patch embedding as the whitening of the patches of `images`
    (Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds"). Without them, colours are learnt long before shapes.

    Args:
        encoder: a transformer of timm with a patch embedding.
    """
    for name, layer in encoder.named_modules():
        if isinstance(layer, nn.Linear):
            layers = 3 if name.endswith("qkv") else 1  # query, key and value count as three layers
            bound = (6 / (layer.in_features + layer.out_features / layers)) ** 0.5
            nn.init.uniform_(layer.weight, -bound, bound)
    if is_plain(encoder):
        assert encoder.pos_embed is not None
        rows, columns = encoder.patch_embed.grid_size
        encoder.pos_embed[:, -rows * columns :] = build_sincos2d_pos_embed([rows, columns], encoder.embed_dim)
    projection = encoder.patch_embed.proj
    weight, bias = _whitening(images, encoder.patch_embed.patch_size[0], projection.out_channels)
    projection.weight[: len(weight)] = weight
    if projection.bias is not None:
        projection.bias[: len(weight)] = bias


def start_from(encoder: nn.Module, base: VisualTokenizer, norm: Mapping[str, Tensor]) -> None:
    """Gives an encoder the weights of another tokenizer of the same architecture.

    Args:
        norm: the one behind the base's last block, which a tokenizer has not; empty: the encoder keeps its own.

    Raises:
        VistokError: the base is of another architecture.
    """
    weights = base.trunk.state_dict()
    own = {name: tensor for name, tensor in encoder.state_dict().items() if name.startswith("norm.")}
    norm = {**own, **norm}
    load_tensors(encoder, {**norm, **weights}, source=Path(base.encoder.name))


def _whitening(images: Tensor, patch: int, most: int) -> tuple[Tensor, Tensor]:
    """Returns the convolution to the first `most` principal components of patches, each of variance one half."""
    patches = functional.unfold(images, patch, stride=patch // 2).transpose(1, 2).flatten(0, 1).double()
    variances, directions = torch.linalg.eigh(torch.cov(patches.T))
    variances, directions = variances[-most:], directions[:, -most:]
    weight = (directions * (2 * (variances + 1e-3 * variances.mean())).rsqrt()).T
    return weight.view(-1, 3, patch, patch).float(), -(weight @ patches.mean(0)).float()


def embed(
    encoder: VisionTransformer,
    images: Float[Tensor, "batch 3 height width"],
    corner: Int64[Tensor, "2"] | None = None,
    *,
    hidden: Bool[Tensor, "batch patches"] | None = None,
    mask_token: Float[Tensor, "1 width"] | None = None,
) -> Float[Tensor, "batch tokens width"]:
    """Returns the class token and the patch embeddings, with positions.

    Args:
        corner: row and column that the first patch of a smaller image takes in the encoder's own grid. DINO
            interpolates positions instead; on a grid of few patches, neighbours would then stand much nearer
            than they do in whole images.
        hidden: patches that `mask_token` replaces.
    """
    assert encoder.pos_embed is not None
    assert encoder.cls_token is not None
    patches = _projected_patches(encoder.patch_embed, images)
    _, rows, columns, width = patches.shape
    if hidden is not None and mask_token is not None:
        patches = torch.where(hidden.view(-1, rows, columns, 1), mask_token, patches)
    positions = encoder.pos_embed[:, -encoder.patch_embed.num_patches :]
    positions = positions.view(1, *encoder.patch_embed.grid_size, width)
    row, column = (0, 0) if corner is None else corner.tolist()
    patches = patches + positions[:, row : row + rows, column : column + columns]
    first = encoder.cls_token + encoder.pos_embed[:, :1]
    return torch.cat([first.expand(len(images), -1, -1), patches.flatten(1, 2)], dim=1)


def _projected_patches(
    embedding: PatchEmbed, images: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch rows columns width"]:
    """Returns what timm's patch embedding gives, as one product of matrices.

    The gradient of its convolution takes twice as long on a CPU.
    """
    down, across = embedding.patch_size
    cut = images.unflatten(3, (-1, across)).unflatten(2, (-1, down))
    patches = cut.permute(0, 2, 4, 1, 3, 5).flatten(3)
    projection = embedding.proj
    projected: Tensor = embedding.norm(
        functional.linear(patches, projection.weight.flatten(1), projection.bias)
    )
    return projected


def encode(
    encoder: VisionTransformer, tokens: Float[Tensor, "batch tokens width"], *, norm: bool = True
) -> Float[Tensor, "batch tokens width"]:
    """Returns the last block's output for embedded tokens, after the final norm unless `norm` is off."""
    tokens = encoder.blocks(encoder.norm_pre(tokens))
    return encoder.norm(tokens) if norm else tokens


def class_feature(
    encoder: VisionTransformer, tokens: Float[Tensor, "batch tokens width"]
) -> Float[Tensor, "batch width"]:
    """Returns the class token of `encode`, at a quarter less work in three blocks.

    No loss on the class token sees the last block's patches, so only their keys and values are computed.
    """
    *first, last = encoder.blocks
    if type(last) is not Block or last.attn.gate is not None:
        return encode(encoder, tokens)[:, 0]
    tokens = encoder.norm_pre(tokens)
    for block in first:
        tokens = block(tokens)
    attended = last.ls1(_class_attention(last.attn, last.norm1(tokens)))
    classes = tokens[:, :1] + last.drop_path1(attended)
    classes = classes + last.drop_path2(last.ls2(last.mlp(last.norm2(classes))))
    return encoder.norm(classes)[:, 0]


def _class_attention(
    attention: Attention, tokens: Float[Tensor, "batch tokens width"]
) -> Float[Tensor, "batch 1 width"]:
    batch, length, _ = tokens.shape
    width, heads, head = attention.attn_dim, attention.num_heads, attention.head_dim
    weight, bias = attention.qkv.weight, attention.qkv.bias
    queries = functional.linear(tokens[:, :1], weight[:width], None if bias is None else bias[:width])
    keys_values = functional.linear(tokens, weight[width:], None if bias is None else bias[width:])
    query = attention.q_norm(queries.view(batch, 1, heads, head).transpose(1, 2))
    key, value = keys_values.view(batch, length, 2, heads, head).permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(query, attention.k_norm(key), value)
    attended: Tensor = attention.proj(attention.norm(mixed.transpose(1, 2).flatten(2)))
    return attended


def split_class_token(
    encoder: VisionTransformer, tokens: Float[Tensor, "batch tokens width"]
) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch patches width"]]:
    """Returns the class token's feature and the patches' features."""
    return tokens[:, 0], tokens[:, encoder.num_prefix_tokens :]


def initialise(module: nn.Module) -> None:
    """Draws the linear layers of a head as the ViT papers do: truncated normal of deviation 0.02, no bias."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
