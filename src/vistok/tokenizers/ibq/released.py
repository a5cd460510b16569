"""The released weights of IBQ, in the names of this project's network.

A release is one checkpoint of Lightning (TencentARC/SEED-Voken: src/IBQ/models/ibqgan.py, src/IBQ/modules/ema.py). It
has the weights of the last step (`encoder.*`, `decoder.*`, `quant_conv.*`, `post_quant_conv.*`,
`quantize.embedding.weight`), and under `model_ema.` their average over the steps, by the same names without dots. The
released evaluation encodes and decodes with the average (evaluation_image.py), so it is what is taken where it is
there. Not taken are the average's counters, and the discriminator and the perceptual network (`loss.*`), which only
training has.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import torch
from torch import Tensor, nn

from vistok.errors import VistokError
from vistok.grid.ett import NetworkSize
from vistok.tokenizers.ibq.model import Ibq
from vistok.tokenizers.ibq.networks import Attention, Residual

_AVERAGE: Final = "model_ema."
_COUNTERS: Final = (f"{_AVERAGE}decay", f"{_AVERAGE}num_updates")
_OF_TRAINING: Final = ("loss.", f"{_AVERAGE}loss")
_RESIDUAL: Final = {
    "first.0": "norm1", "first.2": "conv1", "second.0": "norm2", "second.2": "conv2", "shortcut": "nin_shortcut",
}  # fmt: skip
# One convolution reads what are three there: queries, keys and values.
_ATTENTION: Final = {"norm": ("norm",), "read": ("q", "k", "v"), "project": ("proj_out",)}
_BESIDE: Final = {
    "into": "quant_conv", "out_of": "post_quant_conv", "codebook.embedding": "quantize.embedding.weight"
}  # fmt: skip


def from_released(model: Ibq, tensors: Mapping[str, Tensor], *, source: str) -> dict[str, Tensor]:
    """Returns the tensors of a release by the names of this project's network.

    Args:
        model: the network that they are for; meta tensors suffice.
        tensors: the checkpoint's state dict.
        source: what errors call it.

    Raises:
        VistokError: a tensor is missing, of another shape, or none of a release's; or no release has such a network.
    """
    last = released_names(model)
    average = {own: tuple(map(_averaged, theirs)) for own, theirs in last.items()}
    known = {*chain(*last.values()), *chain(*average.values()), *_COUNTERS}
    unknown = [name for name in tensors if name not in known and not name.startswith(_OF_TRAINING)]
    named = last if tensors.keys().isdisjoint(chain(*average.values())) else average
    _check(model, tensors, named, unknown, source)
    return {own: torch.cat([tensors[name] for name in theirs]) for own, theirs in named.items()}


def released_names(model: Ibq) -> dict[str, tuple[str, ...]]:
    """Returns the released names of each tensor of a network; several are joined along the first dimension.

    Raises:
        VistokError: the network is none of VQGAN's, of which releases are.
    """
    size = model.size
    if size.lean or size.linear or size.stem > 1 or not size.attention:
        raise VistokError(
            "a release of IBQ is read into VQGAN's network: `attention: true`, and no `stem`, `lean` or `linear`; "
            f"found {size.model_dump(mode='json')}. Correct the entry's `arguments`."
        )
    parts = {
        "encoder": zip(model.encoder.blocks, _of_encoder(size), strict=True),
        "decoder": zip(model.decoder.blocks, _of_decoder(size), strict=True),
    }
    names = {
        f"{part}.blocks.{index}.{own}": tuple(f"{part}.{name}" for name in theirs)
        for part, layers in parts.items()
        for index, (layer, prefix) in enumerate(layers)
        for own, theirs in _of_layer(layer, prefix)
    }
    beside = [name for name in model.state_dict() if name.startswith(tuple(_BESIDE))]
    return names | {name: (_replaced(name, _BESIDE),) for name in beside}


def _of_encoder(size: NetworkSize) -> Iterator[str]:
    """Yields the released name of each layer of the encoder; of an activation, which has no tensors, an empty one."""
    yield "conv_in"
    for level, blocks in enumerate(size.blocks):
        last = level == len(size.blocks) - 1
        yield from _of_level(f"down.{level}", blocks, attention=last)
        if not last:
            yield f"down.{level}.downsample"
    yield from ("mid.block_1", "mid.attn_1", "mid.block_2", "norm_out", "", "conv_out")


def _of_decoder(size: NetworkSize) -> Iterator[str]:
    """As of the encoder; levels are counted from the finest map, and the coarsest is the first that is decoded."""
    yield from ("conv_in", "mid.block_1", "mid.attn_1", "mid.block_2")
    for level, blocks in reversed([*enumerate(size.blocks)]):
        yield from _of_level(f"up.{level}", blocks + 1, attention=level == len(size.blocks) - 1)
        if level:
            yield f"up.{level}.upsample"
    yield from ("norm_out", "", "conv_out", "")


def _of_level(level: str, blocks: int, *, attention: bool) -> Iterator[str]:
    for block in range(blocks):
        yield f"{level}.block.{block}"
        if attention:
            yield f"{level}.attn.{block}"


def _of_layer(layer: nn.Module, prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields each tensor of a layer with its released names."""
    for name in layer.state_dict():
        match layer:
            case Residual():
                yield name, (f"{prefix}.{_replaced(name, _RESIDUAL)}",)
            case Attention():
                part, _, kind = name.partition(".")
                yield name, tuple(f"{prefix}.{theirs}.{kind}" for theirs in _ATTENTION[part])
            case _:
                yield name, (f"{prefix}.{name}",)


def _averaged(name: str) -> str:
    return _AVERAGE + name.replace(".", "")


def _replaced(name: str, prefixes: Mapping[str, str]) -> str:
    own = next(prefix for prefix in prefixes if name.startswith(prefix))
    return prefixes[own] + name.removeprefix(own)


def _check(
    model: Ibq,
    tensors: Mapping[str, Tensor],
    named: Mapping[str, Sequence[str]],
    unknown: Sequence[str],
    source: str,
) -> None:
    own = model.state_dict()
    needed = {
        name: (len(own[ours]) // len(theirs), *own[ours].shape[1:])
        for ours, theirs in named.items()
        for name in theirs
    }
    missing = [name for name in needed if name not in tensors]
    misshapen = [
        f"{name} is {tuple(tensors[name].shape)}, needed {shape}"
        for name, shape in needed.items()
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    if missing or unknown or misshapen:
        raise VistokError(
            f"{source} is no release of IBQ of the size that its entry tells: {len(missing)} tensors missing "
            f"{missing[:2]}, {len(unknown)} unknown {[*unknown][:2]}, {len(misshapen)} of another shape "
            f"{misshapen[:2]}. A release has encoder.*, decoder.*, quant_conv.*, post_quant_conv.*, "
            "quantize.embedding.weight, their average model_ema.*, and loss.*, which is not read. Correct "
            "the entry's `arguments`, or fetch the file again."
        )
