"""Checks in advance that a language model can be loaded: its weights by their headers, its tokenizer on a prompt.

Of a model that was released whole it checks the weights, and that its processor is there.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from vistok.checkpoints import read_config
from vistok.errors import VistokError
from vistok.grid.fields import RELEASED_KINDS
from vistok.grid.kinds import module_of
from vistok.grid.language_models import LanguageModel
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.headers import GGUF, WEIGHTS, read_shapes
from vistok.planning.weights import shapes_of
from vistok.reading import read_json
from vistok.tokenizers.hub import model_path

_LEAST: Final = 0.995  # of the parameters that an entry states
_QUESTION: Final = "How many dogs are there in the image?"
_GRID: Final = "workflow/grid/llms.yaml"
_MODELS: Final = "workflow/grid/models.yaml"


def check_language_model(study: Study, llm: str) -> str:
    """Returns what was found of a language model.

    Raises:
        VistokError: its weights are missing, broken, or of another size, or its tokenizer cannot be used.
    """
    if study.scale.language_model:
        folder = Paths(study).llm(llm)
        if not folder.is_dir():
            return "will be trained"
        return f"{folder}: {len(read_shapes(folder / WEIGHTS))} tensors"
    entry = study.llm(llm)
    path = model_path(entry.weights, entry.revision)
    _check_config(path, entry)
    return f"{path}: {check_size(path, entry.parameters_m, _GRID)}; {_check_words(path, entry)}"


def check_released_model(study: Study, model: str) -> str:
    """Returns what was found of a model that somebody else trained whole, by the headers of its weights.

    Raises:
        VistokError: its weights are missing, broken, or of another size, or it lacks what its processor is made of.
    """
    entry = study.released_model(model)
    path = model_path(entry.weights, entry.revision)
    parts = import_module(module_of(RELEASED_KINDS, entry.kind)).parts(path)
    return f"{path}: {check_size(path, entry.parameters_m, _MODELS, parts=parts)}; {entry.licence}"


def _check_config(path: Path, entry: LanguageModel) -> None:
    config = _config(path)
    names = {**entry.shape.config, "vocabulary": "vocab_size"}
    actual = {name: config.get(key) for name, key in names.items()}
    stated = {"width": entry.width, "layers": entry.layers, "vocabulary": entry.vocabulary}
    if actual != stated:
        expected = ", ".join(f"{name} {value}" for name, value in stated.items())
        raise VistokError(
            f"{path} has {actual}; {_GRID} says {expected}. Fix the entry, or name another model."
        )


def _config(path: Path) -> Mapping[str, Any]:
    if path.suffix != GGUF:
        return read_config(path)
    from transformers import AutoConfig

    with _read_as_gguf(path):
        return dict(
            AutoConfig.from_pretrained(path.parent, gguf_file=path.name, trust_remote_code=False).to_dict()
        )


@contextmanager
def _read_as_gguf(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # foreign files can raise anything
        raise VistokError(
            f"{path} is not a whole GGUF language model that can be read here: {' '.join(str(error).split())[:200]}. "
            "Fetch it again, or name a folder of the same model."
        ) from error


def check_size(path: Path, stated: float, grid: str, *, parts: Sequence[Path] = ()) -> str:
    """Returns how many parameters a file or folder holds, in words; `stated` is what the `grid` says, in millions.

    Args:
        parts: the files and folders in it that hold them; itself where not given.

    Raises:
        VistokError: they are fewer, or a file of them is missing or broken.
    """
    files = [file for part in parts or (path,) for file in (_weight_files(part) if part.is_dir() else [part])]
    count = sum(math.prod(shape) for file in files for shape in _shapes(file))
    if count < stated * 1e6 * _LEAST:
        raise VistokError(
            f"{path} holds {count / 1e6:,.1f} million parameters, {grid} says {stated:,.1f}. Fetch them "
            "again, or fix the entry."
        )
    return f"{count / 1e6:,.1f} million parameters"


def _weight_files(folder: Path) -> list[Path]:
    """Returns the files that transformers loads: those of PyTorch's old form only where there are no others."""
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        files = sorted(folder.glob(pattern))
        if index := next(iter(folder.glob(f"{pattern}.index.json")), None):
            named = set(read_json(index, what="index of weights")["weight_map"].values())
            if absent := sorted(named - {file.name for file in files}):
                raise VistokError(
                    f"{folder} lacks {len(absent)} of {len(named)} weight files ({absent[0]}). Fetch them."
                )
        if files:
            return files
    raise VistokError(f"{folder} holds no weights. Fetch them on a machine with network.")


def _shapes(file: Path) -> Sequence[Sequence[int]]:
    if file.suffix != GGUF:
        return shapes_of(file)
    from gguf import GGUFReader

    with _read_as_gguf(file):
        return [tensor.shape.tolist() for tensor in GGUFReader(file).tensors]


def _check_words(path: Path, entry: LanguageModel) -> str:
    """Encodes a question as it follows an image."""
    from vistok.mllm.language_models.load import load_words

    words = load_words(path)
    question = words.encode(_QUESTION)
    ids = (*words.before_image, *words.encode(words.after_image(_QUESTION).text), words.end)
    if not question or words.tokenizer.unk_token_id in question:
        raise VistokError(
            f"the tokenizer of {path} does not know the words of {_QUESTION!r}: it makes {question} of them. Fetch "
            "its files again."
        )
    if max(ids) >= entry.vocabulary:
        raise VistokError(
            f"the tokenizer of {path} makes token {max(ids)} of a prompt, and {_GRID} says that there are "
            f"{entry.vocabulary}. Fetch the tokenizer of this very model."
        )
    return f"a question is {len(question)} tokens, an answer ends with {words.tokenizer.eos_token!r}"
