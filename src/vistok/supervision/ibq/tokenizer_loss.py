"""The loss terms of a tokenizer with a codebook, for training it alone or with a language model."""

from jaxtyping import Float
from torch import Tensor, nn

from vistok.grid.ett_sizes import TokenizerTeaching
from vistok.supervision.ibq.losses import (
    Lecam,
    PatchDiscriminator,
    discriminator_loss,
    generator_loss,
)
from vistok.tokenizers.ibq.codebook import Quantised


class TokenizerLoss(nn.Module):
    """The loss between images and their reconstructions, with the networks that it needs.

    Attributes:
        perceptual: frozen; from images and their reconstructions, how far their features are apart.
        discriminator: tells images from reconstructions; None if the adversarial term has no weight.
    """

    def __init__(self, size: TokenizerTeaching, perceptual: nn.Module) -> None:
        super().__init__()
        self.size = size
        self.perceptual = perceptual.eval().requires_grad_(False)
        channels, halvings = size.discriminator_channels, size.discriminator_halvings
        self.discriminator = PatchDiscriminator(channels, halvings) if size.adversarial else None
        self.lecam = Lecam()

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns everything but the perceptual net, which is in its own checkpoint."""
        state = self.state_dict()
        return {name: tensor for name, tensor in state.items() if not name.startswith("perceptual.")}

    def terms(
        self,
        images: Float[Tensor, "B 3 S S"],
        painted: Float[Tensor, "B 3 S S"],
        quantised: Quantised | None = None,
        part: float = 1.0,
    ) -> dict[str, Tensor]:
        """Returns the weighted terms of the loss; without codes, those of a plain autoencoder.

        Args:
            images: from -1 to 1.
            painted: their reconstructions.
            quantised: the codebook's result for them.
            part: how much of a step's images, on this process, these are.
        """
        apart = self.perceptual(images, painted)  # the first: gradients are added in this order
        terms = {"L1": (painted - images).abs().mean(), "perceptual": apart}
        if quantised is None:
            return terms
        of_codes = {"quantisation": quantised.quantisation, "entropy": self.size.entropy * quantised.entropy}
        return {**terms, **of_codes, **self._adversarial(images, painted, part)}

    def _adversarial(
        self, images: Float[Tensor, "B 3 S S"], painted: Float[Tensor, "B 3 S S"], part: float
    ) -> dict[str, Tensor]:
        if self.discriminator is None:
            return {}
        held = self.discriminator.of_generator(painted)
        real, fake = self.discriminator(images), self.discriminator(painted.detach())
        return {
            "adversarial": self.size.adversarial * generator_loss(held),
            "discriminator": discriminator_loss(real, fake),
            "LeCAM": self.size.lecam * self.lecam(real, fake, part),
        }
