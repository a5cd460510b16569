"""Objectives that sort images into prototypes say how, and a planted collapse is noticed on the step's own way."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards, write_rows
from vistok.grid.recipes import Optimiser
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import Pretraining
from vistok.probes.features import tokens_of
from vistok.steps.probe_set import ProbeSet
from vistok.steps.probing import probe_pretrained
from vistok.supervision.base import Objective, Setup, make_objective, untrained_encoder
from vistok.supervision.data import PretrainingData
from vistok.supervision.encoder import class_feature, embed
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign

SORTING = ("dino", "dinov2")
Made = tuple[Objective, Setup]


@pytest.fixture
def built(encoder: Encoder, data: PretrainingData) -> Callable[[str], Made]:
    def build(name: str) -> Made:
        optimiser = Optimiser(learning_rate=3e-3, warmup_steps=0)
        options = {"global_size": 24, "local_crops": 0} if name in SORTING else {}
        pretraining = Pretraining(steps=40, batch=12, optimiser=optimiser, options=options)
        setup = Setup(encoder, pretraining, data, 3)
        return make_objective(name, setup), setup

    return build


@pytest.fixture(scope="module")
def images(shards: Shards, tmp_path_factory: pytest.TempPathFactory) -> ProbeSet:
    """The patterns once more, each annotated with a box of what it shows, and with a crowd."""
    folder = tmp_path_factory.mktemp("shards") / "annotated"

    def annotated(row: ImageRow) -> ImageRow:
        shown = ObjectAnnotation(("check", "stripe")[(row.label or 0) % 2], (6.0, 0.0, 12.0, 6.0), False)
        return replace(row, objects=(shown, ObjectAnnotation("crowd", (0.0, 0.0, 1.0, 1.0), True)))

    write_rows(map(annotated, shards), folder, categories=("check", "stripe", "crowd", "cat"))
    return ProbeSet.read(folder, 24)


def probed(made: Made, images: ProbeSet) -> tuple[dict, list[str]]:
    objective, setup = made
    return probe_pretrained(exported(objective, setup.encoder), objective, setup, images)


def exported(objective: Objective, encoder: Encoder) -> VisualTokenizer:
    tokenizer = build_tokenizer(encoder)
    load_foreign(tokenizer, objective.exported().state_dict(), "student")
    return tokenizer


@pytest.mark.parametrize("name", SORTING)
def test_images_are_sorted_as_the_teacher_does(name: str, built, images: ProbeSet) -> None:
    objective, _ = built(name)
    pixels = torch.rand(12, 3, 24, 24)
    objective.centre.value.copy_(torch.linspace(-0.1, 0.1, 256))
    teacher = objective.teacher_encoder
    with torch.no_grad():
        cosines = objective.teacher_head(class_feature(teacher, embed(teacher, pixels)))
        expected = objective.centre.sharpen(cosines, 0.04)
    assert torch.allclose(objective.prototypes(pixels), expected, atol=1e-6)


def test_others_have_no_prototypes(built) -> None:
    objective, _ = built("supervised")
    assert objective.prototypes(torch.rand(2, 3, 24, 24)) is None


@pytest.mark.parametrize("name", [*SORTING, "supervised", "masked-pixels", "contrastive"])
def test_the_untrained_encoder_is_the_one_that_training_starts_from(name: str, built) -> None:
    objective, setup = built(name)
    torch.rand(7)
    again = untrained_encoder(objective, setup).state_dict()
    assert all(torch.equal(again[key], tensor) for key, tensor in objective.encoder.state_dict().items())


def test_an_untrained_tokenizer_gains_exactly_nothing(built, images: ProbeSet) -> None:
    record, amiss = probed(built("supervised"), images)
    assert record["gains"] == {name: {"value": 0.0, "error": 0.0} for name in ("linear", "category")}
    assert record["untrained"]["linear"] == record["linear"] and record["untrained"]["mlp"] is None
    assert len(amiss) == 2 and record["amiss"] == amiss


@pytest.mark.parametrize(
    ("centre", "message"), [(-1e3, "sends all images to one prototype"), (0.0, "is sure of no image")]
)
def test_a_planted_collapse_is_noticed(centre: float, message: str, built, images: ProbeSet) -> None:
    objective, setup = built("dino")
    with torch.no_grad():
        objective.teacher_head.prototypes.copy_(objective.teacher_head.prototypes[:1].expand(256, -1))
        objective.centre.value[5] = centre
    record, amiss = probed((objective, setup), images)
    assert any(message in sentence for sentence in amiss)
    assert record["prototypes"]["used"] == 1


def test_a_probe_set_knows_its_images(images: ProbeSet) -> None:
    assert images.pixels.shape == (24, 24, 24, 3) and len(images.cells) == 24  # a crowd is no box
    assert images.presence.sum(axis=0).tolist() == [12, 12, 24, 0]
    assert (images.attributes["category"] == images.cells.category).all()
    assert np.bincount(images.attributes["light"]).tolist() == [4] * 6
    means = images.pixels.mean(axis=(1, 2, 3))
    darkest, brightest = (means[images.attributes["light"] == part] for part in (0, 5))
    assert darkest.max() <= brightest.min()


def test_tokens_that_a_probe_reads_are_the_exported_ones(built, encoder: Encoder, images: ProbeSet) -> None:
    objective, _ = built("dino")
    tokens = tokens_of(exported(objective, encoder))(images.pixels)
    assert tokens.shape == (24, 10, 32) and np.isfinite(tokens).all()
