from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.datasets.conftest import write

from vistok.datasets.rows import ImageRow
from vistok.datasets.sources import open_source
from vistok.datasets.visual_genome import read_regions, visual_genome_source
from vistok.datasets.visual_genome_ids import read_coco_ids
from vistok.errors import VistokError
from vistok.grid.image_sets import ImageSet
from vistok.reading import read_json

EXCERPT = "visual_genome/v{}/region_descriptions.json.gz"


@pytest.fixture
def photographs(tmp_path: Path, make_jpeg: Callable[..., bytes]) -> Path:
    """Images 1 to 5 as the two archives unpack: the first in VG_100K_2."""
    folder = tmp_path / "images"
    for image in range(1, 6):
        path = folder / f"{'VG_100K_2' if image == 1 else 'VG_100K'}/{image}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_jpeg(image))
    return folder


def region(phrase: str, **of: int) -> dict[str, Any]:
    return {"phrase": phrase, "x": 1, "y": 2, "width": 3, "height": 4, **of}


@pytest.mark.parametrize(
    ("version", "counts"), [("1.2", [262, 256, 255, 257, 248]), ("1.0", [265, 256, 259, 258, 250])]
)
def test_both_official_layouts(shared_data: Path, photographs: Path, version: str, counts: list[int]) -> None:
    source = visual_genome_source(photographs, shared_data / EXCERPT.format(version))
    rows = list(source.rows)
    assert source.categories == ()
    assert [(row.image_id, len(row.captions)) for row in rows] == list(zip("12345", counts, strict=True))
    assert rows[0].captions[:2] == ("the clock is green in colour", "shade is along the street ")
    assert rows[0].image == (photographs / "VG_100K_2/1.jpg").read_bytes()
    assert all(row.objects == row.questions == () and row.label is None for row in rows)


def test_the_excerpts_images_are_those_of_the_official_list(shared_data: Path) -> None:

    listed = read_json(shared_data / "visual_genome/v1.2/image_data.json", what="image data")
    assert [*read_regions(shared_data / EXCERPT.format("1.2"))] == [row["image_id"] for row in listed]


def test_cocos_photographs_are_told_by_the_image_data(shared_data: Path, tmp_path: Path) -> None:
    assert read_coco_ids(shared_data / "visual_genome/v1.2/image_data.json") == {}
    rows: list[dict[str, Any]] = [
        {"image_id": key, "coco_id": image} for key, image in ((1, 139), (2, None), (3, 285))
    ]
    path = write(tmp_path / "image_data.json", rows)
    assert read_coco_ids(path) == {1: 139, 3: 285}
    write(path, [*rows, {"image_id": 4}])
    with pytest.raises(
        VistokError, match=r"image_data\.json.*record 3: an image_id and a coco_id, or null, are"
    ):
        read_coco_ids(path)


def test_images_that_are_asked_about_are_left_out_by_their_coco_ids(
    tmp_path: Path, photographs: Path
) -> None:
    regions = [{"id": image, "regions": [region("a", image_id=image)]} for image in range(1, 6)]
    write(tmp_path / "regions.json", regions)
    pairs = {1: 700, 2: None, 3: 3, 4: 5, 5: None}
    write(
        tmp_path / "image_data.json", [{"image_id": image, "coco_id": coco} for image, coco in pairs.items()]
    )
    write(tmp_path / "asked.json", {"images": [{"id": 700}, {"id": 5}], "annotations": []})
    image_set = ImageSet(
        format="visual-genome",
        images="images",
        captions="regions.json",
        image_data="image_data.json",
        leave_out=("asked.json",),
    )
    assert image_set.files == ("regions.json", "image_data.json", "asked.json")
    assert [row.image_id for row in open_source(image_set, tmp_path).rows] == ["2", "3", "5"]
    with pytest.raises(ValueError, match="visual-genome with `image_data`"):
        ImageSet(format="visual-genome", images="images", captions="regions.json", leave_out=("asked.json",))
    with pytest.raises(ValueError, match="`image_data` is a file of Visual Genome"):
        ImageSet(format="coco", images="images", image_data="image_data.json")


def test_a_set_of_a_scale(tmp_path: Path, photographs: Path) -> None:
    write(
        tmp_path / "regions.json",
        [
            {"id": 2, "regions": [region("a b", image_id=2), region(" ", image_id=2)]},
            {"id": 3, "regions": []},
        ],
    )
    image_set = ImageSet(format="visual-genome", images="images", captions="regions.json")
    rows = [(row.image_id, row.captions) for row in open_source(image_set, tmp_path).rows]
    assert rows == [("2", ("a b",)), ("3", ())]
    (photographs / "VG_100K/2.jpg").rename(photographs / "2.jpg")
    first: ImageRow = next(open_source(image_set, tmp_path).rows)
    assert first.image == (photographs / "2.jpg").read_bytes(), "photographs in one folder are found too"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"regions": []}, "no Visual Genome region descriptions: a JSON list is needed, found dict"),
        ([7], "record 0: a JSON object is needed, found 7"),
        ([{"regions": []}], r"record 0: an id .* a list of regions are needed, found \{'regions': \[\]\}"),
        ([{"id": 1}], r"record 0: an id .* a list of regions are needed"),
        ([{"id": 1, "regions": []}] * 2, r"record 1: an id that no record before has"),
        (
            [{"id": 1, "regions": [region("x", image_id=2)]}],
            r"region of image 1: a phrase and the image_id 1 are needed, found \{'phrase': 'x', 'image_id': 2\}",
        ),
        ([{"id": 1, "regions": [{"image": 1}]}], "region of image 1: a phrase"),
        ([{"id": 1, "regions": ["x"]}], "region of image 1: a phrase .* found x"),
    ],
)
def test_another_shape_is_refused(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(VistokError, match=rf"regions\.json.*{message}"):
        read_regions(write(tmp_path / "regions.json", value))


def test_what_is_missing_is_named(tmp_path: Path, photographs: Path) -> None:
    with pytest.raises(VistokError, match=r"region descriptions not found: .*absent\.json"):
        visual_genome_source(photographs, tmp_path / "absent.json")
    path = write(tmp_path / "regions.json", [{"id": 6, "regions": []}])
    with pytest.raises(VistokError, match=r"image '6.jpg' not found: no file .*images.*VG_100K.*VG_100K_2"):
        list(visual_genome_source(photographs, path).rows)
