from pathlib import Path

import pytest

from vistok.datasets.official import records
from vistok.errors import VistokError


def test_records_names_what_was_found_instead() -> None:
    path = Path("f.json")
    assert records(path, {"images": [{"id": 1}]}, "images", what="file") == [{"id": 1}]
    with pytest.raises(VistokError, match="a list 'images' is needed, found a JSON list"):
        records(path, [], "images", what="COCO instances file")
    with pytest.raises(VistokError, match="keys info, questions"):
        records(path, {"info": {}, "questions": []}, "images", what="COCO instances file")
    with pytest.raises(VistokError, match=r"images, record 1: a JSON object is needed, found 7"):
        records(path, {"images": [{}, 7]}, "images", what="COCO instances file")
