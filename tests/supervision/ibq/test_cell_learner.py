"""A net learns what is in each cell, and is asked about images that it was not shown."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vistok.datasets.coco import ObjectAnnotation
from vistok.errors import VistokError
from vistok.grid.recipes import Optimiser
from vistok.probes.cell_net import IGNORED, CellNet, Contents, cell_labels, contents_of
from vistok.supervision.ibq.cell_learner import CellLearner, category_accuracy
from vistok.supervision.ibq.images import ImagePool
from vistok.training.loop import Plan, make_deterministic, train


def test_objects_are_told_by_the_cell_of_their_middle() -> None:
    red = (("color", "red"),)
    objects = [
        (
            ObjectAnnotation("bar", (0.0, 0.0, 10.0, 12.0), False, red),
            ObjectAnnotation("bar", (20.0, 20.0, 12.0, 12.0), True),
        ),
        (ObjectAnnotation("square", (12.0, 1.0, 10.0, 10.0), False),),
    ]  # fmt: skip
    contents = contents_of(objects)
    assert (contents.categories, contents.colours) == (("bar", "square"), ("red",))
    labels = cell_labels(objects, [(32, 32), (32, 32)], contents, cells=2)
    assert labels.category.tolist() == [[[1, 0], [0, IGNORED]], [[0, 2], [0, 0]]]
    assert labels.colour.tolist() == [[[1, 0], [0, IGNORED]], [[0, IGNORED], [0, 0]]]
    assert labels.area[0, 0, 0] == 120 / 256 and labels.area[0, 1, 1] == 0
    with pytest.raises(VistokError, match="unknown category of an object that a cell net is to tell 'bar'"):
        cell_labels(objects, [(32, 32), (32, 32)], Contents(("square",), ()), cells=2)


def learner_of(pool: ImagePool, net: CellNet) -> CellLearner:
    objects = pool.objects()
    labels = cell_labels(objects, pool.sizes(), net.contents, cells=2)
    return CellLearner(net, pool, labels, shown=30, batch=8, seed=0)


def test_cells_are_shuffled_with_what_is_in_them(pool: ImagePool, net: CellNet) -> None:
    """A cell's own pixels say what is in it, wherever it now stands."""
    learner = learner_of(pool, net)
    batch = learner.batch(3, 0, 1)
    assert torch.equal(batch["images"], learner.batch(3, 0, 1)["images"])
    known = {}
    for image, labels in zip(pool.pixels(np.arange(30)), learner.labels.category[:30], strict=True):
        for row in range(2):
            for column in range(2):
                cell = image[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
                known[cell.numpy().tobytes()] = labels[row, column]
    moved = 0
    for image, labels in zip(batch["images"], batch["category"], strict=True):
        for row in range(2):
            for column in range(2):
                cell = image[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16].contiguous()
                assert known[cell.numpy().tobytes()] == labels[row, column]
        moved += not any(torch.equal(image, other) for other in pool.pixels(np.arange(30)))
    assert moved > 0


def test_a_net_learns_to_tell_held_out_objects(pool: ImagePool, net: CellNet, tmp_path: Path) -> None:
    make_deterministic(0)
    learner, held_out = learner_of(pool, net), np.arange(30, 40)
    before = category_accuracy(net, pool, learner.labels, held_out)
    plan = Plan(120, Optimiser(learning_rate=5e-3, warmup_steps=5), save_every=1000)
    train(learner, plan, state=tmp_path, identity="one", name="a net")
    assert category_accuracy(net, pool, learner.labels, held_out) >= 90 > before
    assert net.taps(torch.zeros(1, 3, 32, 32))[-1].shape == (1, 16, 2, 2)
    assert net.features(torch.zeros(2, 3, 32, 32)).shape == (2, 16)
