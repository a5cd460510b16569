"""Prototypes that a student and its teacher sort crops into: the head that scores them, and their centring."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vistok.supervision.encoder import initialise


class ProjectionHead(nn.Module):
    """A perceptron, l2 normalisation, and prototypes of unit length (DINO section 3.1 and appendix C).

    Prototypes of unit length are the released code's weight-normalised last layer with its gain held at 1.
    Batch normalisation is the released code's `use_bn_in_head`, off by default: without it the class tokens of
    a fresh encoder are too alike for a few hundred steps to draw apart, and the teacher ends up uniform.
    """

    def __init__(self, width: int, hidden: int, bottleneck: int, prototypes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for entering in (width, hidden):
            layers += [
                nn.Linear(entering, hidden),
                nn.BatchNorm1d(hidden, track_running_stats=False),
                nn.GELU(),
            ]
        self.perceptron = nn.Sequential(*layers, nn.Linear(hidden, bottleneck))
        self.prototypes = nn.Parameter(torch.randn(prototypes, bottleneck))
        initialise(self)

    def forward(
        self, features: Float[Tensor, "rows width"], *, frozen: bool = False
    ) -> Float[Tensor, "rows prototypes"]:
        """Returns the cosine to each prototype; while `frozen`, prototypes get a gradient of zero."""
        prototypes = functional.normalize(self.prototypes, dim=-1)
        if frozen:  # zero and not none, so that a data-parallel wrapper still finds it
            prototypes = prototypes.detach() + 0.0 * prototypes
        return functional.normalize(self.perceptron(features), dim=-1) @ prototypes.T


class Centre(nn.Module):
    """The running mean of a teacher's outputs, which keeps one prototype from taking all (DINO equation 4).

    It starts at the first batch's mean. The released code starts it at 0, and long warm-ups absorb that; in
    some hundred steps all outputs would have gone to one prototype before the centre arrives.
    """

    value: Tensor
    latest: Tensor
    started: Tensor

    def __init__(self, prototypes: int, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("value", torch.zeros(prototypes))
        self.register_buffer("latest", torch.zeros(prototypes), persistent=False)
        self.register_buffer("started", torch.tensor(False))

    @torch.no_grad()
    def sharpen(
        self, logits: Float[Tensor, "... prototypes"], temperature: float
    ) -> Float[Tensor, "... prototypes"]:
        """Returns the teacher's probabilities, centred and sharpened; notes the batch for `update`."""
        self.latest.copy_(logits.flatten(0, -2).mean(0))
        if not self.started:
            self.value.copy_(self.latest)
            self.started.fill_(True)
        return ((logits - self.value) / temperature).softmax(-1)

    @torch.no_grad()
    def update(self) -> None:
        """Moves the centre towards the last batch's mean; to be called once a step."""
        self.value.lerp_(self.latest, 1 - self.momentum)
