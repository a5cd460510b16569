"""Loads a study's language model: the scale's own, or a published one."""

import torch

from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.language_models.load import load_language_model


def load_llm(study: Study, llm: str) -> LanguageModel:
    """Returns a frozen language model, the scale's own or as published."""
    precision = torch.bfloat16 if study.scale.precision == "bf16" else torch.float32
    own = study.scale.language_model is not None
    return load_language_model(Paths(study).llm(llm) if own else study.llm(llm).weights, precision=precision)
