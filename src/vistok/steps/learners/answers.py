"""Answers of the language model to questions about images."""

from vistok.datasets.mixture import Mixture
from vistok.grid.recipes import Recipe
from vistok.grid.study import Study
from vistok.mllm.model import MultimodalModel
from vistok.training.mllm import MultimodalLearner


def make(study: Study, model: MultimodalModel, mixture: Mixture, recipe: Recipe) -> MultimodalLearner:
    """Returns what trains a model by its answers."""
    return MultimodalLearner(model, mixture, recipe)
