"""Reads Visual Genome (v1.0 and v1.2): photographs with the phrases that describe their regions."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from vistok.datasets.images import ImageIndex
from vistok.datasets.official import listed, wrong_record
from vistok.datasets.rows import ImageRow, Images, Listed, Source, listed_file
from vistok.reading import read_json

_REGIONS = "Visual Genome region descriptions"
# With all their fields, the 5.4 million regions take gigabytes of memory.
_UNREAD = frozenset({"x", "y", "width", "height", "region_id", "synsets"})
_FOLDERS = ("", "VG_100K", "VG_100K_2")


def visual_genome_source(folder: Path, regions: Path) -> Source:
    """Reads every image of `regions`, in the file's order, each region's phrase as a caption of the image.

    Chosen: the paper trains on Visual Genome as image captioning (4.1) without saying what a caption is; ViLT, which
    has nearly the same number of pairs, takes each region's phrase as one. Its objects are not read: their names are
    free text and none is marked as absent, so they could answer no counting or identification question.

    Args:
        folder: of the photographs `ID.jpg`, or of the archives' folders VG_100K and VG_100K_2.

    Raises:
        VistokError: the file is missing, truncated or has another shape; while rows are consumed: an image is missing.
    """
    phrases_of = read_regions(regions)
    index = ImageIndex(folder, _FOLDERS)

    def images() -> Iterator[Listed]:
        for image, phrases in phrases_of.items():
            row = partial(ImageRow, str(image), captions=phrases)
            yield listed_file(index, str(image), [f"{image}.jpg"], row)

    return Source((), Images(images))


def read_regions(path: Path) -> dict[int, tuple[str, ...]]:
    """Returns the non-empty phrases of each image, as written, in file order (.json or .json.gz).

    Raises:
        VistokError: the file is missing, truncated or has another shape, or lists an image twice.
    """
    phrases_of: dict[int, tuple[str, ...]] = {}
    entries = listed(path, read_json(path, what=_REGIONS, drop=_UNREAD), what=_REGIONS)
    for position, entry in enumerate(entries):
        match entry:
            case {"id": int() as image, "regions": [*regions]} if image not in phrases_of:
                phrases = [_phrase(path, image, region) for region in regions]
                phrases_of[image] = tuple(phrase for phrase in phrases if phrase.strip())
            case _:
                needed = "an id that no record before has and a list of regions are"
                raise wrong_record(path, f"record {position}", needed, entry)
    return phrases_of


def _phrase(path: Path, image: int, region: Any) -> str:
    """Returns a region's phrase; the key of its image is `image_id` in v1.2, `image` in v1.0."""
    match region:
        case {"phrase": str() as phrase, "image_id": int() as owner} if owner == image:
            return phrase
        case {"phrase": str() as phrase, "image": int() as owner} if owner == image:
            return phrase
    raise wrong_record(path, f"a region of image {image}", f"a phrase and the image_id {image} are", region)
