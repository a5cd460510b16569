"""Loads a study's language model: the scale's own, or a published one."""

import torch
from transformers import PreTrainedModel

from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.mllm.llm import load_language_model
from vistok.mllm.prompt import PromptEncoder


def load_llm(study: Study, llm: str) -> tuple[PreTrainedModel, PromptEncoder]:
    """Returns a language model, the scale's own or as published, and its prompt encoder."""
    precision = torch.bfloat16 if study.scale.precision == "bf16" else torch.float32
    own = study.scale.language_model is not None
    model, words = load_language_model(
        Paths(study).llm(llm) if own else study.llm(llm).weights, precision=precision
    )
    return model, PromptEncoder(words)
