"""Checks in advance that tokenizers' weights exist and have the right shapes; loads none and uses no network."""

import math
from pathlib import Path

from vistok.errors import VistokError
from vistok.grid.needs import tokenizer_weights
from vistok.grid.paths import Paths
from vistok.grid.runs import Pretrained
from vistok.grid.study import Study
from vistok.grid.tokenizers import Encoder
from vistok.headers import WEIGHTS, read_shapes
from vistok.tokenizers.hub import encoder_file

_LEAST = 0.995  # of the parameters that an entry states


def check_tokenizer(study: Study, tokenizer: str) -> str:
    """Returns what was found of the weights of a tokenizer that the scale does not pretrain.

    Raises:
        VistokError: they are missing, broken, or of another architecture.
    """
    encoder = study.encoder(tokenizer)
    if local := tokenizer_weights(study, tokenizer):
        from vistok.tokenizers.weights import weights_file

        file = weights_file(Paths(study).data / local)
        resampled = _check_shapes(encoder, file, own=False)
        return f"{file}: {resampled or 'shapes fit'}"
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


def _check_shapes(encoder: Encoder, file: Path, *, own: bool) -> str:
    """Returns what would be resampled; loads nothing but shapes into an encoder without memory."""
    import torch

    from vistok.checkpoints import load_tensors, meta_tensors
    from vistok.tokenizers.base import build_tokenizer
    from vistok.tokenizers.weights import load_foreign

    tensors = meta_tensors(file)
    with torch.device("meta"):
        built = build_tokenizer(encoder)
    if own:
        load_tensors(built, tensors, source=file)
        return ""
    resampled = load_foreign(built, tensors, file)
    millions = sum(tensor.numel() for tensor in built.trunk.parameters()) / 1e6
    if not math.isclose(millions, encoder.parameters_m, rel_tol=0.01, abs_tol=0.01):
        raise VistokError(
            f"the encoder of {file} has {millions:,.2f} million parameters, its entry in workflow/grid/tokenizers.yaml "
            f"says {encoder.parameters_m:,.2f}, which plans are made with. Fix `parameters_m` there."
        )
    return resampled


def _check_published(encoder: Encoder) -> str:
    file = encoder_file(encoder)
    if file is None:
        return f"{encoder.name}: its library keeps it in no hub; not checked"
    return _check_count(encoder, file)


def _check_count(encoder: Encoder, file: Path) -> str:
    shapes = shapes_of(file)
    count = sum(map(math.prod, shapes))
    if count < encoder.parameters_m * 1e6 * _LEAST or not any(encoder.width in shape for shape in shapes):
        raise VistokError(
            f"{file} holds {count / 1e6:,.2f} million parameters; the entry of {encoder.name!r} says "
            f"{encoder.parameters_m:,.2f} of width {encoder.width}. Fix the entry, or fetch the weights again."
        )
    return f"{file}: {count / 1e6:,.2f} million parameters"


def shapes_of(file: Path) -> list[tuple[int, ...]]:
    """Returns the shapes of a file's tensors, of whose header alone anything is read; in PyTorch's old form, too.

    Raises:
        VistokError: the file is truncated, or holds more than tensors.
    """
    if file.suffix == ".safetensors":
        return [*read_shapes(file).values()]
    from vistok.checkpoints import meta_tensors

    return [tuple(tensor.shape) for tensor in meta_tensors(file).values()]
