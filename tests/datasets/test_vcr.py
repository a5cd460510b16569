import json
from pathlib import Path
from typing import Any

import pytest

from vistok.datasets.vcr import read_metadata
from vistok.errors import VistokError


def test_official_metadata(shared_data: Path) -> None:
    (path,) = (shared_data / "vcr/vcr1images").rglob("*.json")
    result = read_metadata(path)
    assert result.names == ("person", "person", "person", "car", "cellphone", "clock")
    assert (result.width, result.height) == (1920, 797)
    assert result.attributes == ((),) * 6 and result.image_attributes == ()
    assert result.boxes[0] == pytest.approx((955.74, 52.33, 1551.57, 789.03, 0.999), abs=0.01)


WHOLE = {"boxes": [[0, 1, 2, 3, 0.5]], "names": ["cat"], "width": 4, "height": 5, "segms": [[[0, 0]]]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({**WHOLE, "names": []}, "boxes and as many names"),
        ({**WHOLE, "names": [1]}, "boxes and as many names"),
        *(
            ({**WHOLE, "boxes": [box]}, "left, top, right and bottom .* and score are needed")
            for box in (
                [0, 1, 2, 3],
                [2, 1, 0, 3, 0.5],
                [0, 3, 2, 1, 0.5],
                [0, 1, float("nan"), 3, 0.5],
                [0, 1, 10**400, 3, 1],
                [True, 1, 2, 3, 0.5],
            )
        ),
        ({**WHOLE, "height": 0}, "width, height, boxes"),
        ({**WHOLE, "attributes": []}, "as many names .and attributes"),
        ({**WHOLE, "width": "4"}, "width, height, boxes"),
        ([WHOLE], "is not a VCR metadata file: an object is needed, found a JSON list"),
    ],
)
def test_wrong_metadata_is_refused(tmp_path: Path, value: Any, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    with pytest.raises(VistokError, match=message):
        read_metadata(path)


def test_what_else_is_told_of_an_image_and_its_objects(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    told = {"background": "sand", "backgrounds": ["sand", "sea"], "attributes": [{"color": "red", "n": 3}]}
    path.write_text(json.dumps(WHOLE | told))
    result = read_metadata(path)
    assert result.attributes == ((("color", "red"),),)
    assert result.image_attributes == (
        ("background", "sand"),
        ("backgrounds.0", "sand"),
        ("backgrounds.1", "sea"),
    )
