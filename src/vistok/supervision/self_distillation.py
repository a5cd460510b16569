"""What DINO and DINOv2 share: crops, a mean teacher that is centred and sharpened, and the loss over views."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from vistok.errors import VistokError
from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import class_feature, embed
from vistok.supervision.prototypes import Centre, ProjectionHead

SHARED_DEFAULTS: Final[Mapping[str, float]] = {
    "prototypes": 256,  # DINO section 3.2: 65,536
    "head_hidden": 192,  # DINO section 3.1: 2,048
    "head_bottleneck": 64,  # DINO code: 256
    "student_temperature": 0.1,  # DINO section 3.1
    "teacher_temperature_start": 0.04,  # DINO section 3.1
    "teacher_temperature_end": 0.04,  # DINO code, default (section 3.1: 0.07, after the first 30 epochs)
    "teacher_temperature_warmup": 0.0,  # DINO code, default; a share of the steps
    "centre_momentum": 0.9,  # DINO code
    "teacher_momentum": 0.95,  # DINO section 3.1: 0.996, over some 10^5 steps and not some 10^2
    "freeze_prototypes": 0.01,  # DINO code: the first of 100 epochs
    "global_size": 32,  # DINO: the whole 224; with half of the patches gone, twice the steps
    "global_least": 0.5,  # DINO code: 0.4 for the best models, 0.25 in section 3.1
    "global_greatest": 1.0,  # DINO code
    "local_crops": 2,  # DINO section 3.1: 8 or 10 in the best models
    "local_size": 24,  # DINO section 3.1: 96 of 224
    "local_least": 0.15,  # DINO code: 0.05; a mini object fills a ninth of its image
    "local_greatest": 0.5,  # DINO code: as global_least
    "aligned": 0,  # 1: crops of whole patches, in place of resized ones
    "jitter": 0.2,  # DINO code: 0.4; colours are most of what a mini image has
    "hue": 0.05,  # DINO code: 0.1
    "grey": 0.1,  # DINO code: 0.2
    "solarise": 0.1,  # DINO code: 0.2, of the second global crop
    "blur": 0.4,  # DINO code: up to 2 pixels of 224, which is 0.43 of 48
}


class SelfDistillation(Objective):
    """A student learns what its running mean, the teacher, sees in other crops; the teacher is exported.

    Tokens, positions and prototypes decay, as in both released codes, which spare biases and norms alone. Weight decay
    is constant: DINO's rises from 0.04 to 0.4 over its epochs, and a few hundred steps shrink no weight by a tenth.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.head = self.new_head()
        self.teacher_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.teacher_head = copy.deepcopy(self.head).requires_grad_(False)
        self.centre = self.new_centre()
        side = self._crop_side("global_size")
        self.global_grid = (side, side)
        if self.options["local_crops"]:
            self._crop_side("local_size")

    def _crop_side(self, option: str) -> int:
        """Returns the patches per side of a crop."""
        size, patch = int(self.options[option]), self.encoder.patch_embed.patch_size[0]
        if size % patch or not 0 < size <= self.size:
            raise VistokError(
                f"pretraining option {option!r} is {size}, which does not cut into the encoder's patches of "
                f"{patch} pixels. Legal: multiples of {patch} up to its image size, {self.size}."
            )
        return int(size // patch)

    def new_head(self) -> ProjectionHead:
        sizes = (int(self.options[name]) for name in ("head_hidden", "head_bottleneck", "prototypes"))
        return ProjectionHead(self.encoder.embed_dim, *sizes)

    def new_centre(self) -> Centre:
        return Centre(int(self.options["prototypes"]), self.options["centre_momentum"])

    @override
    def exported(self) -> nn.Module:
        return self.teacher_encoder

    @override
    @torch.no_grad()
    def prototypes(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch prototypes"]:
        """Returns the teacher's probabilities, centred and sharpened as at the end of training."""
        feature = class_feature(self.teacher_encoder, embed(self.teacher_encoder, images))
        logits = self.teacher_head(feature) - self.centre.value
        probabilities: Tensor = (logits / self.options["teacher_temperature_end"]).softmax(-1)
        return probabilities

    def taught(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        """Yields each student module with the teacher module that follows it."""
        yield self.encoder, self.teacher_encoder
        yield self.head, self.teacher_head

    @override
    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Moves the teacher towards the student, and the centre (DINO section 3.1)."""
        momentum = rising_momentum(self.options["teacher_momentum"], step, self.pretraining.steps)
        for student, teacher in self.taught():
            for new, old in zip(student.parameters(), teacher.parameters(), strict=True):
                old.lerp_(new, 1 - momentum)
        self.centre.update()

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        """Returns two `global` crops and some smaller `local` ones of each image, crop by crop."""
        options, count = self.options, len(images)
        # Of the two global crops only the first is always blurred, only the second ever solarised.
        wide = self._crops(images, draws, "global", np.repeat([1.0, 0.1], count))
        wide = augment.solarise(
            wide, draws.repeated(2), probability=np.repeat([0.0, options["solarise"]], count)
        )
        batch = self._placed("global", wide, draws)
        if number := int(options["local_crops"]):
            narrow = self._crops(images, draws, "local", np.full(number * count, 0.5))
            batch |= self._placed("local", narrow, draws)
        return batch

    def _crops(self, images: Tensor, draws: Draws, kind: str, blurred: np.ndarray) -> Tensor:
        options = self.options
        scale = (options[f"{kind}_least"], options[f"{kind}_greatest"])
        views = len(blurred) // len(images)
        repeated, draws = images.repeat(views, 1, 1, 1), draws.repeated(views)
        crops = self.crops(repeated, draws, int(options[f"{kind}_size"]), scale)
        crops = augment.colour_jitter(
            crops, draws, strength=options["jitter"], hue=options["hue"], grey=options["grey"]
        )
        return augment.blur(crops, draws, deviation=options["blur"], probability=blurred)

    def _placed(self, kind: str, crops: Tensor, draws: Draws) -> dict[str, Tensor]:
        """Returns the crops, and where in the encoder's grid the crops of this step are put."""
        patch = self.encoder.patch_embed.patch_size[0]
        free = np.array(self.encoder.patch_embed.grid_size) - crops.shape[-1] // patch
        corner = torch.from_numpy(draws.together.integers(0, free + 1))
        return {kind: augment.normalise(crops, self.normalisation), f"{kind}_corner": corner}

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
