"""Where a tokenizer's weights come from: its library, a checkpoint of this project, or a foreign file."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from torch import Tensor, nn

from vistok.checkpoints import load_tensors, read_config, read_tensors
from vistok.errors import VistokError
from vistok.grid.values import Encoder
from vistok.headers import WEIGHTS
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer

_UNUSED: Final = (".mask_token",)  # in a trunk's parts, but not in its features


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
    file = data_root / encoder.weights
    load_foreign(tokenizer.trunk, read_tensors(file / WEIGHTS if file.is_dir() else file), file)
    return tokenizer


def _load_own(encoder: Encoder, checkpoint: Path) -> VisualTokenizer:
    try:
        saved = Encoder.model_validate(read_config(checkpoint).get("encoder"))
    except ValidationError as error:
        raise VistokError(
            f"{checkpoint} is no tokenizer's checkpoint: its config.json has no encoder. Build it again."
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


def load_foreign(trunk: nn.Module, tensors: dict[str, Tensor], source: Path) -> None:
    """Loads a foreign file whose names may stand behind a prefix (`module.visual.`).

    What the file holds beside the trunk (heads, decoders, the final norm, a text tower) is left; a further
    block or scale inside the trunk's own parts is not, for without it the features would be others.

    Raises:
        VistokError: the file is of another architecture.
    """
    wanted = trunk.state_dict().keys()
    prefix = _prefix(wanted, tensors.keys())
    parts = {name.partition(".")[0] for name in wanted if "." in name}
    found = {}
    for whole, tensor in tensors.items():
        name = whole.removeprefix(prefix) if whole.startswith(prefix) else ""
        counted = name.partition(".")[0] in parts and tensor.is_floating_point()
        if name in wanted or (counted and not name.endswith(_UNUSED)):
            found[name] = tensor
    load_tensors(trunk, found, source=source)


def _prefix(wanted: Collection[str], names: Collection[str]) -> str:
    """Returns what stands before the trunk's names: that which fits most of them, the shortest of equals."""
    first = next(iter(wanted))
    ends = {name.removesuffix(first) for name in names if name.endswith(first)}
    return max(
        sorted(ends, key=len), key=lambda end: sum(f"{end}{name}" in names for name in wanted), default=""
    )
