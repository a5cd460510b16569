"""Full supervision: softmax cross-entropy on one label per image (DeiT, Touvron et al. 2021, undistilled)."""

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import AnnotationKind, Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import class_feature, embed, initialise

_DEFAULTS: Final = {
    "label_smoothing": 0.1,  # DeiT table 9
    "mixup": 0.2,  # DeiT table 9: 0.8, over 300 epochs; CutMix is left out for the same reason
    "mixed": 0.5,  # DeiT table 9: every batch is mixed
    "aligned": 0,  # 1: whole images, in place of resized crops
    "crop_least": 0.6,  # DeiT code: 0.08; a mini object fills a ninth of its image
    "jitter": 0.3,  # DeiT code: colour jitter 0.3, where RandAugment is off
    "window_least": 4,  # patches per side; DeiT: the whole image (FLIP, Li et al. 2023, leaves patches out)
    "window_greatest": 4,
}


class Supervised(Objective):
    """A linear classifier on the class token."""

    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    shares_batches: ClassVar[bool] = True
    needs: ClassVar[frozenset[AnnotationKind]] = frozenset({"label"})
    undecayed: ClassVar[frozenset[str]] = frozenset({"cls_token", "pos_embed"})  # DeiT code: no_weight_decay

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.classes = setup.data.classes
        self.head = nn.Linear(self.encoder.embed_dim, self.classes)
        initialise(self.head)

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        assert examples.labels is not None
        options = self.options
        images = self.crops(images, draws, self.size, (options["crop_least"], 1.0))
        images = augment.colour_jitter(images, draws, strength=options["jitter"], hue=0.0, grey=0.0)
        grid, patch = self.encoder.patch_embed.grid_size[0], self.encoder.patch_embed.patch_size[0]
        side = int(
            draws.together.integers(
                min(options["window_least"], grid), min(options["window_greatest"], grid) + 1
            )
        )
        images = augment.random_window(augment.normalise(images, self.normalisation), draws, patch, side)
        targets = smooth_targets(examples.labels, self.classes, options["label_smoothing"])
        if draws.together.random() < options["mixed"]:
            share = float(draws.together.beta(options["mixup"], options["mixup"]))
            images, targets = mix(images, share), mix(targets, share)
        # The place of a window is drawn apart from its content: classes are learnt in every place.
        corner = torch.from_numpy(draws.together.integers(0, grid - side + 1, 2))
        return {"images": images, "targets": targets, "corner": corner}

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        feature = class_feature(self.encoder, embed(self.encoder, batch["images"], batch["corner"]))
        return functional.cross_entropy(self.head(feature), batch["targets"])


def smooth_targets(labels: np.ndarray, classes: int, smoothing: float) -> Float[Tensor, "batch classes"]:
    """Returns 1 - smoothing on the label, and the rest evenly over all classes (Szegedy et al. 2016)."""
    exact = functional.one_hot(torch.from_numpy(labels), classes).float()
    return exact * (1 - smoothing) + smoothing / classes


def mix(values: Float[Tensor, "batch ..."], share: float) -> Float[Tensor, "batch ..."]:
    """Returns `share` of each row and the rest of its mirror in the batch (mixup, as timm does it)."""
    return torch.lerp(values.flip(0), values, share)


build = Supervised
