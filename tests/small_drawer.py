"""A small model that draws: 4 x 4 codes of 16, in squares."""

import torch
from tests.small_models import small_codes, small_language_model

from vistok.grid.connectors import Linear, Mlp
from vistok.grid.ett_generation import DrawerSize
from vistok.mllm.drawers.base import Drawer, build_drawer
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer
from vistok.training.loop import make_deterministic

CORPUS = ["a red ring on sand", "two blue stars and a ring"]


def small_drawer(side: int = 2, *, read: str = "embeddings") -> Drawer:
    """Returns one that has learnt nothing, always the same; no weight is zero that a fault could hide behind."""
    make_deterministic(0)
    size = small_language_model(width=16, layers=2, context=64)
    llm = CausalLanguageModel.build(size, make_word_tokenizer(CORPUS))
    connector = Mlp() if read == "embeddings" else Linear()
    model = MultimodalModel(build_tokenizer(small_codes(read)), llm, connector, trains=("connector", "llm"))
    drawer = build_drawer(DrawerSize(side=side, hidden=24), model)
    for parameter in drawer.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return drawer
