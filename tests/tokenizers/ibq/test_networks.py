"""Encoder and decoder have the published size, and reconstruct what they are shown."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from vistok.grid.ett import NetworkSize
from vistok.tokenizers.ibq.model import Ibq, from_bytes, to_bytes

PAPER = NetworkSize(
    image_size=256, codes=16_384, width=256, channels=128, multipliers=(1, 1, 2, 2, 4), blocks=(4,) * 5, attention=True
)  # fmt: skip
LEAN = NetworkSize(
    image_size=48, codes=64, width=32, channels=32, multipliers=(1, 3), blocks=(0, 1), stem=4, lean=True, linear=True
)  # fmt: skip


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


@pytest.mark.parametrize(("codes", "of_codebook"), [(16_384, 4.19), (131_072, 33.55), (262_144, 67.11)])
def test_the_published_size_of_every_part(codes: int, of_codebook: float) -> None:
    """46.75 M and 59.90 M, counted without the 1 x 1 convolutions around the codebook."""
    with torch.device("meta"):
        model = Ibq(PAPER.model_copy(update={"codes": codes}))
    assert round(millions(model.encoder), 2) == 46.75
    assert round(millions(model.decoder), 2) == 59.90
    assert round(millions(model.codebook), 2) == of_codebook
    encoded = model.encode(torch.zeros(1, 3, 256, 256, device="meta"))
    assert encoded.shape == (1, 256, 16, 16) and model.decode(encoded).shape == (1, 3, 256, 256)
    assert (PAPER.stride, PAPER.tokens) == (16, 256)


@pytest.mark.parametrize(
    "size", [LEAN, LEAN.model_copy(update={"lean": False, "linear": False, "attention": True})]
)
def test_images_come_back_in_their_shape_and_their_range(size: NetworkSize) -> None:
    torch.manual_seed(0)
    model = Ibq(size).eval()
    images = torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8)
    codes = model.codes(images)
    assert codes.shape == (2, 6, 6) and size.tokens == 36 and size.stride == 8
    painted = model.painted(codes)
    assert painted.shape == images.shape and painted.dtype == torch.uint8
    assert torch.equal(painted, model.reconstructed(images))
    again, quantised = model(from_bytes(images))
    assert torch.equal(quantised.codes, codes)
    assert torch.equal(to_bytes(again), painted) or (to_bytes(again).int() - painted.int()).abs().max() <= 1


def test_bytes_survive_the_way_to_values_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(from_bytes(every)), every)
    assert to_bytes(torch.tensor([-3.0, 3.0])).tolist() == [0, 255]


def test_the_linear_path_alone_can_copy_a_patch() -> None:
    """With blocks that give nothing and as many numbers a code as a patch has, the rest is a linear map and back."""
    size = LEAN.model_copy(update={"width": 192})
    model = Ibq(size)
    for blocks in (model.encoder.blocks, model.decoder.blocks):
        for parameter in blocks.parameters():
            nn.init.zeros_(parameter)
    assert model.encoder.linear is not None and model.decoder.linear is not None
    nn.init.zeros_(model.encoder.linear.bias)  # type: ignore[arg-type]
    # A pixel shuffle takes (colour, row, column), as a convolution's weight lies.
    model.encoder.linear.weight.data = torch.eye(192).view(192, 3, 8, 8)
    paint = model.decoder.linear[0]
    paint.weight.data = torch.eye(192).view(192, 192, 1, 1)
    nn.init.zeros_(paint.bias)
    images = torch.randint(0, 256, (1, 3, 48, 48), dtype=torch.uint8)
    assert torch.equal(to_bytes(model.decode(model.encode(from_bytes(images)))), images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks": [1]}, "`blocks` names 1 maps, and `multipliers` 2"),
        ({"image_size": 44}, "stands for 8 pixels a side, which 44 are no multiple of"),
        ({"code": 4}, "unknown key 'code'"),
    ],
)  # fmt: skip
def test_a_size_that_does_not_fit_together_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NetworkSize.model_validate({**LEAN.model_dump(), **change})
