"""The input of both curators: the number of annotated objects of each category in each image."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vistok.datasets.coco import read_instances
from vistok.datasets.vcr import read_metadata
from vistok.errors import VistokError
from vistok.reading import parse_json, read_text

ImageId = int | str
Origin = Literal["coco", "vcr"]
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """One image's objects.

    Attributes:
        image_id: an integer for COCO, a path below the image folder for VCR.
        counts: category -> annotated regions, crowds included, in order of first appearance.
        crowds: the categories of which some region is a crowd, so that their true count is unknown.
        absent: the categories that annotators looked for and did not find (LVIS; others are unknown); None: all that
            `counts` lacks.
    """

    image_id: ImageId
    counts: Mapping[str, int]
    crowds: frozenset[str] = frozenset()
    absent: frozenset[str] | None = None

    def lacks(self, category: str) -> bool:
        """Returns whether an object of this category is known not to be in the image."""
        return category not in self.counts and (self.absent is None or category in self.absent)

    @property
    def objects(self) -> int:
        """The number of annotated regions, crowds included: `n_obj_exist` of the released files."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Annotations:
    """The images of one origin, and their vocabulary.

    Attributes:
        origin: the dataset that they come from.
        images: in the order of the file, or of the files' names.
        categories: the vocabulary.
        whole_vocabulary: whether `categories` also has those that no image shows.
    """

    origin: Origin
    images: tuple[AnnotatedImage, ...]
    categories: tuple[str, ...]
    whole_vocabulary: bool = True


def read_annotations(
    path: Path, *, categories: Path | None = None, images: Collection[ImageId] | None = None
) -> Annotations:
    """Returns the annotations of a COCO instances file, or of a folder of VCR metadata files.

    `categories` names VCR's vocabulary (`cocoontology.json`, or a text file with one name per line); without
    it the vocabulary is what the metadata files show. Given `images`, no metadata of other images is read.

    Raises:
        VistokError: there are no annotations, or a file has another shape.
    """
    if path.is_dir():
        stems = None if images is None else {str(Path(str(image)).with_suffix("")) for image in images}
        files = sorted(path.rglob("*.json"))
        if not files:
            raise VistokError(f"{path} holds no VCR metadata: one .json file an image is needed, found none.")
        annotated = tuple(
            _vcr_image(path, file)
            for file in files
            if stems is None or str(file.relative_to(path).with_suffix("")) in stems
        )
        if categories:
            return Annotations("vcr", annotated, read_categories(categories))
        seen = sorted({name for image in annotated for name in image.counts})
        return Annotations("vcr", annotated, tuple(seen), whole_vocabulary=False)
    instances = read_instances(path)
    return Annotations(
        "coco",
        tuple(
            AnnotatedImage(
                image,
                Counter(instance.category for instance in objects),
                frozenset(instance.category for instance in objects if instance.crowd),
                instances.absent.get(image),
            )
            for image, objects in instances.objects.items()
        ),
        instances.vocabulary,
    )


def read_categories(path: Path) -> tuple[str, ...]:
    """Returns a vocabulary: the names of VCR's `cocoontology.json`, or the lines of a text file."""
    text = read_text(path, what="vocabulary")
    if path.suffix != ".json":
        names = [line.strip() for line in text.splitlines() if line.strip()]
    else:
        try:
            names = [entry["name"].strip() for entry in parse_json(text).values()]
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise VistokError(
                f'{path} is not a vocabulary: {{"1": {{"name": ...}}, ...}} as in cocoontology.json is needed.'
            ) from error
    if not all(names) or not names:
        raise VistokError(f"{path} is not a vocabulary: it has {'an empty' if names else 'no'} name.")
    return tuple(dict.fromkeys(names))


def read_image_list(path: Path, origin: Origin) -> tuple[ImageId, ...]:
    """Returns the image ids of a list, repeated where the list repeats them.

    Legal, plain or gzipped: one image per line, for COCO as an id or a file name that ends in one, for VCR as a path
    that ends in .jpg, .jpeg or .png and may contain spaces; whatever follows the first of them and a space is
    ignored. Or VCR's JSON Lines, in which each record names an image in `img_fn`.

    Raises:
        VistokError: the file is missing, is not text, or a line names no image.
    """
    lines = read_text(path, what="image list").splitlines()
    read = coco_id if origin == "coco" else _vcr_path
    return tuple(read(path, number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())


def select(
    annotations: Annotations, *, keep: Sequence[ImageId] | None = None, leave_out: Iterable[ImageId] = ()
) -> tuple[AnnotatedImage, ...]:
    """Returns the images in `keep`, as often as it lists them (all of them once by default).

    Images without annotations are skipped, see `not_annotated`.
    """
    by_id = {image.image_id: image for image in annotations.images}
    unwanted = set(leave_out)
    requested = by_id if keep is None else keep
    return tuple(by_id[image] for image in requested if image in by_id and image not in unwanted)


def not_annotated(annotations: Annotations, listed: Iterable[ImageId]) -> tuple[ImageId, ...]:
    """Returns the listed images that have no annotations, each once."""
    annotated = {image.image_id for image in annotations.images}
    return tuple(dict.fromkeys(image for image in listed if image not in annotated))


def _vcr_image(folder: Path, file: Path) -> AnnotatedImage:
    suffix = next((suffix for suffix in _IMAGE_SUFFIXES if file.with_suffix(suffix).exists()), ".jpg")
    image = file.relative_to(folder).with_suffix(suffix).as_posix()
    return AnnotatedImage(image, Counter(read_metadata(file).names))


# An id, or a file name in any folder: up to eleven digits, or twelve after a prefix, as in COCO. Flickr's lists append
# a caption's number.
_COCO = re.compile(
    r"(?:(?P<id>\d{1,18})(?:\.0)?|(?:\S*/)?(?:(?P<short>\d{1,11})|(?:\S*[^\d\s/])?(?P<long>\d{12}))\.(?:jpe?g|png)(?:#\d+)?)"
    r"(?:\s.*)?",
    re.IGNORECASE,
)
_PATH = re.compile(r"(.+?\.(?:jpe?g|png))(?:\s.*)?", re.IGNORECASE)


def coco_id(path: Path, number: int, line: str) -> int:
    if match := _COCO.fullmatch(line):
        return int(match["id"] or match["short"] or match["long"])
    raise VistokError(
        f"{path}, line {number}: {line[:80]!r} names no COCO image: an id or a file name such as 000000000139.jpg is "
        "needed."
    )


def _vcr_path(path: Path, number: int, line: str) -> str:
    if line.startswith("{"):
        return _img_fn(path, number, line)
    match = _PATH.fullmatch(line)
    if match and not re.search(r"\.(?:jpe?g|png)$", line[match.end(1) :], re.IGNORECASE):
        return match[1]
    raise VistokError(
        f"{path}, line {number}: {line[:80]!r} names no VCR image: one path that ends in .jpg, .jpeg or .png is needed."
    )


def _img_fn(path: Path, number: int, line: str) -> str:
    try:
        name = parse_json(line)["img_fn"]
    except (ValueError, KeyError, TypeError):
        name = None
    if isinstance(name, str) and name:
        return name
    raise VistokError(f"{path}, line {number}: a JSON object with img_fn is needed, found {line[:80]!r}.")
