import multiprocessing
import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.datasets.conftest import write

from vistok.datasets.mixture import Mixture, MixtureSample, Turn
from vistok.datasets.preprocessing import Preprocessing, channels_first, squash
from vistok.datasets.reader import PixelReader
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards, write_rows, write_shards
from vistok.errors import VistokError
from vistok.evaluation.turns import TurnDraw
from vistok.grid.image_sets import ImageSet
from vistok.grid.load import load_study

Set = tuple[ImageSet, Path]
PREPROCESSING = Preprocessing(12, "clip")
ASKED: Any = {
    "turns": {"caption": 1, "vqa": 2, "counting": 2, "identification": 2},
    "prompts": {
        "caption": "what does the image describe?",
        "vqa": "Question: {question} Answer:",
        "counting": "{question}",
        "identification": "{question}",
    },
}


@pytest.fixture
def sets(coco_set: Set, web_set: Set, tmp_path: Path) -> list[Shards]:
    for image_set, root in (coco_set, web_set):
        write_shards(image_set, root, tmp_path / "shards" / image_set.format)
    return [Shards(tmp_path / "shards" / name) for name in ("coco", "webdataset")]


def mixture(sets: list[Shards], **changes: Any) -> Mixture:
    asked = {key: changes.pop(key, ASKED[key]) for key in ASKED}
    return Mixture(
        sets, **{"draw": TurnDraw(**asked), "reader": PixelReader(PREPROCESSING), "seed": 0, **changes}
    )


def whole_images(sets: list[Shards]) -> np.ndarray:
    """Every image of the sets as it is without a crop or a flip."""
    size = PREPROCESSING.image_size
    return np.stack([channels_first(squash(shards.decoded(row), size)) for shards in sets for row in shards])


def same(first: MixtureSample, second: MixtureSample) -> bool:
    return first.turns == second.turns and np.array_equal(first.image, second.image)


def which(sample: MixtureSample, sets: list[Shards]) -> int:
    """Tells the image of a sample by its pixels, flipped or not."""
    images = whole_images(sets)
    flips = (sample.image, sample.image[:, :, ::-1])
    (found,) = (n for n, image in enumerate(images) if any(np.array_equal(image, flip) for flip in flips))
    return found


def test_an_epoch_has_every_image_once_in_an_order_of_its_own(sets: list[Shards]) -> None:
    stream = mixture(sets)
    assert len(stream) == 9
    epochs = [[which(stream.sample(9 * epoch + n), sets) for n in range(9)] for epoch in range(3)]
    # Image 2 has neither objects nor captions: the next image of the order stands in for it.
    assert [set(epoch) for epoch in epochs] == [set(range(9)) - {2}] * 3
    assert epochs[0] != epochs[1] != epochs[2]
    order = np.random.default_rng([0, 0, 0, 1]).permutation(9).tolist()
    place = order.index(2)
    assert epochs[0] == [*order[:place], order[(place + 1) % 9], *order[place + 1 :]]


def test_a_sample_depends_on_seed_and_position_alone(sets: list[Shards]) -> None:
    stream = mixture(sets)
    straight = [stream.sample(position) for position in range(30)]
    resumed = mixture(sets, cache_bytes=0)
    assert all(same(straight[position], resumed.sample(position)) for position in reversed(range(30)))
    assert not all(same(straight[position], mixture(sets, seed=1).sample(position)) for position in range(9))
    assert straight[0].image.dtype == np.uint8
    assert straight[0].image.shape == (3, 12, 12)


def test_two_visits_to_an_image_ask_other_questions(sets: list[Shards]) -> None:
    stream = mixture(sets[:1])
    asked = {stream.sample(position).turns for position in range(60)}
    assert len(asked) > 20


def test_any_number_of_workers_makes_the_same_stream(sets: list[Shards]) -> None:
    stream = mixture(sets)
    straight = [stream.sample(position) for position in range(18)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        shared = pool.map(stream.sample, range(18), chunksize=1)
    copied = pickle.loads(pickle.dumps(stream))
    assert all(map(same, straight, shared))
    assert all(same(straight[position], copied.sample(position)) for position in range(18))


def test_kinds_follow_what_each_image_supports(sets: list[Shards]) -> None:
    stream = mixture(sets)
    for position in range(27):
        sample = stream.sample(position)
        kinds = Counter(turn.kind for turn in sample.turns)
        image = which(sample, sets)
        if image >= 6:
            assert kinds == {"caption": 1}
        if image == 0:
            assert kinds == {"caption": 1, "vqa": 2, "counting": 1, "identification": 1}
        if image == 1:
            assert ("How many dogs are there in the image?", "1") in {
                (t.prompt, t.answer) for t in sample.turns
            }
            assert kinds == {"caption": 1, "vqa": 1, "counting": 1, "identification": 2}
        if image == 3:
            assert kinds == {"identification": 1}


def test_flips_and_crops(sets: list[Shards]) -> None:
    straight = mixture(sets, horizontal_flip=False)
    images = whole_images(sets)
    assert all((images == straight.sample(n).image).all((1, 2, 3)).any() for n in range(9))
    cropped = mixture(sets, crop_scale=(0.3, 0.6))
    assert not any((images == cropped.sample(n).image).all((1, 2, 3)).any() for n in range(9))
    assert same(cropped.sample(4), mixture(sets, crop_scale=(0.3, 0.6), cache_bytes=0).sample(4))


def test_images_are_kept_decoded_where_all_of_them_fit(
    sets: list[Shards], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    one = Shards.decoded
    monkeypatch.setattr(
        Shards, "decoded", lambda self, row: (decoded.append(row.image_id), one(self, row))[1]
    )
    images = sum(map(len, sets))
    size = images * (12 * 12 * 3 + 4096)
    # Each epoch reads image 2, which asks nothing, and the one that stands in for it.
    for cache_bytes, expected in ((size, images), (size - 1, 2 * (images + 1))):
        decoded.clear()
        stream = mixture(sets, cache_bytes=cache_bytes)
        for position in range(2 * images):
            stream.sample(position)
        assert len(decoded) == expected


def test_a_mixture_that_can_ask_nothing_is_refused(sets: list[Shards]) -> None:
    with pytest.raises(
        VistokError, match="no image of the mixture supports a question of the kinds counting"
    ):
        mixture(sets[1:], turns={"counting": 2}).sample(0)
    with pytest.raises(VistokError, match="no images"):
        mixture([])
    with pytest.raises(VistokError, match="asks counting questions, but has prompts only for"):
        mixture(sets, prompts={"caption": "?"})


def test_an_image_that_went_bad_is_named(tmp_path: Path) -> None:
    rows = [ImageRow("77", b"no image", captions=("a cat",))]
    write_rows(rows, tmp_path / "bad")
    with pytest.raises(VistokError, match=f"image 77 of {tmp_path / 'bad'} cannot be decoded: not an image"):
        mixture([Shards(tmp_path / "bad")]).sample(0)


def test_the_papers_sets_are_asked_what_they_know(
    repository: Path, tmp_path: Path, make_jpeg: Callable[..., bytes]
) -> None:
    """Regions are captions, Open Images is counted, LLaVA's instructions are asked as they are."""
    paper = load_study("paper", root=repository)
    recipe = paper.recipe("frozen")
    (tmp_path / "images").mkdir()
    for name in ("7.jpg", "000000000008.jpg", "a9.jpg"):
        (tmp_path / "images" / name).write_bytes(make_jpeg(len(name)))
    write(tmp_path / "regions.json", [{"id": 7, "regions": [{"image_id": 7, "phrase": "a red bus "}]}])
    said = [
        {"from": "human", "value": "What is odd?\n<image>"},
        {"from": "gpt", "value": "The bus. It flies."},
    ]
    write(tmp_path / "llava.json", [{"image": "000000000008.jpg", "conversations": said}])
    (tmp_path / "classes.csv").write_text("/m/1,Wine glass\n/m/2,Person\n")
    (tmp_path / "boxes.csv").write_text(
        "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n"
        + "a9,/m/1,0,1,0,1,0\n" * 2
        + "a9,/m/2,0,1,0,1,1\n"
    )
    files: dict[str, Any] = {
        "visual-genome": {"captions": "regions.json"},
        "llava": {"questions": "llava.json"},
        "openimages": {"instances": "boxes.csv", "categories": "classes.csv"},
    }
    assert files.keys() < {paper.image_set(name).format for name in paper.scale.mixture}
    asked = {}
    for name, named in files.items():
        write_shards(ImageSet(format=name, images="images", **named), tmp_path, tmp_path / "shards" / name)
        shards = [Shards(tmp_path / "shards" / name)]
        asked[name] = mixture(shards, turns=recipe.turns, prompts=recipe.prompts).sample(0).turns
    assert asked == {
        "visual-genome": (Turn("caption", "what does the image describe?", "a red bus", short=False),),
        "llava": (Turn("vqa", "What is odd?", "The bus. It flies."),),
        "openimages": (Turn("counting", "How many wine glasses are there in the image?", "2"),),
    }
    assert paper.task("vqav2").prompt == "Question: {question} Answer:", "which no training prompt is"


def test_an_image_stands_in_an_epoch_as_often_as_told(sets: list[Shards]) -> None:
    stream = mixture(sets, repeats=[1, 3])
    assert len(stream) == 6 + 3 * 3
    shown = Counter(which(stream.sample(index), sets) for index in range(15))
    assert {image: shown[image] for image in (6, 7, 8)} == {6: 3, 7: 3, 8: 3}
    assert sum(shown[image] for image in range(6)) == 6
    with pytest.raises(ValueError, match="shorter"):
        mixture(sets, repeats=[1])


def test_a_count_is_of_the_objects_that_are_shown(tmp_path: Path, make_jpeg: Callable[..., bytes]) -> None:
    """Four cats in the corners of an image: how many a crop shows differs, and is what is taught."""
    root, size = tmp_path / "data", 12
    write_image = root / "images/000000000001.jpg"
    write_image.parent.mkdir(parents=True)
    write_image.write_bytes(make_jpeg(1))
    corners = [[x, y, 2, 2] for x in (0, size - 2) for y in (0, size - 2)]
    boxes = [{"image_id": 1, "category_id": 1, "bbox": box, "iscrowd": 0} for box in corners]
    images = [{"id": 1, "file_name": "000000000001.jpg", "height": size, "width": size}]
    names = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    write(root / "instances.json", {"images": images, "annotations": boxes, "categories": names})
    captions = [{"image_id": 1, "caption": "cats in all corners"}]
    write(root / "captions.json", {"images": images, "annotations": captions})
    image_set = ImageSet(format="coco", images="images", instances="instances.json", captions="captions.json")
    write_shards(image_set, root, tmp_path / "shards")
    stream = mixture(
        [Shards(tmp_path / "shards")], crop_scale=(0.3, 0.7), turns={"counting": 1, "caption": 1}
    )
    taught = Counter(
        turn.answer for index in range(300) for turn in stream.sample(index).turns if turn.kind == "counting"
    )
    assert taught["4"] == 0 and taught["1"] > 20 and taught["2"] > 20
    whole = mixture([Shards(tmp_path / "shards")], turns={"counting": 1})
    assert {turn.answer for index in range(20) for turn in whole.sample(index).turns} == {"4"}
