"""Answers, and the loss that made the tokenizer: ETT's tuning."""

from vistok.datasets.mixture import Mixture
from vistok.grid.recipes import Recipe
from vistok.grid.study import Study
from vistok.mllm.model import MultimodalModel
from vistok.steps.ett_models import tokenizer_loss
from vistok.supervision.ibq.tuning import TuningLearner


def make(study: Study, model: MultimodalModel, mixture: Mixture, recipe: Recipe) -> TuningLearner:
    """Returns what trains a model and its tokenizer with a codebook.

    Raises:
        VistokError: the scale has no such tokenizer, or its perceptual net is missing or changed.
    """
    return TuningLearner(model, mixture, recipe, tokenizer_loss(study))
