"""A connector's statistics are those of the tokenizer as it starts, on images spread over the mixture's first set."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.small_models import small_encoder, small_language_model

from vistok.datasets.preprocessing import Preprocessing
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards, write_rows
from vistok.grid.connectors import Linear
from vistok.grid.fields import Part
from vistok.mllm.connectors.whitening import Whitening
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.steps import whitening
from vistok.steps.whitening import fit_whitening
from vistok.tokenizers.base import build_tokenizer

CPU = torch.device("cpu")
SIZE = small_language_model(width=16, layers=1, context=128)
ENCODER = small_encoder()


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    write_rows((ImageRow(str(index), png(index)) for index in range(7)), tmp_path / "seven")
    return Shards(tmp_path / "seven")


def model(*, whiten: bool) -> MultimodalModel:
    torch.manual_seed(0)
    llm = CausalLanguageModel.build(SIZE, make_word_tokenizer(["<Img>a cat</Img>"]))
    trains: tuple[Part, ...] = ("connector", "tokenizer")
    return MultimodalModel(build_tokenizer(ENCODER), llm, Linear(whiten=whiten), trains=trains)


def statistics(made: MultimodalModel, shards: Shards, places: list[int]) -> Whitening:
    """Those of some images at once, each decoded and prepared by hand."""
    images = [
        Preprocessing(16, "clip").evaluation(Image.fromarray(np.asarray(shards.decoded(shards.row(place)))))
        for place in places
    ]
    expected = Whitening(16)
    with torch.no_grad():
        expected.fit([made.tokenizer(torch.from_numpy(np.stack(images)))])
    return expected


@pytest.mark.parametrize(("most", "places"), [(1000, [*range(7)]), (3, [0, 2, 4])])
def test_it_is_fitted_on_whole_images_spread_over_the_set(
    shards: Shards, monkeypatch: pytest.MonkeyPatch, most: int, places: list[int]
) -> None:
    monkeypatch.setattr(whitening, "IMAGES", most)
    monkeypatch.setattr(whitening, "_BATCH", 2)
    made = model(whiten=True)
    fit_whitening(made, shards, CPU)
    assert made.connector.whitening and made.training
    expected = statistics(made, shards, places)
    assert torch.allclose(made.connector.whitening.mean, expected.mean, atol=1e-6)
    assert torch.allclose(made.connector.whitening.matrix, expected.matrix, atol=1e-4)
    held = made.trained_tensors()
    assert torch.equal(held["connector.whitening.matrix"], made.connector.whitening.matrix)


def test_a_connector_without_it_is_left_alone(shards: Shards) -> None:
    made = model(whiten=False)
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    fit_whitening(made, shards, CPU)
    assert before.keys() == made.state_dict().keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in made.state_dict().items())
