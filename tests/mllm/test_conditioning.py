"""What a connector can be, by the interface: one that reads the question, and one that feeds cross-attention layers."""

from collections.abc import Sequence
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import Question
from vistok.grid.connectors import Linear
from vistok.grid.tasks import Decoding
from vistok.grid.tokenizers import Encoder
from vistok.mllm.connectors import linear
from vistok.mllm.connectors.base import Connector
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.tokenizers.base import build_tokenizer

WORDS = ["a", "red", "ring", "what", "is", "it?", "the", "box", "glasses", "How", "many"]
DECODING = Decoding(max_new_tokens=4)


class Asking(Connector):
    """Scales each image's tokens by the length of its question, as a Q-Former might do in a wiser way."""

    reads_question = True

    def __init__(self, width: int, llm_width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, llm_width)

    def connect(self, tokens: Tensor, questions: Sequence[str] | None = None) -> Tensor:
        assert questions is not None
        lengths = torch.tensor([float(len(question)) for question in questions])
        projected: Tensor = self.projection(tokens) * lengths[:, None, None]
        return projected


class ForCrossAttention(linear.LinearConnector):
    """Gives what a Flamingo-type language model's own layers look at."""

    gives = "states"


def answered(model: MultimodalModel, batch: int) -> list[str]:
    chance = torch.Generator().manual_seed(4)
    images = torch.randn(3, 3, 24, 24, generator=chance).numpy()
    questions = [
        Question(number, str(number % 3), " ".join(WORDS[number % 5 : number % 5 + 1 + number % 4]))
        for number in range(12)
    ]
    answerer = SeeingAnswerer(model, batch=batch)
    answerer.look((str(number), image) for number, image in enumerate(images))
    return [generation.text for generation in answerer.answer(questions, DECODING)]


def joined(
    kind: type[Connector], llm: CausalLanguageModel, entry: Encoder, patch: pytest.MonkeyPatch
) -> MultimodalModel:
    built: ModuleType = linear
    patch.setattr(built, "build", lambda value, width, llm_width: kind(width, llm_width))  # type: ignore[call-arg]
    torch.manual_seed(1)
    return MultimodalModel(build_tokenizer(entry), llm, Linear(), trains=("connector",))


def test_a_connector_that_reads_the_question_keeps_the_tokens_of_an_image(
    llm: CausalLanguageModel, encoder_entry: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = joined(Asking, llm, encoder_entry, monkeypatch)
    image = torch.randn(1, 3, 24, 24)
    seen = model.see(image)
    assert torch.equal(seen, model.tokenizer(image))
    short, long = (model.conditioning(seen, [question]).front for question in ("it?", "what is it?"))
    assert short.shape == long.shape and not torch.equal(short, long)
    assert torch.allclose(short[:, 2:] * 11 / 3, long[:, 2:], atol=1e-5)
    assert answered(model, 1) == answered(model, 5)


def test_a_connector_can_feed_cross_attention_layers(
    seeing: CausalLanguageModel, encoder_entry: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = joined(ForCrossAttention, seeing, encoder_entry, monkeypatch)
    given = model.conditioning(model.see(torch.randn(2, 3, 24, 24)))
    assert given.front.shape == (2, 2, 32), "`<s><Img>` alone is in front of the words"
    assert given.states is not None and given.states.shape == (2, encoder_entry.tokens, 32)
    assert answered(model, 1) == answered(model, 5)
    assert len(set(answered(model, 5))) > 3
    tokens = seeing.words.pad_texts(["</Img>what is it? box"] * 2)
    total, _ = model.loss(torch.randn(2, 3, 24, 24), tokens.ids, tokens.mask.float(), tokens.mask)
    total.backward()
    assert all(p.grad is not None and p.grad.any() for p in model.connector.parameters())
