"""MiniGPT-4's connector: a Q-Former that stays as another recipe has trained it, and one new linear layer."""

from typing import Self

from vistok.grid.connectors import FrozenQFormer
from vistok.mllm.connectors.q_former import QFormerConnector


def build(value: FrozenQFormer, width: int, llm_width: int) -> "FrozenQFormerConnector":
    return FrozenQFormerConnector(value, width, llm_width)


class FrozenQFormerConnector(QFormerConnector):
    """A Q-Former's connector of which the projection alone can be trained."""

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Has the projection keep gradients or not; the rest keeps none."""
        super().requires_grad_(False)
        self.projection.requires_grad_(requires_grad)
        return self
