"""ETT's parts as they were released, made small: a language model reads the codes of a tokenizer that stays frozen."""

from pathlib import Path

import pytest
import torch
from tests import official_ibq
from tests.official_ibq import SIZE, codes_of, write_release
from tests.official_models import qwen

from vistok.grid.load import load_study
from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.load import load_language_model
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Piece
from vistok.tokenizers.ibq.model import from_bytes
from vistok.tokenizers.weights import load_tokenizer

STUDY = load_study("paper", root=Path(__file__).parents[2])
ROWS = (
    ("ibq-16384", "embedding-frozen", official_ibq.WIDTH),
    ("ibq-16384-codes", "index-frozen", official_ibq.CODES),
)


@pytest.mark.parametrize(("tokenizer", "recipe", "width"), ROWS)
def test_a_released_tokenizer_stays_as_it_is_and_the_language_model_learns_to_read_it(
    tmp_path: Path, tokenizer: str, recipe: str, width: int
) -> None:
    torch.manual_seed(0)
    entry = STUDY.encoder(tokenizer).model_copy(
        update={"arguments": SIZE, "image_size": 32, "tokens": 64, "width": width}
    )
    state = write_release(tmp_path / entry.weights)
    qwen(tmp_path / "qwen")
    llm, rules = load_language_model(tmp_path / "qwen"), STUDY.recipe(recipe)
    eyes = load_tokenizer(entry, checkpoint=None, data_root=tmp_path)
    model = MultimodalModel(eyes, llm, rules.connector, trains=rules.trains)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    codes = codes_of(state, from_bytes(images)).flatten(1)
    table = state["quantize.embedding.weight"]
    shown = table[codes] if recipe == "embedding-frozen" else torch.eye(official_ibq.CODES)[codes]
    assert torch.equal(model.see(images), model.connector(shown))
    question = llm.words.after_image("What is it?")
    row = llm.words.pieces([question, Piece("A dog.", weight=1.0, ends=True)])
    words = llm.words.pad([row, row])
    total, weight = model.loss(images, words.ids, words.weights, words.mask)
    (total / weight).backward()
    assert all(parameter.grad is None for parameter in model.tokenizer.parameters())
    learnt = [*model.connector.parameters(), *model.llm.parameters()]
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in learnt)
    with torch.no_grad():
        answers = model.llm.generate(
            model.conditioning(model.see(images)),
            ["</Img>What is it?"] * 2,
            Decoding(beams=1, max_new_tokens=3),
        )
    assert len(answers) == 2


def test_ett_is_told_at_the_paper_scale() -> None:
    """Its recipes are as the paper's, with the questions of the mixture asked as this scale asks them."""
    recipe = STUDY.recipe("embedding-frozen")
    assert (recipe.steps, recipe.batch, recipe.optimiser.learning_rate) == (11_719, 1024, 4e-5)
    assert recipe.prompts["vqa"] == STUDY.recipe("frozen").prompts["vqa"] == "{question}"
    assert STUDY.llm("qwen-2-5").parameters_m == 1543.71
    run = STUDY.run("ibq-262144-512/embedding-frozen/qwen-2-5/seed-0")
    assert [stage.recipe for stage in STUDY.stages([run])] == ["embedding-align", "embedding-frozen"]
    assert run not in STUDY.runs()
