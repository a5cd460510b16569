"""Builds, loads and saves language models of any kind."""

from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError

from vistok.errors import VistokError
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.language_models.causal import CausalLanguageModel


def load_language_model(name: str | Path, *, precision: torch.dtype = torch.float32) -> LanguageModel:
    """Loads a frozen language model and its tokenizer from a folder or under a published name.

    Raises:
        VistokError: there are no such weights here.
    """
    kind = CausalLanguageModel
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        loaded: Any = getattr(transformers, kind.auto).from_pretrained(
            name, dtype=precision, output_loading_info=True, trust_remote_code=False
        )
        network, report = loaded
        if lacking := sorted(report["missing_keys"]):
            first = ", ".join(lacking[:2])
            raise ValueError(f"its weights lack {len(lacking)} of the tensors of its config ({first})")
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise VistokError(
            f"language model {str(name)!r} cannot be loaded: {' '.join(str(error).split())[:300]}. Fetch its weights "
            "on a machine with network, name a local folder as `weights` in workflow/grid/llms.yaml, or make a "
            "folder of this project again."
        ) from error
    return kind(network, tokenizer).requires_grad_(False).eval()


def save_language_model(folder: Path, model: LanguageModel) -> None:
    model.network.save_pretrained(folder)
    model.words.tokenizer.save_pretrained(folder)
