"""Loads a study's language model: the scale's own, or a published one."""

import torch

from vistok.chain.checkpoints import check_llm, forget_state
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.language_models.load import load_language_model
from vistok.tokenizers.hub import model_path


def load_llm(study: Study, llm: str, *, single_precision: bool = False) -> LanguageModel:
    """Returns a frozen language model, the scale's own or as published.

    Args:
        single_precision: in single precision at every scale, as one that is trained needs.

    Raises:
        VistokError: it is missing, or the scale's own was changed or is not the one that the study names.
    """
    half = study.scale.precision == "bf16" and not single_precision
    precision = torch.bfloat16 if half else torch.float32
    own = study.language_model_size(llm) is not None
    if own:
        check_llm(study, llm)
        forget_state(Paths(study), Paths(study).llm(llm))
    entry = study.llm(llm)
    weights = Paths(study).llm(llm) if own else model_path(entry.weights, entry.revision)
    return load_language_model(weights, kind=entry.kind, precision=precision)
