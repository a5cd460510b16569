"""Images with their captions, by a Q-Former alone: BLIP-2's first stage."""

from vistok.datasets.mixture import Mixture
from vistok.grid.recipes import Recipe
from vistok.grid.study import Study
from vistok.mllm.model import MultimodalModel
from vistok.training.image_text import ImageTextLearner


def make(study: Study, model: MultimodalModel, mixture: Mixture, recipe: Recipe) -> ImageTextLearner:
    """Returns what trains a Q-Former without a language model."""
    return ImageTextLearner(model, mixture, recipe)
