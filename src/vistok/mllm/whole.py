"""The interface of models that somebody else trained whole, and the one place where they are loaded.

A kind's module has `load`, and `parts`: the files and folders that hold its weights, for who counts them beforehand.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module

import torch
from PIL.Image import Image

from vistok.grid.fields import RELEASED_KINDS
from vistok.grid.kinds import module_of
from vistok.grid.released_models import ReleasedModel
from vistok.grid.tasks import Decoding


class WholeModel(ABC):
    """A model that takes photographs and texts as they are, and does everything between by itself."""

    @abstractmethod
    def generate(self, images: Sequence[Image], texts: Sequence[str], decoding: Decoding) -> list[str]:
        """Returns the new text behind each text about its image; which others share its batch changes no answer.

        Args:
            images: RGB, of any size, one per text.
            texts: whole inputs in the model's own template.
        """

    @abstractmethod
    def option_losses(
        self, images: Sequence[Image], texts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[tuple[float, int]]]:
        """Returns the summed loss (nats) of each option behind its text, and the number of its tokens; no end token.

        Args:
            options: those of each text; their number may differ.
        """


def load_whole(entry: ReleasedModel, *, precision: torch.dtype, device: torch.device) -> WholeModel:
    """Loads a released model from a local folder, or under its published name and revision.

    Raises:
        VistokError: there are no such weights here, or they are of another kind.
    """
    module = import_module(module_of(RELEASED_KINDS, entry.kind))
    model: WholeModel = module.load(entry, precision, device)
    return model
