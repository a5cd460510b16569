from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.datasets.conftest import write

from vistok.datasets.llava import llava_source, read_conversations
from vistok.datasets.rows import QuestionAnswer
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.grid.image_sets import ImageSet

EXCERPT = "llava/llava_instruct_150k_excerpt.json"


@pytest.fixture
def photographs(tmp_path: Path, make_jpeg: Callable[..., bytes]) -> Path:
    """The two photographs of the official excerpt, made up."""
    folder = tmp_path / "coco/train2017"
    folder.mkdir(parents=True)
    for image in (33471, 52846):
        (folder / f"{image:012d}.jpg").write_bytes(make_jpeg(image))
    return folder


def entry(*said: str, image: str = "000000033471.jpg") -> dict[str, Any]:
    """A conversation in which a person begins."""
    turns = [{"from": ("human", "gpt")[n % 2], "value": value} for n, value in enumerate(said)]
    return {"id": Path(image).stem, "image": image, "conversations": turns}


def test_the_official_excerpt(shared_data: Path, photographs: Path) -> None:
    source = llava_source(photographs, shared_data / EXCERPT)
    rows = list(source.rows)
    assert source.categories == ()
    assert [(row.image_id, len(row.questions)) for row in rows] == [("33471", 3), ("52846", 1)]
    assert rows[0].questions[0] == QuestionAnswer(
        "What are the colors of the bus in the image?", "The bus in the image is white and red."
    )
    assert rows[1].image == (photographs / "000000052846.jpg").read_bytes()
    assert all(row.captions == row.objects == () for row in rows)


def test_conversations_about_one_photograph_are_one_row(tmp_path: Path, photographs: Path) -> None:
    write(
        tmp_path / "llava.json",
        [
            entry("<image>\nwho?", "a man ", "and?", "his dog"),
            entry("what?\n<image>", "a cat", image="000000052846.jpg"),
            entry("describe it\n<image>", "A man\n\nwith a dog.", image="coco/train2017/000000033471.jpg"),
        ],
    )
    image_set = ImageSet(format="llava", images="coco/train2017", questions="llava.json")
    rows = {row.image_id: row.questions for row in open_source(image_set, tmp_path).rows}
    assert [*rows] == ["33471", "52846"]
    assert [(pair.question, pair.answer) for pair in rows["33471"]] == [
        ("who?", "a man"), ("and?", "his dog"), ("describe it", "A man\n\nwith a dog.")
    ]  # fmt: skip


def test_train2014s_names_are_found_by_their_ids(tmp_path: Path, photographs: Path) -> None:
    path = write(tmp_path / "llava.json", [entry("?", "!", image="COCO_train2014_000000052846.jpg")])
    assert [row.image_id for row in llava_source(photographs, path).rows] == ["52846"]


def test_only_what_is_asked_and_answered_is_a_question(tmp_path: Path) -> None:
    turns = [
        entry("a greeting", "x")["conversations"][1],
        *entry("<image>", "y", "q", "a", "q2")["conversations"],
    ]
    path = write(tmp_path / "llava.json", [{"image": "1.jpg", "conversations": turns}])
    assert read_conversations(path) == {"1.jpg": [QuestionAnswer("q", "a")]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "no LLaVA conversations file: a JSON list is needed, found dict"),
        (
            [entry("<image>", "only the marker")],
            "record 0: an image and conversations, in which a 'gpt' answers",
        ),
        ([{**entry("q", "a"), "image": None}], "record 0: an image"),
        ([entry("q", "a"), {"id": "identity", "conversations": []}], "record 1: an image"),
        (
            [{"image": "1.jpg", "conversations": [{"from": "human"}, 3]}],
            r"record 0: an image .* found \{'image'",
        ),
        ([{"image": "1.jpg", "conversations": "hello"}], "record 0: an image"),
    ],
)
def test_another_shape_is_refused(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(VistokError, match=rf"llava\.json.*{message}"):
        read_conversations(write(tmp_path / "llava.json", value))


def test_a_cut_file_and_a_missing_photograph_are_named(tmp_path: Path, photographs: Path) -> None:
    path = write(tmp_path / "llava.json", [entry("q", "a", image="000000000009.jpg")])
    with pytest.raises(VistokError, match=r"image '000000000009.jpg' not found: no file .*train2017"):
        list(llava_source(photographs, path).rows)
    path.write_text(path.read_text()[:-9])
    with pytest.raises(VistokError, match=r"llava.json \(LLaVA conversations file\) is not valid JSON"):
        llava_source(photographs, path)
