"""Draws patch by patch: each position of the language model is a square of codes, which a small head predicts.

After RQ-Transformer (arXiv 2203.01941), whose large model predicts positions and whose small one the codes of each.
ETT does not describe its own design. This one was chosen for three reasons: the vocabulary of the language model does
not grow, in or out, as the paper says of its own; a code is read as the model has learnt to see it; and a sequence is
shorter by the number of codes in a square, so that a small model learns where things are, and its head how they look.
With squares of one code it is plain next-token prediction.

Shapes: B captions of L words, P patches of Q codes, K codes, H width of the head.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.ett_generation import DrawerSize
from vistok.mllm.drawers.base import Drawer
from vistok.mllm.model import MultimodalModel


def build(size: DrawerSize, model: MultimodalModel) -> "PatchDrawer":
    return PatchDrawer(size, model)


class PatchDrawer(Drawer):
    """Squares of codes row by row, and the codes of each row by row."""

    def __init__(self, size: DrawerSize, model: MultimodalModel) -> None:
        super().__init__(model)
        network, width = self.tokenizer.trunk.size, model.llm.width
        self.map, self.side = network.image_size // network.stride, size.side
        if self.map % self.side:
            raise VistokError(
                f"an image has {self.map} x {self.map} codes, which squares of {self.side} x {self.side} do not fill. "
                "Correct `side` of `drawer` in the scale's file below workflow/scales/ett."
            )
        self.patches, self.inside = (self.map // self.side) ** 2, self.side**2
        self.gather = nn.Linear(self.inside * width, width, bias=False)
        # At first a patch is read as the mean of its codes.
        self.gather.weight.data.copy_(torch.eye(width).repeat(1, self.inside) / self.inside)
        self.positions = nn.Parameter(torch.zeros(self.patches - 1, width))
        self.hidden = nn.Linear(width, size.hidden)
        self.earlier = nn.ModuleList(
            nn.Linear(turn * width, size.hidden, bias=False) for turn in range(1, self.inside)
        )
        self.turns = nn.Parameter(torch.zeros(self.inside, size.hidden))
        self.code = nn.Linear(size.hidden, network.codes)

    def losses(
        self, ids: Int[Tensor, "B L"], mask: Int[Tensor, "B L"], codes: Int64[Tensor, "B M M"]
    ) -> Float[Tensor, "B M M"]:
        codes_BPQ = self._cut(codes)
        read = self.read(codes_BPQ.flatten(1)).unflatten(1, (self.patches, self.inside))
        logits = self._logits(self._after(ids, mask, read[:, :-1]), read[:, :, :-1])
        losses = functional.cross_entropy(logits.flatten(0, 2), codes_BPQ.flatten(), reduction="none")
        return self._joined(losses.view(codes_BPQ.shape))

    @torch.no_grad()
    def draw(
        self, captions: Sequence[str], *, guidance: float = 1.0, generator: torch.Generator
    ) -> Int64[Tensor, "B M M"]:
        count, guided = len(captions), guidance != 1.0
        tokens, device = self.words([*captions, *([""] * count if guided else [])]), self.turns.device
        ids, mask = tokens.ids.to(device), tokens.mask.to(device)
        drawn = torch.zeros(count, 0, self.inside, dtype=torch.long, device=device)
        for _ in range(self.patches):
            patch = torch.zeros(count, 0, dtype=torch.long, device=device)
            hidden = self._after(ids, mask, self._twice(drawn, guided))[:, -1:]
            for turn in range(self.inside):
                logits = self._logits(hidden, self._twice(patch[:, None], guided))[:, 0, turn]
                if guided:
                    conditional, unconditional = logits.split(count)
                    logits = unconditional + guidance * (conditional - unconditional)
                code = torch.multinomial(logits.softmax(-1), 1, generator=generator)
                patch = torch.cat([patch, code], dim=1)
            drawn = torch.cat([drawn, patch[:, None]], dim=1)
        return self._joined(drawn)

    def _twice(
        self, codes: Int64[Tensor, "B patches codes"], guided: bool
    ) -> Float[Tensor, "B patches codes W"]:
        """Returns the embeddings of codes, repeated for the rows without a caption if `guided`."""
        read = self.read(codes.flatten(1)).unflatten(1, codes.shape[1:])
        return torch.cat([read, read]) if guided else read

    def _after(
        self, ids: Int[Tensor, "B L"], mask: Int[Tensor, "B L"], read: Float[Tensor, "B patches Q W"]
    ) -> Float[Tensor, "B patches+1 W"]:
        """Returns the language model's states after the caption and after each patch that was read."""
        count = read.shape[1]
        seen = self.gather(read.flatten(2)) + self.positions[:count]
        rows = torch.cat([self.model.llm.embed(ids), seen], dim=1)
        # Padding moves from the middle to the end, where a causal model never reads it.
        whole = functional.pad(mask, (0, count), value=1)
        order = (1 - whole).argsort(dim=1, stable=True)
        network = cast(Any, self.model.llm.network).base_model
        states = network(inputs_embeds=_gathered(rows, order), use_cache=False)[0]
        last = mask.sum(dim=1, keepdim=True) - 1 + torch.arange(count + 1, device=mask.device)
        return _gathered(states, last)

    def _logits(
        self, states: Float[Tensor, "B patches W"], before: Float[Tensor, "B patches codes W"]
    ) -> Float[Tensor, "B patches codes+1 K"]:
        """Returns the logits of each code of a patch, from the state before the patch and its earlier codes."""
        count = before.shape[2]
        hidden = self.hidden(states)[:, :, None] + self.turns[: count + 1]
        if count:
            later = [
                layer(before[:, :, : turn + 1].flatten(2)) for turn, layer in enumerate(self.earlier[:count])
            ]
            hidden = hidden + functional.pad(torch.stack(later, dim=2), (0, 0, 1, 0))
        return cast(Tensor, self.code(functional.gelu(hidden)))

    def _cut(self, codes: Int64[Tensor, "B M M"]) -> Int64[Tensor, "B P Q"]:
        rows = self.map // self.side
        cut = codes.view(-1, rows, self.side, rows, self.side).transpose(2, 3)
        return cut.reshape(-1, self.patches, self.inside)

    def _joined(self, cut: Tensor) -> Tensor:
        rows = self.map // self.side
        whole = cut.view(-1, rows, rows, self.side, self.side).transpose(2, 3)
        return whole.reshape(-1, self.map, self.map)


def _gathered(rows: Float[Tensor, "B from W"], where: Int64[Tensor, "B to"]) -> Float[Tensor, "B to W"]:
    return rows.gather(1, where[..., None].expand(-1, -1, rows.shape[2]))
