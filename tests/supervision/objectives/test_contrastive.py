"""The contrastive objective: words, the text encoder's causality, InfoNCE and the temperature."""

import math

import pytest
import torch

from vistok.supervision.objectives.contrastive import TextEncoder, Words, symmetric_cross_entropy

TEXTS = ["two red rings", "a star, on sand"]


def test_words_are_numbered_in_order_between_marks() -> None:
    words = Words(TEXTS)
    assert len(words) == 3 + 8  # , a on red rings sand star two
    tokens = words.encode(["Two red rings", "a star"], context=77)
    number = words.numbers
    assert tokens.tolist() == [
        [1, number["two"], number["red"], number["rings"], 2],
        [1, number["a"], number["star"], 2, 0],
    ]


def test_a_long_text_loses_its_last_words_and_keeps_its_end() -> None:
    words = Words(TEXTS)
    assert words.encode(["a star, on sand"], context=4).tolist() == [
        [1, words.numbers["a"], words.numbers["star"], 2]
    ]


def test_a_text_is_read_left_to_right_and_padding_is_not_read() -> None:
    torch.manual_seed(0)
    reader = TextEncoder(words=9, context=8, width=16, layers=2, heads=2)
    short = reader(torch.tensor([[1, 5, 6, 2]]))
    padded = reader(torch.tensor([[1, 5, 6, 2, 0, 0]]))
    assert torch.allclose(short, padded, atol=1e-6)
    assert torch.allclose(short, reader(torch.tensor([[1, 5, 6, 2, 7, 8]])), atol=1e-6)
    assert not torch.allclose(short, reader(torch.tensor([[1, 6, 5, 2]])), atol=1e-4)


def test_info_nce_follows_the_formula_in_both_directions() -> None:
    torch.manual_seed(0)
    images, texts, scale = torch.randn(5, 4), torch.randn(5, 4), torch.tensor(3.0)
    total = 0.0
    for i in range(5):
        cosine = [
            [float(torch.cosine_similarity(images[a], texts[b], dim=0)) for b in range(5)] for a in range(5)
        ]
        along = math.log(sum(math.exp(3 * cosine[i][j]) for j in range(5)))
        down = math.log(sum(math.exp(3 * cosine[j][i]) for j in range(5)))
        total += (along - 3 * cosine[i][i]) / 10 + (down - 3 * cosine[i][i]) / 10
    assert symmetric_cross_entropy(images, texts, scale).item() == pytest.approx(total, rel=1e-5)


def test_it_is_symmetric_and_blind_to_length() -> None:
    torch.manual_seed(0)
    images, texts, scale = torch.randn(5, 4), torch.randn(5, 4), torch.tensor(3.0)
    loss = symmetric_cross_entropy(images, texts, scale)
    assert torch.allclose(symmetric_cross_entropy(texts, images, scale), loss)
    assert torch.allclose(symmetric_cross_entropy(7 * images, 0.1 * texts, scale), loss)


def test_the_temperature_is_learnt_from_its_start_and_clamped(make, trainer) -> None:
    objective = make("contrastive")
    assert objective.log_scale.exp().item() == pytest.approx(1 / 0.07, rel=1e-5)
    trainer(objective).run(0, 3)
    assert objective.log_scale.item() != pytest.approx(math.log(1 / 0.07), rel=1e-6)
    with torch.no_grad():
        objective.log_scale.fill_(9.0)
    objective.after_step(0)
    assert objective.log_scale.exp().item() == pytest.approx(100, rel=1e-5)


def test_images_and_texts_of_a_batch_belong_together(make, data) -> None:
    objective = make("contrastive")
    batch = objective.batch(data, 0)
    red = objective.vocabulary.numbers["red"]
    for image, tokens in zip(batch["images"], batch["tokens"], strict=True):
        assert (image[0].mean() > image[2].mean()) == (red in tokens.tolist())
