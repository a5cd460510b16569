"""The losses of IBQ besides those of its codebook: perceptual, adversarial (PatchGAN) and LeCAM."""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from vistok.probes.cell_net import CellNet

_SLOPE: Final = 0.2
_SMALLEST: Final = 1e-10

Maps = Sequence[Float[Tensor, "B C H W"]]


class CellDistance(nn.Module):
    """How far reconstructions are from images by a cell net's maps, with weights of depths that a scale gives."""

    def __init__(self, net: CellNet, weights: Sequence[float]) -> None:
        super().__init__()
        self.net, self.weights = net, weights

    def forward(
        self, images: Float[Tensor, "B 3 S S"], painted: Float[Tensor, "B 3 S S"]
    ) -> Float[Tensor, ""]:
        return perceptual_loss(self.net.taps(images), self.net.taps(painted), self.weights)


def perceptual_loss(seen: Maps, painted: Maps, weights: Sequence[float]) -> Float[Tensor, ""]:
    """Returns the distance between features of images and of reconstructions: LPIPS without learnt weights.

    Args:
        seen: a net's features of the images, by depth.
        painted: those of what was painted.
        weights: of each depth.
    """
    apart = [
        weight * (unit(first) - unit(second)).square().sum(dim=1).mean()
        for first, second, weight in zip(seen, painted, weights, strict=True)
    ]
    return torch.stack(apart).sum()


def unit(maps: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Returns maps whose vectors have length 1 at each position (LPIPS code: the smallest number outside the root)."""
    return maps / (maps.square().sum(dim=1, keepdim=True).sqrt() + _SMALLEST)


class PatchDiscriminator(nn.Module):
    """PatchGAN (arXiv 1611.07004): a verdict on every patch of an image instead of one on the whole.

    Args:
        channels: of the first convolution; each of the `halvings` next ones has twice as many, eightfold at most.
        halvings: of the map behind the first; three for images of 256 pixels.
    """

    def __init__(self, channels: int = 64, halvings: int = 3) -> None:
        super().__init__()
        made: list[nn.Module] = [nn.Conv2d(3, channels, 4, stride=2, padding=1), nn.LeakyReLU(_SLOPE)]
        before = channels
        for halving in range(1, halvings + 1):
            after, stride = channels * min(2**halving, 8), 1 if halving == halvings else 2
            made += [
                nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(_SLOPE),
            ]
            before = after
        self.blocks = nn.Sequential(*made, nn.Conv2d(before, 1, 4, padding=1))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, 1.0, 0.02)

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B 1 H W"]:
        verdicts: Tensor = self.blocks(images)
        return verdicts

    def of_generator(self, painted: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B 1 H W"]:
        """Returns verdicts with gradients for the images, but not for the discriminator or its running means."""
        held = {name: tensor.detach() for name, tensor in self.named_parameters()}
        held |= {name: tensor.clone() for name, tensor in self.named_buffers()}
        verdicts: Tensor = functional_call(self, held, (painted,))
        return verdicts


def generator_loss(fake: Float[Tensor, "B ..."]) -> Float[Tensor, ""]:
    """Returns the non-saturating loss of a generator, on the mean verdict of each image (IBQ code)."""
    return functional.softplus(-_of_images(fake)).mean()


def discriminator_loss(real: Float[Tensor, "B ..."], fake: Float[Tensor, "B ..."]) -> Float[Tensor, ""]:
    """Returns the non-saturating loss of a discriminator, half for each kind of image (IBQ code)."""
    real, fake = _of_images(real), _of_images(fake)
    return 0.5 * (functional.softplus(-real).mean() + functional.softplus(fake).mean())


def _of_images(verdicts: Float[Tensor, "B ..."]) -> Float[Tensor, " B"]:
    return verdicts.flatten(1).mean(dim=1)


class Lecam(nn.Module):
    """LeCAM (arXiv 2104.03310): keeps verdicts near the moving average of those on the other kind of image."""

    real: Tensor
    fake: Tensor

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("real", torch.zeros(()))
        self.register_buffer("fake", torch.zeros(()))

    def forward(
        self, real: Float[Tensor, "..."], fake: Float[Tensor, "..."], part: float = 1.0
    ) -> Float[Tensor, ""]:
        """Returns the loss, after the averages have moved.

        Args:
            part: how much of a step's images these are: its parts move the averages as far as one step does.
        """
        moved = 1 - self.decay**part
        with torch.no_grad():
            self.real.lerp_(real.mean(), moved)
            self.fake.lerp_(fake.mean(), moved)
        apart = functional.relu(real - self.fake).square().mean()
        return apart + functional.relu(self.real - fake).square().mean()
