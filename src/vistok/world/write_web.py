"""Writes image-text pairs as tar shards, in the layout that img2dataset gives a crawled set."""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from vistok.files import staged_file
from vistok.world.captions import Detail, sample_caption
from vistok.world.catalog import IMAGE_SIZE
from vistok.world.draws import Draws
from vistok.world.render import encode_jpegs
from vistok.world.scene import Scene

SAMPLES_PER_SHARD = 1000
# With more colours in its texts, or with backgrounds, a contrastive model never needs to know a shape.
PLAIN_PERCENT = 75
TOLD = Detail(color=True, size=True, count=True, background=False)


def write_web(scenes: Sequence[Scene], draws: Draws, folder: Path) -> None:
    """Writes `<shard>.tar` files of up to 1,000 samples: `<key>.jpg`, `<key>.txt` and `<key>.json`.

    Scenes are independent draws, so every prefix of the shards is a fair sample.
    """
    _write_shards(scenes, folder, lambda scene, key: sample_caption(scene, draws, TOLD, plain=PLAIN_PERCENT))


def write_unlabelled(scenes: Sequence[Scene], folder: Path) -> None:
    """Writes the same layout without a word about an image: its text is its file's name, as much of the web's is."""
    _write_shards(scenes, folder, lambda scene, key: f"{key}.jpg")


def _write_shards(scenes: Sequence[Scene], folder: Path, text_of: Callable[[Scene, str], str]) -> None:
    for shard, start in enumerate(range(0, len(scenes), SAMPLES_PER_SHARD)):
        _write_shard(shard, scenes[start : start + SAMPLES_PER_SHARD], text_of, folder / f"{shard:05d}.tar")


def _write_shard(
    shard: int, scenes: Sequence[Scene], text_of: Callable[[Scene, str], str], path: Path
) -> None:
    with staged_file(path) as partial, tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as archive:
        for number, (scene, image) in enumerate(zip(scenes, encode_jpegs(scenes), strict=True)):
            key = f"{shard:05d}{number:04d}"
            caption = text_of(scene, key)
            _add(archive, f"{key}.jpg", image)
            _add(archive, f"{key}.json", _record(key, caption))
            _add(archive, f"{key}.txt", caption.encode())


def _record(key: str, caption: str) -> bytes:
    record = {
        "caption": caption,
        "url": f"https://world.invalid/{key}.jpg",
        "key": key,
        "status": "success",
        "error_message": None,
        "width": IMAGE_SIZE,
        "height": IMAGE_SIZE,
        "original_width": IMAGE_SIZE,
        "original_height": IMAGE_SIZE,
    }
    return json.dumps(record, indent=4).encode()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """Adds a member whose owner and time are zero, so that the archive's bytes depend on the data alone."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
