"""The training of a Q-Former on captions: what it is shown, and that it goes on where it stopped."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.small_models import small_encoder, small_language_model

from vistok.datasets.mixture import Mixture
from vistok.datasets.preprocessing import Preprocessing
from vistok.datasets.reader import PixelReader
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards, write_rows
from vistok.errors import VistokError
from vistok.evaluation.turns import TurnDraw
from vistok.grid.connectors import Linear, QFormer
from vistok.grid.recipes import Optimiser, Recipe
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer
from vistok.training.image_text import ImageTextLearner
from vistok.training.loop import Plan, train

OPTIMISER = Optimiser(learning_rate=1e-2, warmup_steps=2)
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
FORMER = QFormer(queries=2, width=16, depth=1, heads=2, feedforward_multiple=2, every=1)
RECIPE = Recipe(
    id="test", label="test", trains=("connector",), connector=FORMER, learns="image-text", optimiser=OPTIMISER,
    steps=60, batch=4, turns={"caption": 1}, prompts={"caption": "what does the image describe?"},
)  # fmt: skip


def png(colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), colour, dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Mixture:
    """Four images of one colour each, with its name, and one without a caption."""
    folder = tmp_path_factory.mktemp("shards") / "colours"
    rows = [ImageRow(name, png(value), captions=(f"it is {name}",)) for name, value in COLOURS.items()]
    write_rows(iter([*rows, ImageRow("nameless", png((9, 9, 9)))]), folder)
    return Mixture(
        [Shards(folder)],
        draw=TurnDraw(RECIPE.turns, RECIPE.prompts),
        reader=PixelReader(Preprocessing(16, "clip")),
        seed=0,
        horizontal_flip=False,
    )


@pytest.fixture
def make(mixture: Mixture) -> Callable[..., ImageTextLearner]:
    def build(recipe: Recipe = RECIPE) -> ImageTextLearner:
        torch.manual_seed(0)
        llm = CausalLanguageModel.build(
            small_language_model(width=16, layers=1),
            make_word_tokenizer([f"it is {name}" for name in COLOURS]),
        )
        model = MultimodalModel(
            build_tokenizer(small_encoder()), llm, recipe.connector, trains=("connector",)
        )
        return ImageTextLearner(model, mixture, recipe)

    return build


def test_a_row_is_an_image_and_its_caption_alone(make: Callable[..., ImageTextLearner]) -> None:
    learner = make()
    texts = [learner.words.tokenizer.decode(ids) for ids in learner.batch(0, 0, 1)["ids"]]
    assert len(texts) == 4 and all(text.replace(" ", "").startswith("itis") for text in texts)
    assert all(text.endswith("</s>") for text in texts)


def test_it_learns_which_caption_is_whose(make: Callable[..., ImageTextLearner], tmp_path: Path) -> None:
    learner = make()
    plan = Plan(80, Optimiser(learning_rate=3e-3, warmup_steps=10, clip_norm=1.0), save_every=100)
    curves = train(learner, plan, state=tmp_path / "state", identity="a", name="x")
    assert curves[-1]["loss"] < 0.75 * curves[0]["loss"]
    reached = {name for name, p in learner.named_parameters() if p.grad is not None}
    assert not any(
        name.startswith(("model.tokenizer", "model.llm", "model.connector.projection")) for name in reached
    )
    assert any(name.startswith("model.connector.former.layers") for name in reached)


def test_it_goes_on_to_the_same_weights(make: Callable[..., ImageTextLearner], tmp_path: Path) -> None:
    plan = Optimiser(learning_rate=1e-3, warmup_steps=0, final_fraction=1.0)  # no schedule that knows the end

    def run(steps: int, folder: str) -> ImageTextLearner:
        learner = make()
        train(learner, Plan(steps, plan, save_every=3), state=tmp_path / folder, identity="a", name="x")
        return learner

    alone = run(8, "alone")
    run(3, "stopped")
    resumed = run(8, "stopped")
    for name, tensor in alone.trained_tensors().items():
        assert torch.equal(tensor, resumed.trained_tensors()[name]), name
    assert any(name.startswith("reader.") for name in alone.trained_tensors())


@pytest.mark.parametrize(("rows", "positions"), [(3, 1), (7, 1), (7, 10_000), (1, 1)])
def test_no_part_of_a_share_has_an_image_without_negatives(
    make: Callable[..., ImageTextLearner], rows: int, positions: int
) -> None:
    learner = make()
    batch = {
        name: tensor[:1].repeat(rows, *[1] * (tensor.ndim - 1))
        for name, tensor in learner.batch(0, 0, 1).items()
    }
    sizes = [len(part["mask"]) for part in learner.cut(batch, positions)]
    assert sum(sizes) == rows and min(sizes) >= min(rows, 2)
    assert len(sizes) == (1 if positions > 1 else max(1, rows // 2))


def test_it_is_for_a_q_former(make: Callable[..., ImageTextLearner]) -> None:
    with pytest.raises(VistokError, match="is for a connector of kind q-former, found 'linear'"):
        make(RECIPE.model_copy(update={"connector": Linear()}))
