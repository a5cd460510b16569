"""LPIPS as published (arXiv 1801.03924, version 0.1): VGG16's maps, and learnt weights of their channels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import vgg16

from vistok.errors import VistokError
from vistok.supervision.ibq.losses import unit

# Layers of VGG16 whose output is compared: relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3, and the channels of each.
_TAPS: Final = {3: 64, 8: 128, 15: 256, 22: 512, 29: 512}
# Of images from -1 to 1, in the place of ImageNet's means and deviations (LPIPS code: ScalingLayer).
_SHIFT: Final = (-0.030, -0.088, -0.188)
_SCALE: Final = (0.458, 0.448, 0.450)
_VGG: Final = "features."
_LEARNT: Final = "lin{}.model.1.weight"


class Lpips(nn.Module):
    """How far reconstructions are from images, both from -1 to 1, on the average over a batch.

    Attributes:
        features: VGG16's convolutions; their weights are to be loaded.
        weights: of the channels of each map.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        with torch.device("meta"):  # its classifier would be a hundred million numbers for nothing
            features = vgg16(weights=None, init_weights=False).features
        layers = [nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in features][: max(_TAPS) + 1]
        self.features = nn.Sequential(*layers).to_empty(device="cpu")
        self.weights = nn.ParameterList(torch.empty(channels) for channels in _TAPS.values())
        for name, values in (("shift", _SHIFT), ("scale", _SCALE)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(
        self, images: Float[Tensor, "B 3 S S"], painted: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, ""]:
        apart = [
            (weights[:, None, None] * (unit(first) - unit(second)).square()).sum(dim=1).mean()
            for first, second, weights in zip(
                self._maps(images), self._maps(painted), self.weights, strict=True
            )
        ]
        return torch.stack(apart).sum()

    def _maps(self, images: Float[Tensor, "B 3 S S"]) -> list[Float[Tensor, "B C H W"]]:
        maps, seen = [], (images - self.shift) / self.scale
        for number, layer in enumerate(self.features):
            seen = layer(seen)
            maps += [seen] if number in _TAPS else []
        return maps


def from_released(
    vgg: Mapping[str, Tensor], learnt: Mapping[str, Tensor], *, sources: tuple[Path, Path]
) -> dict[str, Tensor]:
    """Returns the tensors of a whole `Lpips` from the two files in which they are published.

    Args:
        vgg: those of torchvision's VGG16, of which the classifier is left.
        learnt: LPIPS's weights.
        sources: the two files, for errors.

    Raises:
        VistokError: a tensor is missing, or of another shape.
    """
    own = Lpips().state_dict()
    theirs = {name: (vgg, name, sources[0]) for name in own if name.startswith(_VGG)}
    theirs |= {f"weights.{depth}": (learnt, _LEARNT.format(depth), sources[1]) for depth in range(len(_TAPS))}
    tensors = {}
    for name, (file, called, source) in theirs.items():
        found = file.get(called)
        # The weights of channels are published as those of convolutions of one pixel and one output.
        needed = tuple(own[name].shape) if name.startswith(_VGG) else (1, len(own[name]), 1, 1)
        if found is None or tuple(found.shape) != needed:
            shape = "missing" if found is None else f"of shape {tuple(found.shape)}"
            raise VistokError(
                f"{source} is no part of LPIPS with VGG16: {called} is {shape}, and {needed} is "
                "needed. Fetch it again: vistok fetch lpips-vgg16, or vistok fetch lpips-vgg."
            )
        tensors[name] = found.reshape(own[name].shape)
    return tensors
