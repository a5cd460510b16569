"""The two baselines of benchmarks/engine.py learn and say what the engine does, so that their times compare."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from engine_baselines import RELEASED_TOKENS, PlainTraining, released_answers
from torch import Tensor

from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import Question
from vistok.grid.tasks import Decoding
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Piece

PROMPTS = ("How many rings are in the image?", "what is left of the box", "Does glass exist in the image?")


@pytest.fixture
def model(make_model: Callable[..., MultimodalModel]) -> MultimodalModel:
    made = make_model()
    with torch.no_grad():
        for parameter in made.llm.parameters():
            if parameter.ndim > 1:
                parameter *= 2
    return made


def batch(model: MultimodalModel) -> dict[str, Tensor]:
    words = model.llm.words
    rows = [
        words.pieces([Piece(f"</Img>{prompt}"), Piece(answer, weight=1.0, ends=True)])
        for prompt, answer in zip(PROMPTS, ("2", "two boxes, one glass", "Yes."), strict=True)
    ]
    chance = torch.Generator().manual_seed(0)
    return {"images": torch.rand(3, 3, 24, 24, generator=chance), **words.pad(rows).state()}


def gradients(model: MultimodalModel) -> dict[str, Tensor]:
    result = {
        name: entry.grad for name, entry in model.connector.named_parameters() if entry.grad is not None
    }
    model.zero_grad()
    return result


def test_plain_training_has_the_engine_s_loss_and_gradients(model: MultimodalModel) -> None:
    given = batch(model)
    total, weight = model.loss(*(given[name] for name in ("images", "ids", "weights", "mask")))
    (total / weight).backward()
    engine = gradients(model)
    loss = PlainTraining(model, 1e-3, 0.05, 1.0).loss(given)
    loss.backward()
    plain = gradients(model)
    assert loss.item() == pytest.approx((total / weight).item(), rel=1e-5)
    assert engine.keys() == plain.keys() and len(plain) > 5
    for name, gradient in plain.items():
        torch.testing.assert_close(engine[name], gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("size", [1, 5, 256])
def test_the_released_loop_says_what_the_engine_says_in_any_batch(model: MultimodalModel, size: int) -> None:
    images = torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    questions = [Question(number, str(number % 4), PROMPTS[number % 3]) for number in range(10)]
    answerer = SeeingAnswerer(model, batch=size)
    answerer.look((str(number), np.asarray(image)) for number, image in enumerate(images))
    decoding = Decoding(max_new_tokens=RELEASED_TOKENS, beams=1)
    said = [made.text for made in answerer.answer(questions, decoding)]
    assert said == released_answers(model, questions, {str(n): image for n, image in enumerate(images)})
    assert len(set(said)) > 3
