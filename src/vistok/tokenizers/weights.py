"""Where a tokenizer's weights come from: its library, a checkpoint of this project, or a foreign file."""

from pathlib import Path

from torch import Tensor, nn

from vistok.checkpoints import WEIGHTS, load_tensors, read_config, read_tensors
from vistok.errors import VistokError
from vistok.grid.values import Encoder
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer


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
    saved = Encoder.model_validate(read_config(checkpoint)["encoder"])
    if saved != encoder:
        raise VistokError(
            f"{checkpoint} was made for another encoder ({saved.name}, {saved.arguments}) than the grid now asks for "
            f"({encoder.name}, {encoder.arguments}). Build it again."
        )
    tokenizer = build_tokenizer(encoder)
    load_tensors(tokenizer, read_tensors(checkpoint / WEIGHTS), source=checkpoint)
    return tokenizer


def load_foreign(trunk: nn.Module, tensors: dict[str, Tensor], source: Path) -> None:
    """Loads a foreign file whose names may stand behind a prefix (`module.visual.`); its heads are left."""
    wanted = trunk.state_dict().keys()
    ends = {name.removesuffix(key) for key in list(wanted)[:1] for name in tensors if name.endswith(key)}
    prefix = max(sorted(ends), key=lambda end: sum(f"{end}{key}" in tensors for key in wanted), default="")
    found = {key: tensors[f"{prefix}{key}"] for key in wanted if f"{prefix}{key}" in tensors}
    load_tensors(trunk, found, source=source)
