"""No pretraining: the encoder as every objective here starts from it, and what a pretraining is measured from."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from vistok.errors import VistokError
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples
from vistok.supervision.draws import Draws
from vistok.supervision.encoder import is_plain, prepare
from vistok.tokenizers.base import build_tokenizer


def build(setup: Setup) -> "Untrained":
    return Untrained(setup)


class Untrained(Objective):
    """An encoder after its preparation; its pretraining has no step, and so neither views nor a loss."""

    defaults: ClassVar[Mapping[str, float]] = {}

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        if setup.pretraining.steps:
            raise VistokError(
                f"the untrained objective takes no step, found steps: {setup.pretraining.steps}. Give it `steps: 0` "
                "under `pretraining` in the scale's file."
            )

    @override
    def untrained(self, setup: Setup) -> Any:
        """Returns the encoder as training starts from it, a plain ViT or not."""
        encoder = setup.encoder.model_copy(update={"final_norm": True})
        with torch.random.fork_rng(devices=[]):
            trunk = build_tokenizer(encoder).trunk
        if is_plain(trunk):
            return super().untrained(setup)
        prepare(trunk, self.sample(setup))
        return trunk

    def views(self, images: Tensor, examples: Examples, draws: Draws) -> dict[str, Tensor]:
        raise AssertionError("an untrained encoder is shown nothing")

    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        raise AssertionError("an untrained encoder has no loss")
