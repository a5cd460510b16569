"""Builds, loads and saves language models of any kind."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

import torch
import transformers
from transformers import PreTrainedTokenizerBase

from vistok.checkpoints import meta_tensors
from vistok.errors import VistokError
from vistok.grid.language_models import LanguageModelKind
from vistok.grid.training_sizes import LanguageModelSize
from vistok.headers import GGUF
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.prompt import PromptEncoder
from vistok.mllm.words import make_word_tokenizer

_SENTENCEPIECE: Final = ("tokenizer.model", "spiece.model")


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
    """Loads a frozen language model and its tokenizer from a folder, a file in GGUF or under a published name.

    Raises:
        VistokError: there are no such weights here, or what is here cannot be read without running its code.
    """
    model = class_of(kind)
    with _explained(name):
        tokenizer = _words(name)
        _check_old_files(Path(name))
        loaded: Any = getattr(transformers, model.auto).from_pretrained(
            **_location(name),
            **({"quantization_config": transformers.GgufConfig(dequantize=True)} if _is_gguf(name) else {}),
            dtype=precision,
            output_loading_info=True,
            trust_remote_code=False,
        )
        network, report = loaded
        if missing := sorted(report["missing_keys"]):
            first = ", ".join(missing[:2])
            raise ValueError(f"its weights lack {len(missing)} of the tensors of its config ({first})")
        return model(network, tokenizer).requires_grad_(False).eval()


def load_words(name: str | Path) -> PromptEncoder:
    """Returns how a language model of a folder or of a file in GGUF turns text into tokens; reads no weights.

    Raises:
        VistokError: it has no tokenizer that can be read here, or one without a token that ends an answer.
    """
    with _explained(name):
        return PromptEncoder(_words(name))


@contextmanager
def _explained(name: str | Path) -> Iterator[None]:
    """Turns any error of transformers into one sentence."""
    try:
        yield
    except VistokError:
        raise
    except Exception as error:  # foreign files can raise anything
        raise VistokError(
            f"language model {str(name)!r} cannot be loaded: {' '.join(str(error).split())[:300]}. Fetch its weights "
            "on a machine with network, name a local folder as `weights` in workflow/grid/llms.yaml, or make a "
            "folder of this project again."
        ) from error


def _location(name: str | Path) -> dict[str, Any]:
    """Returns where transformers finds a model: in a folder, under a published name, or in a file of a folder."""
    path = Path(name)
    if _is_gguf(name):
        return {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    return {"pretrained_model_name_or_path": name}


def _is_gguf(name: str | Path) -> bool:
    return Path(name).suffix == GGUF


def _words(name: str | Path) -> PreTrainedTokenizerBase:
    alone = [file for file in _SENTENCEPIECE if (Path(name) / file).is_file()]
    readers = ("sentencepiece", "google.protobuf") if alone else ()
    if not (Path(name) / "tokenizer.json").is_file() and not all(map(_is_installed, readers)):
        raise ValueError(
            f"its tokenizer is {alone[0]} alone, which sentencepiece and protobuf read: pip install 'vistok[study]'"
        )
    words = transformers.AutoTokenizer.from_pretrained(**_location(name), trust_remote_code=False)
    if words.eos_token_id is None:
        raise ValueError("its tokenizer has no token that ends an answer (`eos_token`)")
    return cast(PreTrainedTokenizerBase, words)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not there either
        return False


def _check_old_files(folder: Path) -> None:
    """Refuses files of PyTorch's old form that hold more than tensors; transformers runs no code of them either.

    Its own refusal says how to run that code.
    """
    if not any(folder.glob("*.safetensors")):
        for file in sorted(folder.glob("pytorch_model*.bin")):
            meta_tensors(file)


def save_language_model(folder: Path, model: LanguageModel) -> None:
    model.network.save_pretrained(folder)
    for of_machine in ("local_files_only", "is_local"):  # how it was loaded: a local detail
        model.words.tokenizer.init_kwargs.pop(of_machine, None)
    model.words.tokenizer.save_pretrained(folder)
