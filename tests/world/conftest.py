"""A small world and a few hundred scenes, made once for all tests of the room."""

from pathlib import Path

import numpy as np
import pytest

from vistok.world.draws import Draws
from vistok.world.sampling import sample_scene
from vistok.world.scene import Scene
from vistok.world.world import WorldSizes, make_world

SMALL = WorldSizes(
    seed=7,
    image_size=48,
    coco_train=40,
    coco_dev=25,
    coco_val=30,
    vcr_dev=22,
    vcr_val=45,
    objects365=20,
    imagenet=27,
    lvd=18,
    web=30,
    questions_per_image=6,
    pretraining_documents=50,
    instruction_conversations=50,
    seed_bench_dev=32,
    seed_bench_val=64,
)


@pytest.fixture(scope="session")
def small_sizes() -> WorldSizes:
    return SMALL


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a world of a few dozen images a split."""
    folder = tmp_path_factory.mktemp("world") / "mini"
    make_world(SMALL, folder)
    return folder


@pytest.fixture
def draws() -> Draws:
    return Draws(np.random.default_rng(3))


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    """Scenes of the bright style, enough for their distributions to show."""
    source = Draws(np.random.default_rng(11))
    return [sample_scene(source, "coco") for _ in range(1500)]
