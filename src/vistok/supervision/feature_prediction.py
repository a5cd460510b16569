"""What feature distillation and masked features share: a student predicts a teacher's features, token by token.

They differ in what a subclass says: whether patches are hidden from the student, the space of the target, the loss at a
token, and the tokens where it counts.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from typing_extensions import override

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.supervision import augment
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import initialise, is_plain, prepare
from vistok.supervision.ibot import block_masks
from vistok.tokenizers.base import build_tokenizer

SHARED_DEFAULTS: Final[Mapping[str, float]] = {
    "mask_share": 0.0,  # of the patches, hidden from the student
    "drop_path": 0.0,  # of the student alone: the rate of its last block
}


class FeaturePrediction(Objective):
    """A student, from random weights unless it has a base, and a linear projection to the target's width.

    Student and teacher see the same crop, each normalised as its own weights were or will be used; hidden patches are
    hidden from the student alone. The student is any encoder of timm with a patch embedding.
    """

    defaults: ClassVar[Mapping[str, float]] = SHARED_DEFAULTS
    shares_batches: ClassVar[bool] = True
    needs_teacher: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        assert setup.teacher is not None
        self.teacher = setup.teacher.requires_grad_(False).eval()
        _check_tokens(setup.teacher.encoder, setup.encoder)
        self.grid: tuple[int, int] = self.encoder.patch_embed.grid_size
        self.patches = self.grid[0] * self.grid[1]
        # A 1 x 1 convolution over tokens.
        self.projection = nn.Linear(setup.encoder.width, self.target_width(setup))
        initialise(self.projection)
        if self.options["mask_share"]:
            self.mask_token = nn.Parameter(nn.init.trunc_normal_(torch.empty(setup.encoder.width), std=0.02))

    @abstractmethod
    def target_width(self, setup: Setup) -> int:
        """Returns the width of the target; a place to build what it takes besides the teacher."""

    @abstractmethod
    def target(self, features: Float[Tensor, "batch tokens taught"]) -> Float[Tensor, "batch tokens target"]:
        """Returns what is to be predicted, from the teacher's features behind its final norm."""

    @abstractmethod
    def token_losses(
        self, predicted: Float[Tensor, "batch tokens target"], target: Float[Tensor, "batch tokens target"]
    ) -> Float[Tensor, "batch tokens"]:
        """Returns the loss at each token."""

    @abstractmethod
    def counted(
        self, losses: Float[Tensor, "batch tokens"], hidden: Bool[Tensor, "batch patches"] | None
    ) -> Float[Tensor, " counted"]:
        """Returns the losses of the tokens that count."""

    @override
    def untrained(self, setup: Setup) -> Any:
        encoder = setup.encoder.model_copy(update={"final_norm": True})
        trunk = build_tokenizer(encoder).trunk
        added: dict[str, Any] = {}
        if rate := setup.pretraining.options.get("drop_path", self.defaults["drop_path"]):
            added["drop_path_rate"] = rate
        if isinstance(
            getattr(trunk, "norm", None), nn.Identity
        ):  # timm would norm the mean of its tokens instead
            added["global_pool"] = "token"
        encoder = encoder.model_copy(update={"arguments": {**encoder.arguments, **added}})
        if is_plain(trunk):
            return super().untrained(setup.changed(encoder=encoder))
        trunk = build_tokenizer(encoder).trunk
        prepare(trunk, self.sample(setup))
        return trunk

    @override
    def views(
        self,
        images: Float[Tensor, "batch 3 height width"],
        examples: Examples,
        draws: Draws,
    ) -> dict[str, Tensor]:
        images = self.crops(images, draws, self.size, (self.options["crop_least"], 1.0))
        batch = {
            "images": augment.normalise(images, self.normalisation),
            "taught": augment.normalise(images, self.teacher.encoder.normalisation),
            "chance": torch.tensor(int(draws.together.integers(2**31))),
        }
        if share := self.options["mask_share"]:
            # One block: on a grid of few patches BEiT's several, of 16 patches at least, are one.
            hidden = block_masks(
                draws.together, draws.batch, self.grid, share=1.0, least=share, greatest=share
            )
            batch["hidden"] = hidden[torch.from_numpy(draws.rows)]
        return batch

    @override
    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        hidden = batch.get("hidden")
        predicted = self.projection(self.student(batch["images"], hidden, int(batch["chance"])))
        with torch.no_grad():
            target = self.target(self.teacher(batch["taught"]))
        return self.counted(self.token_losses(predicted, target), hidden).mean()

    def student(
        self,
        images: Float[Tensor, "batch 3 size size"],
        hidden: Bool[Tensor, "batch patches"] | None,
        seed: int,
    ) -> Float[Tensor, "batch tokens width"]:
        """Returns the student's tokens behind its final norm; `seed` seeds which paths are dropped."""
        with seeded(seed) if self.options["drop_path"] else torch.random.fork_rng(enabled=False):
            if hidden is None:
                return self.encoder.forward_features(images)
            with hiding(self.encoder.patch_embed, hidden, self.mask_token):
                return self.encoder.forward_features(images)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draws from a seed inside, and leaves torch's own chance as it was."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextmanager
def hiding(
    patch_embed: nn.Module, hidden: Bool[Tensor, "batch patches"], token: Float[Tensor, " width"]
) -> Iterator[None]:
    """Puts a token in the place of hidden patches, whatever encoder embeds them: before positions are added."""

    def replace(module: nn.Module, inputs: object, patches: Tensor) -> Tensor:
        return torch.where(hidden.view(*patches.shape[:-1], 1), token, patches)

    handle = patch_embed.register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()


def _check_tokens(taught: Encoder, own: Encoder) -> None:
    if (taught.image_size, taught.tokens) != (own.image_size, own.tokens):
        raise VistokError(
            f"the teacher gives {taught.tokens} tokens for {taught.image_size} pixels, and its student "
            f"{own.tokens} for {own.image_size}: features are learnt token by token. Name a teacher with as many."
        )
