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
# The 5.4 million regions take gigabytes in memory with all that they say.
_UNREAD = frozenset({"x", "y", "width", "height", "region_id", "synsets"})
_FOLDERS = ("", "VG_100K", "VG_100K_2")


def visual_genome_source(folder: Path, regions: Path) -> Source:
    """Reads every image of `regions`, in the file's order, each region's phrase as a caption of the image.

    Chosen: the paper trains on Visual Genome as image captioning (4.1) without saying what a caption is; ViLT, whose
    count of pairs the paper's comes near, takes each region's phrase for one. Its objects are not read: their names
    are free text and none is said to be absent, so no counting or identification question could be answered.

    Args:
        folder: of the photographs `ID.jpg`, or of the folders VG_100K and VG_100K_2 as the archives hold them.

    Raises:
        VistokError: the file is missing, truncated or of another shape; while rows are consumed: an image is missing.
    """
    found = read_regions(regions)
    index = ImageIndex(folder, _FOLDERS)

    def images() -> Iterator[Listed]:
        for image, phrases in found.items():
            row = partial(ImageRow, str(image), captions=phrases)
            yield listed_file(index, str(image), [f"{image}.jpg"], row)

    return Source((), Images(images))


def read_regions(path: Path) -> dict[int, tuple[str, ...]]:
    """Returns the phrases of each image that are not empty, as written, in file order (.json or .json.gz).

    Raises:
        VistokError: the file is missing, truncated or of another shape, or lists an image twice.
    """
    found: dict[int, tuple[str, ...]] = {}
    entries = listed(path, read_json(path, what=_REGIONS, drop=_UNREAD), what=_REGIONS)
    for position, entry in enumerate(entries):
        match entry:
            case {"id": int() as image, "regions": [*regions]} if image not in found:
                phrases = [_phrase(path, image, region) for region in regions]
                found[image] = tuple(phrase for phrase in phrases if phrase.strip())
            case _:
                needed = "an id that no record before has and a list of regions are"
                raise wrong_record(path, f"record {position}", needed, entry)
    return found


def _phrase(path: Path, image: int, region: Any) -> str:
    """Returns what a region says; its image is `image_id` in v1.2, `image` in v1.0."""
    match region:
        case {"phrase": str() as phrase, "image_id": int() as found} if found == image:
            return phrase
        case {"phrase": str() as phrase, "image": int() as found} if found == image:
            return phrase
    raise wrong_record(path, f"a region of image {image}", f"a phrase and the image_id {image} are", region)
