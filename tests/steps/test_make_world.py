"""What the mini world's step writes besides the world: GVTBench's files, and counting where counts differ."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.pins import PINS, folder_digest, pinned_digest
from vistok.steps import make_world


@pytest.fixture(scope="module")
def smoke(repository: Path) -> Study:
    return load_study("smoke", root=repository)


@pytest.fixture(scope="module")
def made(smoke: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of the smoke scale, made below a folder of its own."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_world.run(smoke, check=False)
    return folder / smoke.scale.data_root


def test_every_file_that_a_task_names_is_made(smoke: Study, made: Path) -> None:
    for tasks in (smoke.scale.tasks, *smoke.scale.splits.values()):
        assert tasks.keys() == smoke.scale.tasks.keys()
        for files in tasks.values():
            assert all((made / name).exists() for name in (*files.images, *files.named))


@pytest.mark.parametrize(("split", "suffix"), [("train", "_train"), ("dev", "_dev"), ("val", "")])
def test_where_counts_differ_every_group_is_asked_about(made: Path, split: str, suffix: str) -> None:
    known = json.loads((made / f"coco/annotations/instances_{split}2017.json").read_text())
    shown: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for entry in known["annotations"]:
        shown[entry["image_id"]][entry["category_id"]] += 1
    asked: defaultdict[int, list[int]] = defaultdict(list)
    for question in json.loads((made / f"gvtbench/coco_oc_differ{suffix}.json").read_text()):
        asked[question["image_id"]].append(int(question["text_out"]))
    assert asked
    for image, counts in asked.items():
        assert sorted(counts) == sorted(shown[image].values())
        assert len(set(counts)) == len(counts) > 1


def test_smoke_is_pinned_as_it_is_made(smoke: Study, made: Path, repository: Path) -> None:
    assert folder_digest(made) == pinned_digest(repository / PINS, Path(smoke.scale.data_root))
