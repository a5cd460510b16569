"""What DINO and DINOv2 share: crops, a mean teacher, projection heads, centring and sharpening."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vistok.grid.scale import Pretraining
from vistok.grid.values import Encoder
from vistok.supervision import augment
from vistok.supervision.base import Objective, PretrainingData
from vistok.supervision.encoder import initialise

SHARED_DEFAULTS: Final[Mapping[str, float]] = {
    "prototypes": 256,  # DINO section 3.2: 65,536
    "head_hidden": 192,  # DINO section 3.1: 2,048
    "head_bottleneck": 64,  # DINO code: 256
    "student_temperature": 0.1,  # DINO section 3.1
    "teacher_temperature_start": 0.04,  # DINO section 3.1
    "teacher_temperature_end": 0.07,  # DINO section 3.1
    "teacher_temperature_warmup": 0.3,  # DINO section 3.1: 30 of 100 epochs
    "centre_momentum": 0.9,  # DINO code
    "teacher_momentum": 0.98,  # DINO section 3.1: 0.996, over some 10^5 steps and not some 10^2
    "freeze_prototypes": 0.01,  # DINO code: the first of 100 epochs
    "local_crops": 4,  # DINO section 3.1: 8 or 10 in the best models, 6 in most tables
    "local_size": 24,  # DINO section 3.1: 96 of 224
    "global_least": 0.4,  # DINO code: 0.4 for the best models (0.25 in section 3.1)
    "local_least": 0.1,  # DINO code: 0.05; a mini object fills a ninth of its image
    "local_greatest": 0.4,  # DINO code: as global_least
    "jitter": 0.4,  # DINO code
    "hue": 0.1,  # DINO code
    "grey": 0.2,  # DINO code
    "solarise": 0.2,  # DINO code: the second global crop
    "blur": 0.5,  # DINO code: up to 2 pixels of 224, which is 0.43 of 48
}


class ProjectionHead(nn.Module):
    """A perceptron, l2 normalisation, and prototypes of unit length (DINO section 3.1 and appendix C).

    Prototypes of unit length are the released code's weight-normalised last layer with its gain held at 1.
    """

    def __init__(self, width: int, hidden: int, bottleneck: int, prototypes: int) -> None:
        super().__init__()
        self.perceptron = nn.Sequential(
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, bottleneck),
        )
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
    """The running mean of a teacher's outputs, which keeps one prototype from taking all (DINO equation 4)."""

    value: Tensor
    latest: Tensor

    def __init__(self, prototypes: int, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("value", torch.zeros(prototypes))
        self.register_buffer("latest", torch.zeros(prototypes), persistent=False)

    @torch.no_grad()
    def sharpen(
        self, logits: Float[Tensor, "... prototypes"], temperature: float
    ) -> Float[Tensor, "... prototypes"]:
        """Returns the teacher's probabilities, centred and sharpened; notes the batch for `update`."""
        self.latest.copy_(logits.flatten(0, -2).mean(0))
        return ((logits - self.value) / temperature).softmax(-1)

    @torch.no_grad()
    def update(self) -> None:
        self.value.lerp_(self.latest, 1 - self.momentum)


class SelfDistillation(Objective):
    """A student learns what its own running mean, the teacher, sees in other crops; the teacher is exported."""

    def __init__(self, encoder: Encoder, pretraining: Pretraining, data: PretrainingData, seed: int) -> None:
        super().__init__(encoder, pretraining, data, seed)
        self.head = self.new_head()
        self.teacher_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.teacher_head = copy.deepcopy(self.head).requires_grad_(False)
        self.centre = self.new_centre()

    def new_head(self) -> ProjectionHead:
        sizes = (int(self.options[name]) for name in ("head_hidden", "head_bottleneck", "prototypes"))
        return ProjectionHead(self.encoder.embed_dim, *sizes)

    def new_centre(self) -> Centre:
        return Centre(int(self.options["prototypes"]), self.options["centre_momentum"])

    def exported(self) -> nn.Module:
        return self.teacher_encoder

    def taught(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        """Yields each student module with the teacher module that follows it."""
        yield self.encoder, self.teacher_encoder
        yield self.head, self.teacher_head

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Moves the teacher towards the student, and the centre (DINO section 3.1)."""
        momentum = rising_momentum(self.options["teacher_momentum"], step, self.pretraining.steps)
        for student, teacher in self.taught():
            for new, old in zip(student.parameters(), teacher.parameters(), strict=True):
                old.lerp_(new, 1 - momentum)
        self.centre.update()

    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        chosen: PretrainingData,
        chance: np.random.Generator,
    ) -> dict[str, Tensor]:
        """Returns two `global` crops and some smaller `local` ones of each image, crop by crop."""
        least, count = self.options["global_least"], len(images)
        # Of the two global crops only the first is always blurred, only the second ever solarised.
        wide = self._crops(images, chance, 2, self.size, (least, 1.0), np.repeat([1.0, 0.1], count))
        wide = augment.solarise(wide, chance, probability=np.repeat([0.0, self.options["solarise"]], count))
        batch = {"global": augment.normalise(wide, self.normalisation)}
        if self.options["local_crops"]:
            scale = (self.options["local_least"], self.options["local_greatest"])
            number, size = int(self.options["local_crops"]), int(self.options["local_size"])
            local = self._crops(images, chance, number, size, scale, np.full(number * count, 0.5))
            batch["local"] = augment.normalise(local, self.normalisation)
        return batch

    def _crops(
        self,
        images: Tensor,
        chance: np.random.Generator,
        number: int,
        size: int,
        scale: tuple[float, float],
        blurred: np.ndarray,
    ) -> Tensor:
        crops = augment.random_crop(images.repeat(number, 1, 1, 1), chance, size, scale)
        options = self.options
        crops = augment.colour_jitter(
            crops, chance, strength=options["jitter"], hue=options["hue"], grey=options["grey"]
        )
        return augment.blur(crops, chance, deviation=options["blur"], probability=blurred)

    def frozen(self, step: int) -> bool:
        """Whether the prototypes are still held, as the released code holds them at first."""
        return step < self.options["freeze_prototypes"] * self.pretraining.steps

    def teacher_temperature(self, step: int) -> float:
        """Returns the teacher's temperature: a linear rise, then constant."""
        start, end = self.options["teacher_temperature_start"], self.options["teacher_temperature_end"]
        rise = self.options["teacher_temperature_warmup"] * self.pretraining.steps
        return start + (end - start) * min(1.0, step / rise) if rise else end


def rising_momentum(start: float, step: int, steps: int) -> float:
    """Returns the teacher's momentum: from `start` to 1 on a cosine (DINO section 3.1)."""
    return 1 - (1 - start) * (math.cos(math.pi * step / steps) + 1) / 2


def view_cross_entropy(
    teacher: Float[Tensor, "wide batch prototypes"],
    student: Float[Tensor, "crops batch prototypes"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Returns the mean cross-entropy over all pairs of a teacher's crop and another crop (DINO equation 3).

    Args:
        teacher: probabilities of the global crops.
        student: logits of all crops, the same global ones first.
        temperature: the student's.
    """
    entropy = (
        -torch.einsum("tnk,snk->ts", teacher, (student / temperature).log_softmax(-1)) / teacher.shape[1]
    )
    pairs = entropy.numel() - len(teacher)
    return (entropy.sum() - entropy.diagonal().sum()) / pairs
