"""No pretraining: the encoder as every objective here starts from it, and what a pretraining is measured from."""

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from vistok.errors import VistokError
from vistok.supervision.base import Objective, Setup
from vistok.supervision.data import Examples
from vistok.supervision.draws import Draws


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

    def views(self, images: Tensor, examples: Examples, draws: Draws) -> dict[str, Tensor]:
        raise AssertionError("an untrained encoder is shown nothing")

    def loss(self, batch: dict[str, Tensor], step: int) -> Float[Tensor, ""]:
        raise AssertionError("an untrained encoder has no loss")
