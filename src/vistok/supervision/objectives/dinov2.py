"""DINO on class tokens and iBOT on hidden patches, with heads of their own (DINOv2, Oquab et al. 2023)."""

import copy
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from vistok.supervision.base import Setup
from vistok.supervision.data import Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import class_feature, embed, encode, split_class_token
from vistok.supervision.ibot import block_masks, patch_cross_entropy
from vistok.supervision.self_distillation import (
    SHARED_DEFAULTS,
    SelfDistillation,
    view_cross_entropy,
)

_DEFAULTS: Final = {
    **SHARED_DEFAULTS,
    "mask_share": 0.5,  # DINOv2 code: mask_sample_probability
    "mask_least": 0.1,  # DINOv2 code: mask_ratio_min_max
    "mask_greatest": 0.5,  # DINOv2 code: mask_ratio_min_max
    "patch_weight": 1.0,  # DINOv2 code: ibot.loss_weight
    "spread_weight": 0.1,  # DINOv2 section 4: KoLeo
}


class DinoV2(SelfDistillation):
    """DINO whose student sees global crops with hidden patches, and must predict the teacher's output there.

    The patch embedding learns as fast as the rest; in DINOv2's code at a fifth, and each block slower than the next:
    that is for weights of a longer training.

    Prototypes are centred as in DINO, not by Sinkhorn-Knopp: the code's default, not its largest runs' choice.
    """

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.patch_head = self.new_head()
        self.teacher_patch_head = copy.deepcopy(self.patch_head).requires_grad_(False)
        self.patch_centre = self.new_centre()
        self.mask_token = nn.Parameter(torch.zeros(1, self.encoder.embed_dim))

    @override
    def taught(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        yield from super().taught()
        yield self.patch_head, self.teacher_patch_head

    @override
    def after_step(self, step: int) -> None:
        super().after_step(step)
        self.patch_centre.update()

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        hidden = block_masks(
            draws.together,
            2 * len(images),
            self.global_grid,
            share=self.options["mask_share"],
            least=self.options["mask_least"],
            greatest=self.options["mask_greatest"],
        )
        return {**super().views(images, examples, draws), "hidden": hidden}

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        hidden, temperature = batch["hidden"], self.options["student_temperature"]
        classes, patches = self._student(batch)
        wide = len(hidden)
        student = self.head(classes, frozen=self.frozen(step))
        student_patches = self.patch_head(patches[hidden], frozen=self.frozen(step))
        teacher, teacher_patches = self._teacher(batch, self.teacher_temperature(step))
        image_loss = view_cross_entropy(
            teacher.view(2, wide // 2, -1), student.view(-1, wide // 2, student.shape[-1]), temperature
        )
        patch_loss = patch_cross_entropy(teacher_patches, student_patches, hidden, temperature)
        spread = sum(spread_loss(crop) for crop in classes[:wide].chunk(2))
        return image_loss + self.options["patch_weight"] * patch_loss + self.options["spread_weight"] * spread

    def _student(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the class tokens of all crops, and the patches of the global crops."""
        embedded = embed(
            self.encoder,
            batch["global"],
            batch["global_corner"],
            hidden=batch["hidden"],
            mask_token=self.mask_token,
        )
        classes, patches = split_class_token(self.encoder, encode(self.encoder, embedded))
        if "local" in batch:
            local = class_feature(self.encoder, embed(self.encoder, batch["local"], batch["local_corner"]))
            classes = torch.cat([classes, local])
        return classes, patches

    @torch.no_grad()
    def _teacher(self, batch: dict[str, Tensor], temperature: float) -> tuple[Tensor, Tensor]:
        """Returns the probabilities of global crops, and of their patches that are hidden from the student."""
        tokens = encode(
            self.teacher_encoder, embed(self.teacher_encoder, batch["global"], batch["global_corner"])
        )
        classes, patches = split_class_token(self.teacher_encoder, tokens)
        class_probabilities = self.centre.sharpen(self.teacher_head(classes), temperature)
        hidden = self.teacher_patch_head(patches[batch["hidden"]])
        return class_probabilities, self.patch_centre.sharpen(hidden, temperature)


def spread_loss(features: Float[Tensor, "batch width"]) -> Float[Tensor, ""]:
    """Returns the KoLeo term: minus the mean log distance to the nearest other image (DINOv2 section 4)."""
    features = functional.normalize(features, dim=-1)
    with torch.no_grad():
        near = (features @ features.T).fill_diagonal_(-2.0).argmax(dim=1)
    distance = functional.pairwise_distance(features, features[near], eps=1e-8)
    return -(distance + 1e-8).log().mean()


build = DinoV2
