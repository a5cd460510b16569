"""Region-text pretraining: a CLIP learns to name regions as its frozen self does (RegionCLIP, Zhong et al. 2022)."""

from collections.abc import Mapping
from typing import ClassVar, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import roi_align
from typing_extensions import override

from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.concepts import head_nouns
from vistok.supervision.data import AnnotationKind, Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import embed, encode
from vistok.supervision.objectives.contrastive import symmetric_cross_entropy
from vistok.supervision.proposing import Proposer
from vistok.supervision.text import IMAGE_PROJECTION, TextTower

_DEFAULTS: Final = {
    "regions": 6,  # RegionCLIP code: 100 of 300 proposals
    "overlap": 0.7,  # RegionCLIP code: of a detectron2 proposal network
    "temperature": 0.01,  # RegionCLIP section 3.3
    "least_score": 0.1,  # RegionCLIP code: of a pseudo label, among all concepts
    "contrast_weight": 1.0,  # RegionCLIP section 3.3: the three losses weigh alike
    "distillation_weight": 1.0,
    "image_weight": 1.0,
    "aligned": 0,  # 1: whole images, in place of resized crops
    "crop_least": 0.9,  # as the contrastive objective
}
_TEMPLATES: Final = ("a {}",)  # RegionCLIP section 3.2: CLIP's; the texts of a small world know fewer words
_SAMPLES: Final = 2  # points a side of a cell, that RoIAlign averages over (He et al. 2017); of pixels one


class RegionClip(Objective):
    """Student and teacher start as one CLIP, whose text tower stays.

    A student's region is RoIAlign of its map of patches. The teacher sees each region as an image of its own, cut
    out of the pixels by RoIAlign: a CLIP's map of patches, which its own loss has never seen, names nothing.
    """

    concepts: Tensor
    defaults: ClassVar[Mapping[str, float]] = _DEFAULTS
    needs: ClassVar[frozenset[AnnotationKind]] = frozenset({"captions"})
    needs_base: ClassVar[bool] = True
    needs_teacher: ClassVar[bool] = True
    needs_proposer: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        assert setup.teacher is not None
        assert setup.proposer is not None
        self.teacher = setup.teacher.requires_grad_(False).eval()
        self.proposer = Proposer(setup.proposer, setup.heads_of("proposer"))
        taught = setup.heads_of("teacher")
        self.teacher_text = TextTower(taught).requires_grad_(False)
        self.register_buffer("concepts", self.teacher_text.names(head_nouns(setup.data.texts()), _TEMPLATES))
        shared = self.concepts.shape[1]
        self.teacher_projection = nn.Linear(setup.teacher.encoder.width, shared, bias=False)
        self.projection = nn.Linear(self.encoder.embed_dim, shared, bias=False)
        taught.load(IMAGE_PROJECTION, self.teacher_projection)
        setup.heads_of("base").load(IMAGE_PROJECTION, self.projection)
        self.teacher_projection.requires_grad_(False)
        self.scale = 1 / self.options["temperature"]

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        assert examples.texts is not None
        images = self.crops(images, draws, self.size, (self.options["crop_least"], 1.0), flip=0.0)
        return {
            "images": augment.normalise(images, self.normalisation),
            "taught": augment.normalise(images, self.teacher.encoder.normalisation),
            "asked": augment.normalise(images, self.proposer.tokenizer.encoder.normalisation),
            "tokens": self.teacher_text.encode(examples.texts),
        }

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        boxes, valid = self.proposer(batch["asked"], int(self.options["regions"]), self.options["overlap"])
        taught = self.taught_regions(batch["taught"], boxes)[valid.flatten()]
        tokens = encode(self.encoder, embed(self.encoder, batch["images"]))
        student_features = self.projection(self.regions(tokens, boxes))[valid.flatten()]
        student, teacher = (
            self.scale * _unit(features) @ self.concepts.T for features in (student_features, taught)
        )
        image = self.projection(tokens[:, 0])
        with torch.no_grad():
            read = self.teacher_text(batch["tokens"])
        scale = torch.tensor(self.scale, device=image.device)
        weights, least = self.options, self.options["least_score"]
        return (
            weights["contrast_weight"] * concept_contrast(student, teacher, least)
            + weights["distillation_weight"] * distillation(student, teacher)
            + weights["image_weight"] * symmetric_cross_entropy(image, read, scale)
        )

    def regions(
        self, tokens: Float[Tensor, "batch tokens width"], boxes: Float[Tensor, "batch count 4"]
    ) -> Float[Tensor, "regions width"]:
        """Returns the student's feature of each region: RoIAlign of the map that the patches are."""
        rows, columns = self.encoder.patch_embed.grid_size
        map_of = tokens[:, -rows * columns :].transpose(1, 2).unflatten(2, (rows, columns))
        return cut(map_of, boxes, 1, _SAMPLES)[..., 0, 0]

    @torch.no_grad()
    def taught_regions(
        self, images: Float[Tensor, "batch 3 size size"], boxes: Float[Tensor, "batch count 4"]
    ) -> Float[Tensor, "regions shared"]:
        """Returns the teacher's feature of each region, as of an image of its own."""
        regions = cut(images, boxes, self.teacher.encoder.image_size)
        projected: Tensor = self.teacher_projection(self.teacher(regions)[:, 0])
        return projected


def cut(
    maps: Float[Tensor, "batch channels rows columns"],
    boxes: Float[Tensor, "batch count 4"],
    size: int,
    samples: int = 1,
) -> Float[Tensor, "regions channels size size"]:
    """Returns each box of each map, resized (RoIAlign, He et al. 2017).

    Args:
        boxes: as shares of the map's sides.
        size: cells a side of the result.
        samples: points a side of a cell.
    """
    rows, columns = maps.shape[-2:]
    scaled = boxes * boxes.new_tensor([columns, rows, columns, rows])
    regions: Tensor = roi_align(maps, list(scaled), size, sampling_ratio=samples, aligned=True)
    return regions


def concept_contrast(
    student: Float[Tensor, "regions concepts"], teacher: Float[Tensor, "regions concepts"], least: float
) -> Float[Tensor, ""]:
    """Returns the cross-entropy of each region to its pseudo label, among the labels of the batch (equation 3).

    Args:
        student: scaled cosines to the concepts.
        teacher: likewise; its likeliest concept is the label of a region, if it is at least this likely.
        least: the least likelihood of a label.
    """
    score, label = teacher.softmax(-1).max(-1)
    sure = score >= least
    if not sure.any():
        return 0.0 * student.sum()
    named, target = label[sure].unique(return_inverse=True)
    return functional.cross_entropy(student[sure][:, named], target)


def distillation(
    student: Float[Tensor, "regions concepts"], teacher: Float[Tensor, "regions concepts"]
) -> Float[Tensor, ""]:
    """Returns how far the student's likelihoods of concepts are from the teacher's, as KL divergence (equation 4)."""
    if not len(student):
        return 0.0 * student.sum()
    return functional.kl_div(
        student.log_softmax(-1), teacher.log_softmax(-1), log_target=True, reduction="batchmean"
    )


def _unit(features: Tensor) -> Tensor:
    return functional.normalize(features, dim=-1)


build = RegionClip
