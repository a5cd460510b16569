"""Builds, loads and saves language models of any kind."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from safetensors import SafetensorError

from vistok.errors import VistokError
from vistok.grid.language_models import LanguageModelKind
from vistok.grid.scale import LanguageModelSize
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.words import make_word_tokenizer


def class_of(kind: LanguageModelKind) -> type[LanguageModel]:
    """Returns the class of a kind, which one module holds."""
    module = import_module(f"vistok.mllm.language_models.{kind.replace('-', '_')}")
    return cast(type[LanguageModel], module.KIND)


def build_language_model(
    kind: LanguageModelKind, size: LanguageModelSize, corpus: Iterable[str]
) -> LanguageModel:
    """Builds a language model with random weights that knows the words of a corpus."""
    model = class_of(kind)
    return model.build(size, make_word_tokenizer(corpus, starts=model.starts))


def load_language_model(
    name: str | Path, *, kind: LanguageModelKind = "causal", precision: torch.dtype = torch.float32
) -> LanguageModel:
    """Loads a frozen language model and its tokenizer from a folder or under a published name.

    Raises:
        VistokError: there are no such weights here.
    """
    model = class_of(kind)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        loaded: Any = getattr(transformers, model.auto).from_pretrained(
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
    return model(network, tokenizer).requires_grad_(False).eval()


def save_language_model(folder: Path, model: LanguageModel) -> None:
    model.network.save_pretrained(folder)
    model.words.tokenizer.save_pretrained(folder)
