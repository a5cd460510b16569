"""Tells beforehand whether weights are there and of the right shape, without loading them or asking a network."""

import math
from collections.abc import Mapping
from pathlib import Path

from vistok.errors import VistokError
from vistok.grid.needs import tokenizer_weights
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.values import Encoder, LanguageModel, Pretrained
from vistok.headers import WEIGHTS, read_shapes
from vistok.reading import read_json
from vistok.tokenizers.hub import encoder_file, model_folder

_LEAST = 0.995  # of the parameters that an entry states


def check_tokenizer(study: Study, tokenizer: str) -> str:
    """Returns what was found of the weights of a tokenizer that the scale does not pretrain.

    Raises:
        VistokError: they are missing, broken, or of another architecture.
    """
    encoder = study.encoder(tokenizer)
    if local := tokenizer_weights(study, tokenizer):
        file = Paths(study).data / local
        _check_shapes(encoder, file / WEIGHTS if file.is_dir() else file, own=False)
        return f"{file}: shapes fit"
    return "random" if encoder.weights == "random" else _check_published(encoder)


def check_pretrained(study: Study, pretrained: Pretrained) -> str:
    """Returns what was found of a checkpoint that the scale pretrains.

    Raises:
        VistokError: it is broken, or of another architecture.
    """
    folder = Paths(study).pretrained(pretrained)
    if not folder.is_dir():
        return "will be pretrained"
    _check_shapes(study.encoder(pretrained.tokenizer), folder / WEIGHTS, own=True)
    return f"{folder}: shapes fit"


def check_language_model(study: Study, llm: str) -> str:
    """Returns what was found of a language model's weights.

    Raises:
        VistokError: they are missing, broken, or of another size.
    """
    if study.scale.language_model:
        folder = Paths(study).llm(llm)
        if not folder.is_dir():
            return "will be trained"
        return f"{folder}: {len(read_shapes(folder / WEIGHTS))} tensors"
    entry = study.llm(llm)
    folder = model_folder(entry.weights, entry.revision)
    config = read_json(folder / "config.json", what="language model's configuration")
    found = {name: config.get(key) for name, key in entry.shape.config.items()}
    if found != {"width": entry.width, "layers": entry.layers}:
        raise VistokError(
            f"{folder} has {found}; workflow/grid/llms.yaml says width {entry.width}, layers {entry.layers}. Fix the "
            "entry, or name another model."
        )
    return _check_size(folder, entry)


def _check_size(folder: Path, entry: LanguageModel) -> str:
    files = sorted(folder.glob("*.safetensors"))
    if index := next(iter(folder.glob("*.safetensors.index.json")), None):
        named = set(read_json(index, what="index of weights")["weight_map"].values())
        if lacking := sorted(named - {file.name for file in files}):
            raise VistokError(
                f"{folder} lacks {len(lacking)} of {len(named)} weight files ({lacking[0]}). Fetch them."
            )
    if not files:
        old = sorted(folder.glob("pytorch_model*.bin"))
        if old:
            return f"{folder}: {len(old)} files of PyTorch's old form, shapes not checked"
        raise VistokError(f"{folder} holds no weights. Fetch them on a machine with network.")
    count = sum(_count(read_shapes(file)) for file in files)
    if count < entry.parameters_m * 1e6 * _LEAST:
        raise VistokError(
            f"{folder} holds {count / 1e6:,.1f} million parameters, workflow/grid/llms.yaml says "
            f"{entry.parameters_m:,.1f}. Fetch them again, or fix the entry."
        )
    return f"{folder}: {count / 1e6:,.1f} million parameters"


def _check_shapes(encoder: Encoder, file: Path, *, own: bool) -> None:
    """Loads nothing: tensors without memory, of the file's shapes, into an encoder without memory."""
    import torch

    from vistok.checkpoints import load_tensors, meta_tensors
    from vistok.tokenizers.base import build_tokenizer
    from vistok.tokenizers.weights import load_foreign

    tensors = meta_tensors(file)
    with torch.device("meta"):
        built = build_tokenizer(encoder)
    if own:
        load_tensors(built, tensors, source=file)
        return
    load_foreign(built.trunk, tensors, file)
    millions = sum(tensor.numel() for tensor in built.trunk.parameters()) / 1e6
    if not math.isclose(millions, encoder.parameters_m, rel_tol=0.01, abs_tol=0.01):
        raise VistokError(
            f"the encoder of {file} has {millions:,.2f} million parameters, its entry in workflow/grid/tokenizers.yaml "
            f"says {encoder.parameters_m:,.2f}, which plans are made with. Fix `parameters_m` there."
        )


def _check_published(encoder: Encoder) -> str:
    file = encoder_file(encoder)
    if file is None:
        return f"{encoder.name}: its library keeps it in no hub; not checked"
    if file.suffix != ".safetensors":
        return f"{file}: there, shapes not checked"
    return _check_count(encoder, file)


def _check_count(encoder: Encoder, file: Path) -> str:
    shapes = read_shapes(file)
    count = _count(shapes)
    if count < encoder.parameters_m * 1e6 * _LEAST or not any(
        encoder.width in shape for shape in shapes.values()
    ):
        raise VistokError(
            f"{file} holds {count / 1e6:,.2f} million parameters; the entry of {encoder.name!r} says "
            f"{encoder.parameters_m:,.2f} of width {encoder.width}. Fix the entry, or fetch the weights again."
        )
    return f"{file}: {count / 1e6:,.2f} million parameters"


def _count(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return sum(math.prod(shape) for shape in shapes.values())
