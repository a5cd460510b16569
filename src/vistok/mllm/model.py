"""The multimodal model: tokenizer -> LayerNorm -> Perceiver Resampler -> projection -> frozen language model."""

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from vistok.grid.values import Resampler
from vistok.mllm.language_models.base import Conditioning, LanguageModel
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
        self, tokenizer: VisualTokenizer, llm: LanguageModel, connector: Resampler, *, tune_tokenizer: bool
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.connector = Connector(tokenizer.encoder.width, llm.width, connector)
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

    def conditioning(self, seen: Float[Tensor, "batch latents width"]) -> Conditioning:
        """Returns what an answer about images is given: `<s><Img> ` and the visual tokens, in front of the words."""
        return Conditioning(torch.cat([blind(self.llm, len(seen)).front, seen.to(self.llm.dtype)], dim=1))

    def loss(
        self,
        images: Float[Tensor, "batch 3 size size"],
        ids: Int[Tensor, "batch length"],
        weights: Float[Tensor, "batch length"],
        mask: Int[Tensor, "batch length"],
    ) -> tuple[Tensor, Tensor]:
        """Returns the weighted sum of the losses of the words behind the image, and the sum of the weights."""
        return self.llm.answer_loss(self.conditioning(self.see(images)), ids, weights, mask)

    def trained_tensors(self) -> dict[str, Tensor]:
        """Returns what a checkpoint must hold: the connector, and the tokenizer if it was tuned."""
        kept = ("connector.", "tokenizer.") if self.tune_tokenizer else ("connector.",)
        return {name: tensor for name, tensor in self.state_dict().items() if name.startswith(kept)}


def blind(llm: LanguageModel, rows: int) -> Conditioning:
    """Returns the conditioning of a question without its image: the same sequence, with no token between the marks."""
    before = torch.tensor(llm.words.before_image, device=llm.device)
    return Conditioning(llm.embed(before).expand(rows, -1, -1))
