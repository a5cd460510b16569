"""The interface of every pretraining objective, and the one place where objectives are looked up by id."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import ClassVar, Final, final

import numpy as np
import torch
from jaxtyping import Float, Int64
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from vistok.datasets.order import examples_at
from vistok.errors import VistokError, unknown
from vistok.grid.fields import OBJECTIVES
from vistok.grid.kinds import kinds_in
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import Pretraining
from vistok.supervision import augment
from vistok.supervision.data import AnnotationKind, Examples, PretrainingData
from vistok.supervision.draws import Draws, share_of
from vistok.supervision.encoder import build_encoder, prepare, start_from
from vistok.supervision.heads import Heads, norm_of
from vistok.tokenizers.base import VisualTokenizer

_WHITENED: Final = 1000  # images that the patch embedding is whitened on


@dataclass(frozen=True, eq=False)
class Setup:
    """What an objective is built from.

    Attributes:
        encoder: the architecture of the tokenizer.
        data: the images; they give the number of classes and the words, too.
        base: whose weights the encoder starts from; None: from random ones.
        teacher: whose features it learns to give.
        proposer: what proposes regions of an image to it.
        heads: what the pretrainings of the others learnt besides, by their role here: `base`, `teacher`, `proposer`.
    """

    encoder: Encoder
    pretraining: Pretraining
    data: PretrainingData
    seed: int
    base: VisualTokenizer | None = None
    teacher: VisualTokenizer | None = None
    proposer: VisualTokenizer | None = None
    heads: Mapping[str, Heads] = field(default_factory=dict)

    def changed(self, *, encoder: Encoder) -> "Setup":
        """Returns the same setup of another encoder."""
        return replace(self, encoder=encoder)

    def heads_of(self, role: str) -> Heads:
        """Returns what the pretraining of a base, a teacher or a proposer learnt besides its tokenizer.

        Raises:
            VistokError: it was not pretrained here.
        """
        if role not in self.heads:
            raise VistokError(
                f"this objective needs what the pretraining of its `{role}` learnt besides its encoder, which a "
                f"tokenizer's published weights do not hold. Name a `{role}` that the scale makes itself."
            )
        return self.heads[role]


class Objective(nn.Module, ABC):
    """A pretraining objective: an encoder, whatever heads and teachers train it, and its loss.

    Everything that training changes is a parameter or a buffer, and all randomness is drawn in `batch`: a saved
    state resumes bit for bit.

    Attributes:
        encoder: the encoder that gradients reach.
        defaults: the options that this objective knows, at their mini-scale values.
        needs: the parts of a row besides its pixels that supervise it.
        needs_teacher: whether another tokenizer teaches it.
        needs_base: whether it goes on from another tokenizer, and cannot start from random weights.
        needs_proposer: whether another tokenizer proposes regions to it.
        undecayed: the weights that do not decay as its paper's code has it, by the last part of their names, besides
            biases, norms and whatever else is a vector.
        shares_batches: whether its loss is a mean over images, so that several processes can share a batch.
    """

    defaults: ClassVar[Mapping[str, float]]
    needs: ClassVar[frozenset[AnnotationKind]] = frozenset()
    needs_teacher: ClassVar[bool] = False
    needs_base: ClassVar[bool] = False
    needs_proposer: ClassVar[bool] = False
    shares_batches: ClassVar[bool] = False
    undecayed: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        encoder, pretraining, data = setup.encoder, setup.pretraining, setup.data
        self.name = name = type(self).__module__.rpartition(".")[2].replace("_", "-")
        for kind in sorted(self.needs):
            data.require(kind, name)
        self._check_role("teacher", self.needs_teacher, setup.teacher)
        self._check_role("proposer", self.needs_proposer, setup.proposer)
        if self.needs_base:
            self._check_role("base", True, setup.base)
        self.encoder = self.untrained(setup)
        self.size = encoder.image_size
        self.normalisation = encoder.normalisation
        if setup.base:
            heads = setup.heads.get("base")
            start_from(self.encoder, setup.base, heads.norm if heads else {})
        self.pretraining = pretraining
        self.seed = setup.seed
        for option in pretraining.options:
            if option not in self.defaults:
                raise unknown("pretraining option", option, self.defaults, edit=f"{type(self).__module__}")
        self.options = {**self.defaults, **pretraining.options}

    def _check_role(self, role: str, needed: bool, tokenizer: VisualTokenizer | None) -> None:
        if needed != (tokenizer is not None):
            raise VistokError(
                f"the {self.name} objective {'needs a' if needed else 'takes no'} {role}: "
                f"{'name one as' if needed else 'leave out'} the tokenizer's `{role}`."
            )

    def untrained(self, setup: Setup) -> VisionTransformer:
        """Returns the encoder as training starts from it; what others than plain ViTs start from, an objective says."""
        encoder = build_encoder(setup.encoder)
        prepare(encoder, self.sample(setup))
        return encoder

    def crops(
        self,
        images: Float[Tensor, "batch 3 height width"],
        draws: Draws,
        size: int,
        scale: tuple[float, float],
        *,
        flip: float = 0.5,
    ) -> Float[Tensor, "batch 3 size size"]:
        """Returns a crop of each image: resized, or of whole patches where the option `aligned` says so.

        Args:
            size: pixels per side of the result.
            scale: least and greatest share of the image's area, of resized crops.
            flip: the probability that a crop is mirrored.
        """
        if self.options["aligned"]:
            patch = self.encoder.patch_embed.patch_size[0]
            return augment.aligned_crop(images, draws, size, patch, flip=flip)
        return augment.random_crop(images, draws, size, scale, flip=flip)

    @staticmethod
    def sample(setup: Setup) -> Float[Tensor, "images 3 size size"]:
        """Returns the images that the patch embedding is whitened on, normalised."""
        data = setup.data
        sample = data.examples(range(min(_WHITENED, len(data))), frozenset())
        return augment.normalise(augment.from_bytes(sample.pixels), setup.encoder.normalisation)

    @abstractmethod
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        """Returns what the loss needs of the images of one step, augmented.

        Args:
            images: the pixels of `examples`, from 0 to 1.
            examples: the step's images with the parts of their rows that the objective needs.
            draws: the only source of randomness.
        """

    @abstractmethod
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        """Returns the loss of one batch at a step, from 0."""

    def after_step(self, step: int) -> None:
        """Updates everything that gradients do not; called after each optimiser step."""

    def prototypes(
        self, images: Float[Tensor, "batch 3 size size"]
    ) -> Float[Tensor, "batch prototypes"] | None:
        """Returns the probabilities with which whole, normalised images are sorted, by an objective that sorts them."""
        return None

    def exported(self) -> nn.Module:
        """Returns what becomes the tokenizer, as the method's authors release it."""
        return self.encoder

    def heads(self) -> Heads:
        """Returns what is learnt besides, for tokenizers that are made from this one: here the final norm alone."""
        return Heads(norm_of(self.exported()))

    def forward(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        """The loss, under the name that a data-parallel wrapper calls."""
        return self.loss(batch, step)

    @final
    def batch(
        self, data: PretrainingData, step: int, process: int = 0, processes: int = 1
    ) -> dict[str, Tensor]:
        """Returns a process's share of the batch of a step: a pure function of the data, the seed and the step.

        Raises:
            VistokError: the batch cannot be shared out over so many processes.
        """
        size = self.pretraining.batch
        self._check_processes(processes)
        share = share_of(size, process, processes)
        positions = batch_indices(len(data), size, step, self.seed)[share]
        examples = data.examples(positions, self.needs)
        draws = Draws(np.random.default_rng([self.seed, step]), share, size)
        return self.views(augment.from_bytes(examples.pixels), examples, draws)

    def _check_processes(self, processes: int) -> None:
        if processes == 1:
            return
        if not self.shares_batches:
            raise VistokError(
                f"the {self.name} objective compares the images of a whole batch and is trained in one process, found "
                f"{processes}. Give `pretrain-tokenizer` one GPU in the scale's `resources`."
            )
        if self.pretraining.batch % (2 * processes):
            raise VistokError(
                f"a batch of {self.pretraining.batch} images cannot be shared out evenly, two by two, over {processes} "
                f"processes. Make it a multiple of {2 * processes}, or start fewer."
            )


def batch_indices(images: int, batch: int, step: int, seed: int) -> Int64[np.ndarray, " batch"]:
    """Returns which images a step sees: each epoch is a new permutation, and no image is left over."""
    return examples_at(range(step * batch, (step + 1) * batch), images, seed)


def make_objective(objective: str, setup: Setup) -> Objective:
    """Builds an objective with random weights that depend on the seed alone.

    Args:
        objective: an id of `vistok.grid.fields.Objective`.
        setup: the same must be given when training is resumed.

    Raises:
        VistokError: there is no such objective or option, or the data or the teacher that it needs is missing.
    """
    if objective not in (kinds := kinds_in(OBJECTIVES)):
        raise unknown("objective", objective, kinds, edit=f"src/vistok/{OBJECTIVES}/")
    module = import_module(f"vistok.supervision.objectives.{objective.replace('-', '_')}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(setup.seed)
        built: Objective = module.build(setup)
    return built


def untrained_encoder(objective: Objective, setup: Setup) -> nn.Module:
    """Returns the encoder that an objective was built with, before any step and without the weights of a base.

    An objective draws its encoder before all else, so the same seed gives the same weights again.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(setup.seed)
        encoder: nn.Module = objective.untrained(setup)
    return encoder
