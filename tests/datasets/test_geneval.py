"""GenEval's prompts are read as their file has them, and a wrong record is refused by its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from vistok.datasets.geneval import Prompt, Requirement, read_prompts
from vistok.errors import VistokError

# Records in the form of the official evaluation_metadata.jsonl.
POSITION = {
    "tag": "position", "prompt": "a photo of a bench left of a bear",
    "include": [{"class": "bear", "count": 1}, {"class": "bench", "count": 1, "position": ["left of", 0]}],
}  # fmt: skip
COUNTING = {
    "tag": "counting", "prompt": "a photo of three zebras", "include": [{"class": "zebra", "count": 3}],
    "exclude": [{"class": "zebra", "count": 4}],
}  # fmt: skip
COLOURS = {
    "tag": "colors", "prompt": "a photo of a red bus", "include": [{"class": "bus", "count": 1, "color": "red"}],
}  # fmt: skip


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_records_are_read(tmp_path: Path) -> None:
    found = read_prompts(written(tmp_path / "evaluation_metadata.jsonl", POSITION, COUNTING, COLOURS))
    bear, bench = Requirement("bear", 1), Requirement("bench", 1, None, "left of", 0)
    assert found[0] == Prompt("position", "a photo of a bench left of a bear", (bear, bench))
    assert found[1].exclude == (Requirement("zebra", 4),) and found[2].include == (
        Requirement("bus", 1, "red"),
    )


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            COLOURS | {"tag": "colour"},
            r"record 2: a tag \(single_object, .*\), a prompt, a list of what it includes",
        ),
        (COLOURS | {"include": []}, "record 2: a tag"),
        (COLOURS | {"include": [{"class": "bus", "count": 0}]}, "a count above 0"),
        (POSITION | {"include": POSITION["include"][::-1]}, "a position of an earlier entry"),
        (
            POSITION | {"include": [{"class": "bench", "count": 1, "position": ["near", 0]}]},
            "a known position are needed",
        ),
    ],
)
def test_a_wrong_record_is_refused(tmp_path: Path, record: dict[str, Any], said: str) -> None:
    with pytest.raises(VistokError, match=said):
        read_prompts(written(tmp_path / "prompts.jsonl", COUNTING, record))
