"""Self-distillation with no labels (DINO, Caron et al. 2021): crops of one image must agree."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from vistok.supervision.encoder import class_feature, embed
from vistok.supervision.self_distillation import (
    SHARED_DEFAULTS,
    SelfDistillation,
    view_cross_entropy,
)


class Dino(SelfDistillation):
    """The teacher sees the two global crops, the student sees all."""

    defaults: ClassVar[Mapping[str, float]] = SHARED_DEFAULTS

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        features = [
            class_feature(self.encoder, embed(self.encoder, batch[name], batch[f"{name}_corner"]))
            for name in ("global", "local")
            if name in batch
        ]
        student = self.head(torch.cat(features), frozen=self.frozen(step))
        with torch.no_grad():
            taught = class_feature(
                self.teacher_encoder, embed(self.teacher_encoder, batch["global"], batch["global_corner"])
            )
            teacher = self.centre.sharpen(self.teacher_head(taught), self.teacher_temperature(step))
        images = len(batch["global"]) // 2
        return view_cross_entropy(
            teacher.view(2, images, -1),
            student.view(-1, images, student.shape[-1]),
            self.options["student_temperature"],
        )


build = Dino
