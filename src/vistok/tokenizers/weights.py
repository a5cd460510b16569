"""Where a tokenizer's weights come from: its library, a checkpoint of this project, or a foreign file."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from torch import Tensor

from vistok.checkpoints import load_tensors, read_config, read_tensors
from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.headers import WEIGHTS
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer

_OLD: Final = "pytorch_model.bin"
_UNUSED: Final = (".mask_token",)  # in a trunk's parts, but not in its features
_COUNTER: Final = ".num_batches_tracked"
_POSITIONS: Final = ("pos_embed", "positional_embedding")


def load_tokenizer(encoder: Encoder, *, checkpoint: Path | None, data_root: Path) -> VisualTokenizer:
    """Builds a tokenizer with its weights.

    Args:
        encoder: how it is built; `weights` counts where there is no `checkpoint`.
        checkpoint: a folder that this project wrote, of the same architecture.
        data_root: where a relative `weights` path starts.

    Raises:
        VistokError: the weights are missing, or are of another architecture.
    """
    if checkpoint is not None:
        return _load_own(encoder, checkpoint)
    if encoder.weights in ("published", "random"):
        return build_tokenizer(encoder, published=encoder.weights == "published")
    tokenizer = build_tokenizer(encoder)
    file = weights_file(data_root / encoder.weights)
    if resampled := load_foreign(tokenizer, read_tensors(file), file):
        print(f"{file}: {resampled}", flush=True)
    return tokenizer


def weights_file(path: Path) -> Path:
    """Returns the file that a local `weights` names: itself, or that of a folder as a hub lays it out."""
    if not path.is_dir():
        return path
    return next((path / name for name in (WEIGHTS, _OLD) if (path / name).is_file()), path / WEIGHTS)


def _load_own(encoder: Encoder, checkpoint: Path) -> VisualTokenizer:
    try:
        saved = Encoder.model_validate(read_config(checkpoint).get("encoder"))
    except ValidationError as error:
        raise VistokError(
            f"{checkpoint} is not a tokenizer's checkpoint: its config.json has no encoder. Build it again."
        ) from error
    if saved.architecture != encoder.architecture:
        wrong = [key for key, value in encoder.architecture.items() if saved.architecture[key] != value]
        raise VistokError(
            f"{checkpoint} was made for another encoder than the grid now asks for: "
            + ", ".join(
                f"{key} {saved.architecture[key]!r}, now {encoder.architecture[key]!r}" for key in wrong
            )
            + ". Build it again."
        )
    tokenizer = build_tokenizer(encoder)
    load_tensors(tokenizer, read_tensors(checkpoint / WEIGHTS), source=checkpoint)
    return tokenizer


def load_foreign(tokenizer: VisualTokenizer, tensors: dict[str, Tensor], source: Path) -> str:
    """Loads a foreign file whose names may have a prefix (`module.visual.`).

    What the file holds beside the trunk (heads, decoders, the final norm, a text tower) is left; a further
    block or scale inside the trunk's own parts is not, for without it the features would be others.

    Returns:
        what of it was resampled for another size of images, and how; nothing where all of it fits.

    Raises:
        VistokError: the file is of another architecture.
    """
    own = tokenizer.trunk.state_dict()
    prefix = _prefix(own, tensors.keys())
    named = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    fits = all(name in named and named[name].shape == tensor.shape for name, tensor in own.items())
    adapted = named if fits else tokenizer.adapted(named)
    resampled = [
        name for name, tensor in adapted.items() if name in named and tensor.shape != named[name].shape
    ]
    # Weights of other patches are other weights, and tables of relative positions no grid, though timm would try.
    refused = [name for name in resampled if not name.endswith(_POSITIONS)]
    fitting = {name: named[name] for name in own if name in named and name not in adapted}
    adapted = {**adapted, **fitting, **{name: named[name] for name in refused}}
    loaded = _of_trunk(own, adapted)
    load_tensors(tokenizer.trunk, loaded, source=source)
    return "; ".join(
        f"{name} resampled from {tuple(named[name].shape)} to {tuple(adapted[name].shape)} (bicubic, antialiased, as "
        f"{tokenizer.encoder.library} does)"
        for name in resampled
    )


def _of_trunk(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns what of a file is the trunk's; counters of batches, which older files lack, change no feature."""
    modules = {name.partition(".")[0] for name in own if "." in name}
    selected = {name: tensor for name, tensor in own.items() if tensors and name.endswith(_COUNTER)}
    for name, tensor in tensors.items():
        counted = name.partition(".")[0] in modules and tensor.is_floating_point()
        if name in own or (counted and not name.endswith(_UNUSED)):
            selected[name] = tensor
    return selected


def _prefix(own: Collection[str], names: Collection[str]) -> str:
    """Returns the prefix of the trunk's names: the one that fits most of them, the shortest of equals."""
    first = next(iter(own))
    ends = {name.removesuffix(first) for name in names if name.endswith(first)}
    return max(
        sorted(ends, key=len), key=lambda end: sum(f"{end}{name}" in names for name in own), default=""
    )
