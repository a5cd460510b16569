"""The interface of everything that the training loop trains."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vistok.training.batches import Batch, by_length


class Learner(nn.Module, ABC):
    """A module with its data.

    Attributes:
        undecayed: the last parts of the names of weights that do not decay, besides vectors.
    """

    undecayed: frozenset[str] = frozenset()

    @abstractmethod
    def batch(self, step: int, process: int, processes: int) -> Batch:
        """Returns one process's share of the batch of a step; a pure function of its arguments."""

    @abstractmethod
    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns the sum of the losses and the sum of their weights."""

    def cut(self, batch: Batch, positions: int) -> list[Batch]:
        """Cuts a process's share into parts that it takes one after the other, of at most so many positions each."""
        return by_length(batch, 0, positions)

    def rate(self, name: str) -> float:
        """Returns a parameter's share of the learning rate."""
        return 1.0

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns the tensors that training can change, by their names in the state dict: what a saved state holds."""
        return self.state_dict()

    def after_step(self, step: int) -> None:
        """Runs after an optimiser step, for example to move an averaged teacher."""
