import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from vistok.world.catalog import BACKGROUND_NAMES, COLOR_NAMES
from vistok.world.draws import Draws
from vistok.world.sampling import sample_scene
from vistok.world.write_web import SAMPLES_PER_SHARD, write_web


@pytest.fixture
def captions(draws: Draws, tmp_path: Path) -> dict[str, list[str]]:
    """The captions of each shard of a crawled set that is a little longer than one shard."""
    scenes = [sample_scene(draws, "varied", web=True) for _ in range(SAMPLES_PER_SHARD + 3)]
    write_web(scenes, draws, tmp_path)
    found = {}
    for path in sorted(tmp_path.iterdir()):
        with tarfile.open(path) as archive:
            records = [member for member in archive.getmembers() if member.name.endswith(".json")]
            found[path.name] = [json.load(archive.extractfile(one))["caption"] for one in records]  # type: ignore[arg-type]
    return found


def test_shards_are_filled_one_after_another(captions: dict[str, list[str]]) -> None:
    assert {name: len(texts) for name, texts in captions.items()} == {"00000.tar": 1000, "00001.tar": 3}


def test_one_caption_of_five_tells_a_colour_and_none_a_background(captions: dict[str, list[str]]) -> None:
    """85 % of the fourth that may tell colours do."""
    words = [set(text.split()) for texts in captions.values() for text in texts]
    told = Counter((bool(seen & set(COLOR_NAMES)), bool(seen & set(BACKGROUND_NAMES))) for seen in words)
    assert told[True, False] / told.total() == pytest.approx(0.21, abs=0.04)
    assert set(told) == {(False, False), (True, False)}
