"""IBQ as TencentARC/SEED-Voken released it, made small: its checkpoint, and what it computes, by the released names.

Written from what its files do (src/IBQ/modules/diffusionmodules/model.py, vqvae/quantize.py, ema.py, models/ibqgan.py)
as functions of a state dict; nothing is shared with this project's own network.
"""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

State = dict[str, Tensor]
Shapes = Iterator[tuple[str, tuple[int, ...]]]
CHANNELS: Final = (32, 32, 64)  # of each map, by halvings
BLOCKS: Final = 2
WIDTH: Final = 16
CODES: Final = 40
SIZE: Final = {
    "image_size": 32, "codes": CODES, "width": WIDTH, "channels": 32, "multipliers": [1, 1, 2],
    "blocks": [BLOCKS] * 3, "attention": True,
}  # fmt: skip


def write_release(path: Path, *, averaged: bool = True, **changes: Tensor | None) -> State:
    """Writes a checkpoint as Lightning saves one, and returns the weights that the release is evaluated with.

    Args:
        averaged: whether it has the average of the weights beside the last ones.
        changes: tensors in place of others, or None for one that is left out.
    """
    last = random_weights(0)
    average = {
        name: tensor + 0.1 * other
        for (name, tensor), other in zip(last.items(), random_weights(1).values(), strict=True)
    }
    state: dict[str, Any] = {**last, **_of_training("loss.")}
    if averaged:
        counters = {"decay": torch.tensor(0.999), "num_updates": torch.tensor(-1, dtype=torch.int)}
        shadow = {
            name.replace(".", ""): tensor for name, tensor in {**average, **_of_training("loss.")}.items()
        }
        state |= {f"model_ema.{name}": tensor for name, tensor in {**counters, **shadow}.items()}
    state = {name: tensor for name, tensor in {**state, **changes}.items() if tensor is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"epoch": 329, "pytorch-lightning_version": "2.2.0", "state_dict": OrderedDict(state)},
        path,
    )
    return average if averaged else last


def random_weights(seed: int) -> State:
    """Returns weights with which every part shows in the result, and an image has many codes."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {name: torch.randn(shape, generator=generator) for name, shape in _shapes()}
    return {
        name: tensor * (0.1 if name.endswith("bias") else max(1, tensor[0].numel()) ** -0.5)
        for name, tensor in drawn.items()
    }


def codes_of(state: State, images: Tensor) -> Tensor:
    """Returns the code of each position of images from -1 to 1, a map an image."""
    encoded = encode(state, images)
    products = torch.einsum("bdhw,nd->bnhw", encoded, state["quantize.embedding.weight"])
    return products.softmax(dim=1).max(dim=1).indices


def repainted(state: State, codes: Tensor) -> Tensor:
    """Returns the images of codes."""
    return decode(state, functional.embedding(codes, state["quantize.embedding.weight"]).permute(0, 3, 1, 2))


def encode(state: State, images: Tensor) -> Tensor:
    x = _conv(state, "encoder.conv_in", images, padding=1)
    for level in range(len(CHANNELS)):
        x = _blocks(state, f"encoder.down.{level}", BLOCKS, x)
        if level < len(CHANNELS) - 1:
            padded = functional.pad(x, (0, 1, 0, 1))
            x = _conv(state, f"encoder.down.{level}.downsample.conv", padded, stride=2)
    x = _activated(state, "encoder.norm_out", _middle(state, "encoder", x))
    return _conv(state, "quant_conv", _conv(state, "encoder.conv_out", x, padding=1))


def decode(state: State, embeddings: Tensor) -> Tensor:
    x = _conv(state, "decoder.conv_in", _conv(state, "post_quant_conv", embeddings), padding=1)
    x = _middle(state, "decoder", x)
    for level in (2, 1, 0):
        x = _blocks(state, f"decoder.up.{level}", BLOCKS + 1, x)
        if level:
            doubled = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            x = _conv(state, f"decoder.up.{level}.upsample.conv", doubled, padding=1)
    return _conv(state, "decoder.conv_out", _activated(state, "decoder.norm_out", x), padding=1)


def _blocks(state: State, level: str, blocks: int, x: Tensor) -> Tensor:
    for block in range(blocks):
        x = _residual(state, f"{level}.block.{block}", x)
        if f"{level}.attn.{block}.q.weight" in state:
            x = _attended(state, f"{level}.attn.{block}", x)
    return x


def _middle(state: State, part: str, x: Tensor) -> Tensor:
    x = _residual(state, f"{part}.mid.block_1", x)
    return _residual(state, f"{part}.mid.block_2", _attended(state, f"{part}.mid.attn_1", x))


def _residual(state: State, name: str, x: Tensor) -> Tensor:
    h = _conv(state, f"{name}.conv1", _activated(state, f"{name}.norm1", x), padding=1)
    h = _conv(state, f"{name}.conv2", _activated(state, f"{name}.norm2", h), padding=1)
    shortcut = f"{name}.nin_shortcut"
    return h + (_conv(state, shortcut, x) if f"{shortcut}.weight" in state else x)


def _attended(state: State, name: str, x: Tensor) -> Tensor:
    normed = _normed(state, f"{name}.norm", x)
    q, k, v = (_conv(state, f"{name}.{part}", normed).flatten(2) for part in "qkv")
    weights = torch.einsum("bcn,bcm->bnm", q, k) * q.shape[1] ** -0.5
    mixed = torch.einsum("bnm,bcm->bcn", weights.softmax(dim=2), v).view_as(x)
    return x + _conv(state, f"{name}.proj_out", mixed)


def _activated(state: State, name: str, x: Tensor) -> Tensor:
    normed = _normed(state, name, x)
    return normed * normed.sigmoid()


def _normed(state: State, name: str, x: Tensor) -> Tensor:
    return functional.group_norm(x, 32, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-6)


def _conv(state: State, name: str, x: Tensor, **how: int) -> Tensor:
    return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **how)  # type: ignore[arg-type]


def _shapes() -> Shapes:
    coarsest = CHANNELS[-1]
    yield from _conv_shapes("encoder.conv_in", 3, CHANNELS[0], 3)
    before = CHANNELS[0]
    for level, channels in enumerate(CHANNELS):
        yield from _level_shapes(f"encoder.down.{level}", BLOCKS, before, channels)
        before = channels
        if level < len(CHANNELS) - 1:
            yield from _conv_shapes(f"encoder.down.{level}.downsample.conv", channels, channels, 3)
    yield from _middle_shapes("encoder", coarsest)
    yield from _norm_shapes("encoder.norm_out", coarsest)
    yield from _conv_shapes("encoder.conv_out", coarsest, WIDTH, 3)
    yield from _conv_shapes("decoder.conv_in", WIDTH, coarsest, 3)
    yield from _middle_shapes("decoder", coarsest)
    for level in (2, 1, 0):
        yield from _level_shapes(f"decoder.up.{level}", BLOCKS + 1, before, CHANNELS[level])
        before = CHANNELS[level]
        if level:
            yield from _conv_shapes(f"decoder.up.{level}.upsample.conv", before, before, 3)
    yield from _norm_shapes("decoder.norm_out", before)
    yield from _conv_shapes("decoder.conv_out", before, 3, 3)
    yield "quantize.embedding.weight", (CODES, WIDTH)
    yield from _conv_shapes("quant_conv", WIDTH, WIDTH, 1)
    yield from _conv_shapes("post_quant_conv", WIDTH, WIDTH, 1)


def _level_shapes(level: str, blocks: int, before: int, channels: int) -> Shapes:
    for block in range(blocks):
        yield from _residual_shapes(f"{level}.block.{block}", channels if block else before, channels)
        if level in ("encoder.down.2", "decoder.up.2"):
            yield from _attention_shapes(f"{level}.attn.{block}", channels)


def _middle_shapes(part: str, channels: int) -> Shapes:
    yield from _residual_shapes(f"{part}.mid.block_1", channels, channels)
    yield from _attention_shapes(f"{part}.mid.attn_1", channels)
    yield from _residual_shapes(f"{part}.mid.block_2", channels, channels)


def _residual_shapes(name: str, before: int, after: int) -> Shapes:
    yield from _norm_shapes(f"{name}.norm1", before)
    yield from _conv_shapes(f"{name}.conv1", before, after, 3)
    yield from _norm_shapes(f"{name}.norm2", after)
    yield from _conv_shapes(f"{name}.conv2", after, after, 3)
    if before != after:
        yield from _conv_shapes(f"{name}.nin_shortcut", before, after, 1)


def _attention_shapes(name: str, channels: int) -> Shapes:
    yield from _norm_shapes(f"{name}.norm", channels)
    for part in ("q", "k", "v", "proj_out"):
        yield from _conv_shapes(f"{name}.{part}", channels, channels, 1)


def _norm_shapes(name: str, channels: int) -> Shapes:
    yield from ((f"{name}.weight", (channels,)), (f"{name}.bias", (channels,)))


def _conv_shapes(name: str, before: int, after: int, side: int) -> Shapes:
    yield from ((f"{name}.weight", (after, before, side, side)), (f"{name}.bias", (after,)))


def _of_training(prefix: str) -> State:
    names = (
        "discriminator.main.0.weight",
        "discriminator.main.0.bias",
        "perceptual_loss.lin0.model.1.weight",
    )
    return {f"{prefix}{name}": torch.ones(2) for name in names}
