"""The multimodal model: a visual tokenizer, a connector and a language model."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, cast, get_args

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from vistok.grid.connectors import Connector
from vistok.grid.fields import TOKENIZER_PARTS, Part
from vistok.mllm.connectors.base import build_connector
from vistok.mllm.language_models.base import Conditioning, LanguageModel, blind
from vistok.tokenizers.base import VisualTokenizer
from vistok.tokenizers.tap import last_block

_PARTS: Final[tuple[Part, ...]] = get_args(Part)  # in the order in which a model holds them


class MultimodalModel(nn.Module):
    """A visual tokenizer joined to a language model by a connector.

    Args:
        trains: the parts that a recipe trains.
    """

    def __init__(
        self,
        tokenizer: VisualTokenizer,
        llm: LanguageModel,
        connector: Connector,
        *,
        trains: Collection[Part],
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.connector = build_connector(connector, tokenizer.encoder.width, llm.width)
        self.llm = llm
        llm.insert(self.connector.inserted)
        self.trains = frozenset(trains)
        self._tunes_tokenizer = not TOKENIZER_PARTS.isdisjoint(trains)
        self.requires_grad_(False)
        for module in self.trained_parts():
            module.requires_grad_(True)
        self.train()

    def trained_parts(self) -> list[nn.Module]:
        return [module for part in _PARTS if part in self.trains for module in self._modules_of(part)]

    def _modules_of(self, part: Part) -> list[nn.Module]:
        if part == "tokenizer-last-block":
            return last_block(self.tokenizer)
        return [self.get_submodule(part)]

    def tensors_of(self, part: Part) -> dict[str, Tensor]:
        """Returns the tensors of a part by their names in the state dict."""
        return self._tensors_in(self._modules_of(part))

    def projection_tensors(self) -> dict[str, Tensor]:
        """Returns the tensors of the connector's projection, if it has one, by their names in the state dict."""
        return self._tensors_in(self.connector.projection_layers)

    def _tensors_in(self, modules: Sequence[nn.Module]) -> dict[str, Tensor]:
        names = tuple(
            f"{name}." for name, module in self.named_modules() if any(module is own for own in modules)
        )
        return {name: tensor for name, tensor in self.state_dict().items() if name.startswith(names)}

    def train(self, mode: bool = True) -> "MultimodalModel":
        """Puts the trained parts into training mode; the others stay in evaluation mode."""
        super().train(False)
        self.training = mode
        for module in self.trained_parts():
            module.train(mode)
        return self

    def see(self, images: Shaped[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch tokens features"]:
        """Returns what can be cached of images for all questions about them; `images` are as the reader gives them."""
        with self._as_precise_as_llm():
            with torch.set_grad_enabled(self._tunes_tokenizer and torch.is_grad_enabled()):
                tokens = self.tokenizer(self.tokenizer.prepared(images))
            return tokens if self.connector.reads_question else cast(Tensor, self.connector(tokens))

    def conditioning(
        self, seen: Float[Tensor, "batch tokens features"], questions: Sequence[str] | None = None
    ) -> Conditioning:
        """Returns the conditioning of answers to questions about images, from what `see` returned of them.

        Its front is `<s><Img> ` and the visual tokens, or only the former if the language model has layers that read
        the latter.
        """
        if self.connector.reads_question:
            with self._as_precise_as_llm():
                seen = self.connector(seen, questions)
        front = blind(self.llm, len(seen)).front
        if self.connector.gives == "states":
            return Conditioning(front, seen)
        return Conditioning(torch.cat([front, seen.to(front.dtype)], dim=1))

    def loss(
        self,
        images: Shaped[Tensor, "batch 3 size size"],
        ids: Int[Tensor, "batch length"],
        weights: Float[Tensor, "batch length"],
        mask: Int[Tensor, "batch length"],
    ) -> tuple[Tensor, Tensor]:
        """Returns the weighted sum of the losses of the words after the image, and the sum of the weights."""
        return self.llm.answer_loss(self.conditioning(self.see(images)), ids, weights, mask)

    def _as_precise_as_llm(self) -> AbstractContextManager[object]:
        """Computes products in the precision of the language model's weights; trained weights stay in single."""
        if self.llm.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.llm.device.type, self.llm.dtype)

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns the tensors that training can change, by their names in the state dict."""
        trained: dict[str, Tensor] = {}
        for part in _PARTS:
            if part in self.trains:
                trained |= self.tensors_of(part)
        return trained
