"""What a pretraining learns besides a tokenizer: its final norm, projections, a text tower, boxes.

A tokenizer's checkpoint keeps them in a file of their own, for what is made from it; no MLLM reads them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from safetensors.torch import save_file
from torch import Tensor, nn

from vistok.checkpoints import load_tensors, read_config, read_tensors
from vistok.errors import VistokError
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer

HEADS: Final = "heads.safetensors"
SETTINGS: Final = "heads"  # their key in config.json
_NORM: Final = "norm."


@dataclass(frozen=True, eq=False)
class Heads:
    """Heads of a pretraining.

    Attributes:
        tensors: by name: `norm.*` is the encoder's final norm, `NAME.*` the objective's module of that name.
        settings: what building them again takes besides, as JSON-like values.
    """

    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def norm(self) -> dict[str, Tensor]:
        """The final norm, by its names in the encoder; empty where there is none."""
        return {name: tensor for name, tensor in self.tensors.items() if name.startswith(_NORM)}

    def with_modules(self, modules: Mapping[str, nn.Module], **settings: Any) -> "Heads":
        """Returns the same heads and some modules by their names."""
        added = {
            f"{prefix}.{name}": tensor
            for prefix, module in modules.items()
            for name, tensor in module.state_dict().items()
        }
        return Heads({**self.tensors, **added}, {**self.settings, **settings})

    def part(self, name: str) -> dict[str, Tensor]:
        """Returns the tensors of one module, by their names in it.

        Raises:
            VistokError: there is no such module.
        """
        tensors = {
            key[len(name) + 1 :]: value for key, value in self.tensors.items() if key.startswith(f"{name}.")
        }
        if not tensors:
            raise VistokError(
                f"a pretraining needs the {name!r} of what it is made from, which has "
                f"{sorted({key.partition('.')[0] for key in self.tensors})}. Name a tokenizer of another `objective`, "
                "such as contrastive, in workflow/grid/tokenizers.yaml."
            )
        return tensors

    def load(self, name: str, module: nn.Module) -> None:
        """Gives a module the weights of the part of that name.

        Raises:
            VistokError: there is no such part, or it is of another shape.
        """
        load_tensors(module, self.part(name), source=Path(name))

    def write(self, folder: Path) -> None:
        """Adds the tensors to a checkpoint's folder; the settings go into its config.json."""
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors.items()},
            folder / HEADS,
        )


def read_heads(folder: Path) -> Heads:
    """Returns the heads of a tokenizer's checkpoint.

    Raises:
        VistokError: it has none.
    """
    return Heads(read_tensors(folder / HEADS), read_config(folder).get(SETTINGS, {}))


def norm_of(encoder: nn.Module) -> dict[str, Tensor]:
    """Returns the final norm of an encoder, as `Heads` name it; nothing if it has none."""
    return {name: tensor for name, tensor in encoder.state_dict().items() if name.startswith(_NORM)}


def behind_norm(tokenizer: VisualTokenizer, heads: Heads) -> VisualTokenizer:
    """Returns a tokenizer whose tokens are those behind the final norm that it was pretrained with."""
    if not heads.norm:
        return tokenizer
    normed = build_tokenizer(tokenizer.encoder.model_copy(update={"final_norm": True}))
    load_tensors(
        normed.trunk, {**tokenizer.trunk.state_dict(), **heads.norm}, source=Path(tokenizer.encoder.name)
    )
    return normed
