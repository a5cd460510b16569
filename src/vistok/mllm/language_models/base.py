"""The interface that every kind of language model keeps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from vistok.errors import VistokError
from vistok.grid.tasks import Decoding
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.prompt import PromptEncoder


@dataclass(frozen=True)
class Conditioning:
    """What a language model is conditioned on besides the words, one row per answer.

    Attributes:
        front: embeddings in front of the words; of length 0 where there are only words.
        states: what cross-attention layers inside the language model read, for models that have such layers.
    """

    front: Float[Tensor, "batch front width"]
    states: Float[Tensor, "batch tokens features"] | None = None

    def rows(self, index: Int[Tensor, "rows"]) -> "Conditioning":
        """Returns the chosen rows, in the order of `index`."""
        return Conditioning(self.front[index], None if self.states is None else self.states[index])


class LanguageModel(nn.Module, ABC):
    """A language model of transformers with its tokenizer.

    Attributes:
        auto: the name of the transformers class that loads its networks.
        starts: whether a text starts with a token of its own.
        network: the model as transformers builds it.
        words: how text becomes its tokens.
    """

    auto: ClassVar[str]
    starts: ClassVar[bool] = True

    def __init__(self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.network = network
        self.words = PromptEncoder(tokenizer)

    @classmethod
    @abstractmethod
    def build(cls, size: LanguageModelSize, tokenizer: PreTrainedTokenizerBase) -> Self:
        """Builds a model with random weights, for a scale that trains its own."""

    @property
    def width(self) -> int:
        """The width of the embeddings that it reads."""
        return int(self.network.config.hidden_size)

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    def embed(self, ids: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape width"]:
        """Returns the embeddings of tokens, as the network reads them."""
        return cast(Tensor, self.network.get_input_embeddings()(ids))

    def unconditioned(self, rows: int) -> Conditioning:
        """Returns the conditioning of plain text: nothing."""
        return Conditioning(self.embed(torch.zeros(rows, 0, dtype=torch.long, device=self.device)))

    def insert(self, layers: Sequence[nn.Module]) -> None:
        """Puts a connector's layers, which stay parts of the connector, between its own, in place of any before.

        Args:
            layers: each makes words of words and of a conditioning's states; spread evenly, the first in front.

        Raises:
            VistokError: this kind of language model has no place for any.
        """
        if layers:
            raise VistokError(
                f"{type(self.network).__name__} takes no layers of a connector between its own: name a recipe whose "
                "connector gives tokens in front of the words, or a causal language model."
            )

    @abstractmethod
    def logits(
        self,
        conditioning: Conditioning,
        ids: Int[Tensor, "batch length"],
        learnt: Bool[Tensor, "batch length"],
        mask: Int[Tensor, "batch length"],
    ) -> Float[Tensor, "tokens vocabulary"]:
        """Returns the logits of each learnt token, row by row, given all tokens before it.

        Args:
            ids: texts, padded on the right.
            mask: 0 where there is padding.
        """

    def answer_loss(
        self,
        conditioning: Conditioning,
        ids: Int[Tensor, "batch length"],
        weights: Float[Tensor, "batch length"],
        mask: Int[Tensor, "batch length"],
    ) -> tuple[Tensor, Tensor]:
        """Returns the weighted sum of the losses of `ids`, and the sum of the weights.

        Tokens of weight 0 are read, not learnt; they pay for no output layer.
        """
        learnt = weights > 0
        losses = functional.cross_entropy(
            self.logits(conditioning, ids, learnt, mask).float(), ids[learnt], reduction="none"
        )
        return (losses * weights[learnt]).sum(), weights.sum()

    @abstractmethod
    def generate(
        self,
        conditioning: Conditioning,
        prompts: Sequence[str],
        decoding: Decoding,
        owner: Int[Tensor, "prompts"] | None = None,
    ) -> list[str]:
        """Returns an answer to each prompt; which others share its batch changes no answer.

        Args:
            prompts: all text behind the front.
            owner: which row of the conditioning each prompt follows; its own if not given.
        """

    def option_losses(
        self, conditioning: Conditioning, prompts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[tuple[float, int]]]:
        """Returns the summed loss (nats) of each option behind its prompt, and the number of its tokens.

        An option is tokenised apart from the prompt, as answers are in training, and has no end token. Conditioning
        and prompt are read once for all options of a question. Which other questions share its batch changes
        nothing but the last bits of a loss.

        Args:
            prompts: all text behind the front, one per row of the conditioning.
            options: the options of each prompt; their number may differ.

        Raises:
            VistokError: an option has no tokens.
        """
        owners = [row for row, texts in enumerate(options) for _ in texts]
        ids = [self._option(text) for texts in options for text in texts]
        if not ids:
            return [[] for _ in options]
        tails = self.words.pad([(row, [1.0] * len(row)) for row in ids]).to(self.device)
        owner, option_mask = torch.tensor(owners, device=self.device), tails.mask > 0
        losses = torch.zeros(tails.ids.shape, device=self.device)
        with torch.no_grad():
            logits = self._option_logits(conditioning, prompts, owner, tails.ids, option_mask)
            losses[option_mask] = functional.cross_entropy(
                logits.float(), tails.ids[option_mask], reduction="none"
            )
        results: list[list[tuple[float, int]]] = [[] for _ in options]
        for question, loss, row in zip(owners, losses.sum(1).tolist(), ids, strict=True):
            results[question].append((loss, len(row)))
        return results

    def _option(self, text: str) -> list[int]:
        if ids := self.words.encode(text):
            return list(ids)
        raise VistokError(
            f"the option {text!r} has no tokens, so it has no likelihood. Give each option a text."
        )

    @abstractmethod
    def _option_logits(
        self,
        conditioning: Conditioning,
        prompts: Sequence[str],
        owner: Int[Tensor, "options"],
        ids: Int[Tensor, "options length"],
        option_mask: Bool[Tensor, "options length"],
    ) -> Float[Tensor, "tokens vocabulary"]:
        """Returns the logits of each token of each option, which follows its own prompt."""


def blind(llm: LanguageModel, rows: int) -> Conditioning:
    """Returns the conditioning of a question without its image: the same sequence, with no token between the marks."""
    before = torch.tensor(llm.words.before_image, device=llm.device)
    return Conditioning(llm.embed(before).expand(rows, -1, -1))
