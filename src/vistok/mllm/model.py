"""The multimodal model: tokenizer -> LayerNorm -> Perceiver Resampler -> projection -> frozen language model."""

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from vistok.grid.values import Resampler
from vistok.mllm.loss import token_loss
from vistok.mllm.resampler import PerceiverResampler
from vistok.tokenizers.base import VisualTokenizer


class Connector(nn.Module):
    """What every recipe trains: a LayerNorm, the resampler and a projection (released code: modeling_gvt.py).

    The paper says that only the resampler is optimised; the released code trains the norm and the
    projection too.
    """

    def __init__(self, width: int, llm_width: int, size: Resampler) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.resampler = PerceiverResampler(width, size)
        self.projection = nn.Linear(width, llm_width)

    def forward(
        self, tokens: Float[Tensor, "batch tokens width"]
    ) -> Float[Tensor, "batch latents llm_width"]:
        return cast(Tensor, self.projection(self.resampler(self.norm(tokens))))


class MultimodalModel(nn.Module):
    """A visual tokenizer joined to a frozen language model."""

    def __init__(
        self, tokenizer: VisualTokenizer, llm: PreTrainedModel, connector: Resampler, *, tune_tokenizer: bool
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.connector = Connector(tokenizer.encoder.width, llm.config.hidden_size, connector)
        self.llm = llm
        self.tune_tokenizer = tune_tokenizer
        self.tokenizer.requires_grad_(tune_tokenizer)
        self.llm.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> "MultimodalModel":
        """Puts what is trained into training mode; the language model and a frozen tokenizer stay as in use."""
        super().train(mode)
        self.llm.eval()
        if not self.tune_tokenizer:
            self.tokenizer.eval()
        return self

    def see(self, images: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch latents llm_width"]:
        """Returns the visual tokens of images as the language model reads them."""
        with torch.set_grad_enabled(self.tune_tokenizer and torch.is_grad_enabled()):
            tokens = self.tokenizer(images)
        return cast(Tensor, self.connector(tokens))

    def embed(
        self,
        before: Int[Tensor, "start"],
        seen: Float[Tensor, "batch latents width"],
        after: Int[Tensor, "batch rest"],
    ) -> Float[Tensor, "batch length width"]:
        """Returns the input embeddings of `before` + visual tokens + `after`."""
        words = self.llm.get_input_embeddings()
        start = words(before).expand(len(seen), -1, -1)
        return torch.cat([start, seen.to(start.dtype), words(after)], dim=1)

    def loss(
        self,
        images: Float[Tensor, "batch 3 size size"],
        before: Int[Tensor, "start"],
        ids: Int[Tensor, "batch rest"],
        weights: Float[Tensor, "batch rest"],
        mask: Int[Tensor, "batch rest"],
    ) -> tuple[Tensor, Tensor]:
        """Returns the weighted sum of the token losses, and the sum of the weights."""
        embedded = self.embed(before, self.see(images), ids)
        front = embedded.shape[1] - ids.shape[1]
        attention = functional.pad(mask, (front, 0), value=1)
        hidden = self.llm.base_model(inputs_embeds=embedded, attention_mask=attention, use_cache=False)[0]
        return token_loss(hidden[:, front - 1 : -1], self.llm.get_output_embeddings(), ids, weights)

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns what a checkpoint must hold: the connector, and the tokenizer if it was tuned."""
        kept = ("connector.", "tokenizer.") if self.tune_tokenizer else ("connector.",)
        return {name: tensor for name, tensor in self.state_dict().items() if name.startswith(kept)}
