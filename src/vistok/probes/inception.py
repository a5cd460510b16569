"""The network of the published Fréchet distances: Inception as its authors' TensorFlow graph of 2015 has it.

torchvision has the same layers under the same names. FID's own weights were trained with other pools in nine blocks
(pytorch-fid 0.3.0, inception.py): an average leaves out the border that is padded, and the last block takes the
largest value in place of the average.

Shapes: B images of S x S pixels from -1 to 1.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import inception

from vistok.checkpoints import load_tensors, read_tensors

WIDTH: Final = 2048
_SIDE: Final = 299
_CLASSES: Final = 1008  # of the file's last layer, which no feature needs
_LAST: Final = "Mixed_7c"
_COUNTER: Final = "num_batches_tracked"  # of training, in some copies of the file
_Branches = Callable[[Tensor], list[Tensor]]


class FidInception(nn.Module):
    """Features of images, by which published Fréchet distances are taken; its weights are to be loaded."""

    def __init__(self) -> None:
        super().__init__()
        network = inception.Inception3(num_classes=_CLASSES, aux_logits=False, init_weights=False)
        for name, block in network.named_children():
            if isinstance(block, inception.InceptionA | inception.InceptionC | inception.InceptionE):
                pool = _largest if name == _LAST else _average
                block._forward = _pooled(block, pool)
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def features(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B 2048"]:
        """Returns what the last map has on the average, of images resized to 299 x 299 without smoothing."""
        shown = functional.interpolate(images, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False)
        for name, layer in self.network.named_children():
            if name == "avgpool":
                break
            shown = layer(shown)
        return shown.mean(dim=(2, 3))


def load_inception(path: Path) -> FidInception:
    """Returns the network with the weights of its published file.

    Raises:
        VistokError: the file is missing or cannot be read, or its tensors are not those of this network.
    """
    model = FidInception()
    counters = {name for name in model.network.state_dict() if name.endswith(_COUNTER)}
    tensors = {name: tensor for name, tensor in read_tensors(path).items() if not name.endswith(_COUNTER)}
    load_tensors(model.network, tensors, source=path, names=model.network.state_dict().keys() - counters)
    return model


def _average(maps: Tensor) -> Tensor:
    return functional.avg_pool2d(maps, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def _largest(maps: Tensor) -> Tensor:
    return functional.max_pool2d(maps, kernel_size=3, stride=1, padding=1)


def _pooled(block: nn.Module, pool: Callable[[Tensor], Tensor]) -> _Branches:
    """Returns a block's branches with another pool in the last of them."""
    branches: _Branches = block._forward  # type: ignore[assignment]

    def forward(maps: Tensor) -> list[Tensor]:
        return [*branches(maps)[:-1], block.branch_pool(pool(maps))]  # type: ignore[operator]

    return forward
