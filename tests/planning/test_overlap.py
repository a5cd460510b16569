"""A scale whose mixture teaches what it asks is told so; the scale of the paper leaves it out."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning.overlap import check_training_captions

ASKED = "coco/karpathy/captions_val5k.json"


@pytest.fixture
def study(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The scale of the paper, whose training captions are those of three photographs, two of which are asked about."""
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    monkeypatch.chdir(tmp_path)
    captions = {
        name: {9: ["a dog"], 25: ["a giraffe", "two animals"], 30: ["flowers"]} for name in ("train", "val")
    }
    captions["val"] = {25: ["two animals"], 30: ["flowers"], 42: ["a dog"]}
    captions["test"] = {}
    for name, place in (
        ("train", "coco/annotations/captions_train2017.json"),
        ("val", ASKED),
        ("test", "coco/karpathy/captions_test5k.json"),
    ):
        rows = [{"image_id": key, "caption": text} for key, texts in captions[name].items() for text in texts]
        path = tmp_path / "data" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"images": [{"id": key} for key in captions[name]], "annotations": rows}))
    return load_study("paper", data_root="data")


def without_leaving_out(study: Study) -> Study:
    """The same scale, whose file has lost its `leave_out`."""
    path = Path("workflow/scales/paper.yaml")
    scale = yaml.safe_load(path.read_text())
    for image_set in scale["image_sets"].values():
        image_set.pop("leave_out", None)
    path.write_text(yaml.safe_dump(scale))
    return load_study("paper", data_root=study.scale.data_root)


def test_the_paper_scale_leaves_out_what_it_asks(study: Study) -> None:
    files = study.task_files("coco-caption")
    for name in ("coco-train", "llava"):
        assert files and files.references in study.image_set(name).leave_out
    assert check_training_captions(study) == "coco-train teaches none of the references of coco-caption"


def test_a_reference_that_is_taught_is_found(study: Study) -> None:
    leaking = without_leaving_out(study)
    with pytest.raises(
        VistokError, match=r"'coco-train' teaches references of coco-caption: captions of 2 of its 3"
    ) as error:
        check_training_captions(leaking)
    assert f"(first: 25). Add {ASKED} to the set's `leave_out` in workflow/scales/paper.yaml" in str(
        error.value
    )


def test_another_image_of_the_same_number_is_no_leak(study: Study) -> None:
    """Numbers alone say nothing: a set of one's own may count from 1."""
    leaking = without_leaving_out(study)
    path = Path("data/coco/annotations/captions_train2017.json")
    path.write_text(path.read_text().replace("two animals", "a street").replace("flowers", "a bus"))
    assert check_training_captions(leaking) == "coco-train teaches none of the references of coco-caption"


def test_files_that_are_not_there_are_not_compared(study: Study) -> None:
    Path("data", ASKED).unlink()
    assert check_training_captions(study) == "nothing to compare is there yet"
