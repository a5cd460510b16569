"""The cell probe finds what is planted in tokens, nothing where nothing is, and the same each time."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from tests.small_models import small_encoder

from vistok.datasets.coco import ObjectAnnotation
from vistok.errors import VistokError
from vistok.probes.cells import ObjectBoxes, object_boxes
from vistok.probes.features import tokens_of
from vistok.probes.probe import probe_cells
from vistok.probes.readers import read_by_perceptron, read_linearly, ridge_scores, standardised
from vistok.tokenizers.base import build_tokenizer

NAMES = ("ant", "bee", "cat", "dog")
IMAGES = 300
ENCODER = small_encoder(pixels=24, width=32, depth=2, normalisation="imagenet")


@pytest.fixture(scope="module")
def cells() -> ObjectBoxes:
    """Images of nine cells, an object in each of the first four places that chance picks."""
    chance = np.random.default_rng(1)
    objects = [
        [
            ObjectAnnotation(
                NAMES[chance.integers(4)], (16.0 * (cell % 3), 16.0 * (cell // 3), 15, 15), False
            )
            for cell in chance.permutation(9)[:4]
        ]
        for _ in range(IMAGES)
    ]
    return object_boxes(objects, [(48, 48)] * IMAGES)


def planted(cells: ObjectBoxes, strength: float, *, crossed: bool = False) -> np.ndarray:
    """Tokens of noise in which a box's category stands: plainly, or as a product of signs that no line can read."""
    chance = np.random.default_rng(2)
    tokens = chance.normal(size=(IMAGES, 10, 16))
    place = 1 + cells.attributes["place"]
    if crossed:
        sign = chance.choice([-1.0, 1.0], len(cells))
        tokens[cells.images, place, 0] = sign * strength
        tokens[cells.images, place, 1] = sign * strength * np.where(cells.category % 2, 1, -1)
    else:
        tokens[cells.images, place, :4] += strength * np.eye(4)[cells.category]
    return tokens


def probe(tokens: np.ndarray, cells: ObjectBoxes):
    return probe_cells(lambda images: tokens, np.zeros((IMAGES, 1, 1, 3), dtype=np.uint8), cells)


def test_nothing_is_found_where_nothing_is(cells: ObjectBoxes) -> None:
    result = probe(planted(cells, 0.0), cells)
    assert result.mlp is not None
    assert abs(result.linear.value - 25) < 4 * result.linear.error < 12
    assert abs(result.mlp.value - 25) < 4 * result.mlp.error
    assert abs(result.shares["category"].value) < 4 * result.shares["category"].error
    assert result.rank > 13
    assert (result.boxes, result.images) == (4 * IMAGES, IMAGES)


def test_what_is_plain_is_read_by_a_line_and_has_a_share(cells: ObjectBoxes) -> None:
    weak, strong = (probe(planted(cells, strength), cells) for strength in (2.0, 6.0))
    assert 60 < weak.linear.value < 90 < strong.linear.value
    assert 5 < weak.shares["category"].value < 40 < strong.shares["category"].value
    assert strong.rank < weak.rank
    gain = strong.linear - weak.linear
    assert gain.value > 2 * gain.error > 0


def test_what_is_crossed_is_read_by_the_perceptron_alone(cells: ObjectBoxes) -> None:
    result = probe(planted(cells, 4.0, crossed=True), cells)
    assert result.mlp is not None
    assert result.linear.value < 35
    assert result.mlp.value > result.linear.value + 10  # two of four categories look alike


def test_it_gives_the_same_again_and_in_plain_values(cells: ObjectBoxes) -> None:
    first, second = (probe(planted(cells, 2.0), cells).plain() for _ in range(2))
    assert first == second
    assert first["linear"].keys() == {"value", "error"} and first["shares"].keys() == {"category", "place"}


def test_the_ridge_is_the_usual_one() -> None:
    chance = np.random.default_rng(0)
    fitted, others = chance.normal(2, 5, (60, 7)), chance.normal(2, 5, (20, 7))
    targets = np.eye(3)[chance.integers(0, 3, 60)]
    rows, asked = standardised(fitted, others)
    usual = Ridge(alpha=1e-2 * 60).fit(rows, targets).predict(asked)
    assert np.allclose(ridge_scores(fitted, targets, others), usual)


@pytest.mark.parametrize("reader", [read_linearly, read_by_perceptron])
def test_readers_return_the_labels_that_they_were_given(reader) -> None:
    labels = np.array([7, 3, 900])[np.arange(90) % 3]
    rows = np.eye(3)[np.arange(90) % 3] + 0.01 * np.random.default_rng(0).normal(size=(90, 3))
    assert (reader(rows[:60], labels[:60], rows[60:]) == labels[60:]).all()


def test_too_little_is_refused(cells: ObjectBoxes) -> None:
    one = ObjectBoxes(
        cells.images, cells.boxes, {**cells.attributes, "category": np.zeros(len(cells), dtype=np.int64)}
    )
    with pytest.raises(VistokError, match="1 categories are in both halves of them: at least 8 images and 2"):
        probe(planted(cells, 1.0), one)


def test_tokens_are_those_of_the_tokenizer() -> None:
    tokenizer = build_tokenizer(ENCODER)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)
    in_parts, at_once = (tokens_of(tokenizer, batch=size)(pixels) for size in (2, 5))
    assert at_once.shape == (5, 10, 32) and np.allclose(in_parts, at_once, atol=1e-5)
