"""How text and image form one sequence (released code: modeling_gvt.py).

`<s><Img> ` + visual tokens + `</Img>` + prompt + answer + `</s>`, further turns behind it. There is no chat
template and no system prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from vistok.mllm.words import IMAGE_END, IMAGE_START

_TEXTS_KEPT: Final = 1 << 15  # some 50 MB


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; its tokens are learnt with this loss weight (0: read, not learnt)."""

    text: str
    weight: float = 0.0
    ends: bool = False


@dataclass(frozen=True)
class Tokens:
    """A padded batch of token ids, the loss weight of each, and which are not padding."""

    ids: Int[Tensor, "batch length"]
    weights: Float[Tensor, "batch length"]
    mask: Int[Tensor, "batch length"]

    def to(self, device: torch.device) -> "Tokens":
        return Tokens(self.ids.to(device), self.weights.to(device), self.mask.to(device))

    def state(self) -> dict[str, Tensor]:
        return {"ids": self.ids, "weights": self.weights, "mask": self.mask}


class PromptEncoder:
    """Turns text pieces into token ids, with the image's place in front."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.end = int(tokenizer.eos_token_id)
        # The released code writes "<Img> I I ... </Img>" and puts a visual token in the place of each I. What stands
        # before is thus cut off in front of an I: alone, "<Img> " ends with a space of its own in LLaMA's tokenizer.
        bos = tokenizer.bos_token_id
        self.before_image = (*([] if bos is None else [int(bos)]), *self.encode(f"{IMAGE_START} I")[:-1])
        self._known: dict[str, tuple[int, ...]] = {}

    @property
    def start(self) -> str:
        """What a text starts with; nothing where the language model knows no such token."""
        return self.tokenizer.bos_token or ""

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def pieces(self, pieces: Sequence[Piece]) -> tuple[list[int], list[float]]:
        """Returns the token ids of the pieces in a row, and the loss weight of each."""
        ids: list[int] = []
        weights: list[float] = []
        for piece in pieces:
            new = self._cached(piece.text) + ((self.end,) if piece.ends else ())
            ids.extend(new)
            weights.extend([piece.weight] * len(new))
        return ids, weights

    def after_image(self, prompt: str) -> Piece:
        """Returns the first piece behind the image: `</Img>` and the prompt, without a space between."""
        return Piece(f"{IMAGE_END}{prompt}")

    def pad(self, rows: Sequence[tuple[list[int], list[float]]], *, left: bool = False) -> Tokens:
        length = max(len(ids) for ids, _ in rows)
        ids = np.full((len(rows), length), self.end, dtype=np.int64)
        weights = np.zeros((len(rows), length), dtype=np.float32)
        mask = np.zeros((len(rows), length), dtype=np.int64)
        for row, (row_ids, row_weights) in enumerate(rows):
            span = slice(length - len(row_ids), length) if left else slice(0, len(row_ids))
            ids[row, span] = row_ids
            weights[row, span] = row_weights
            mask[row, span] = 1
        return Tokens(torch.from_numpy(ids), torch.from_numpy(weights), torch.from_numpy(mask))

    def pad_texts(self, texts: Sequence[str], *, left: bool = False) -> Tokens:
        """Returns a padded batch of texts that are read, not learnt."""
        return self.pad([self.pieces([Piece(text)]) for text in texts], left=left)

    def _cached(self, text: str) -> tuple[int, ...]:
        if text not in self._known:
            if len(self._known) == _TEXTS_KEPT:  # captions are millions, and next to none comes a second time
                self._known.clear()
            self._known[text] = self.encode(text)
        return self._known[text]
