"""Small encoders of every kind, with random weights that are large enough for every part to matter."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from vistok.grid.tokenizers import Encoder

SMALL: dict[str, Any] = {
    "weights": "random",
    "image_size": 32,
    "normalisation": "clip",
    "tokens": 17,
    "width": 32,
    "parameters_m": 0.03,
    "source": "made for tests",
}
TIMM = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}


@pytest.fixture
def encoder() -> Encoder:
    """A small timm vision transformer: 32 pixels, patches of 8, width 32, two blocks."""
    return Encoder(library="timm", name="vit_tiny_patch16_224", arguments=TIMM, **SMALL)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def shake() -> Callable[[nn.Module], nn.Module]:
    """Draws every parameter anew: at their start many are zero or one, and a part more or less is not seen."""

    def draw(module: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        return module.eval()

    return draw
