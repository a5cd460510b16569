"""Reads whole image sets in the official layouts: COCO files, ImageNet folders, img2dataset tars."""

import json
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path, PurePosixPath

from vistok.datasets.coco import read_captions, read_instances
from vistok.datasets.images import SUFFIXES, ImageIndex, id_in_name, image_bytes
from vistok.datasets.rows import ImageRow, QuestionAnswer
from vistok.datasets.vqa import read_annotations, read_questions
from vistok.errors import VistokError
from vistok.grid.scale import ImageSet

_TAR_BLOCK = 512
_MAPPING = "LOC_synset_mapping.txt"


@dataclass(frozen=True)
class Source:
    """A set's category names, and its images one after the other."""

    categories: tuple[str, ...]
    rows: Iterator[ImageRow]


def open_source(image_set: ImageSet, root: Path) -> Source:
    """Returns the images of a set below `root`, in an order that depends on the set alone.

    Raises:
        VistokError: a folder or file is missing or malformed; for single images, while `rows` is consumed.
    """
    readers: dict[str, Callable[[ImageSet, Path], Source]] = {
        "coco": _coco,
        "imagenet": _imagenet,
        "webdataset": _webdataset,
    }
    folder = root / image_set.images
    if not folder.is_dir():
        raise VistokError(f"image folder not found: {folder}. Check the image set, or the scale's data_root.")
    source = readers[image_set.format](image_set, root)
    return Source(source.categories, islice(source.rows, image_set.first))


def _coco(image_set: ImageSet, root: Path) -> Source:
    """Reads every image that any of the set's files lists, by id; without files, all of the folder."""
    instances = read_instances(root / image_set.instances) if image_set.instances else None
    captions = read_captions(root / image_set.captions) if image_set.captions else None
    questions = _questions(image_set, root)
    objects = instances.objects if instances else {}
    texts = captions.captions if captions else {}
    names: dict[int, int | str] = dict(captions.file_names) if captions else {}
    names |= {image: record.file_name for image, record in instances.images.items()} if instances else {}
    index = ImageIndex(root, [image_set.images])

    def rows() -> Iterator[ImageRow]:
        for image in sorted(objects.keys() | texts.keys() | questions.keys()):
            name = names.get(image, image)
            path = index.find(name) or index.find(image) or index.require(name)
            yield ImageRow(
                str(image),
                image_bytes(path, what=f"image {image}"),
                captions=texts.get(image, ()),
                objects=objects.get(image, ()),
                questions=tuple(questions.get(image, ())),
            )

    if not (image_set.instances or image_set.captions or image_set.questions):
        return Source((), _folder(root / image_set.images))
    return Source(instances.categories if instances else (), rows())


def _questions(image_set: ImageSet, root: Path) -> dict[int, list[QuestionAnswer]]:
    if not image_set.questions and not image_set.annotations:
        return {}
    if not image_set.questions or not image_set.annotations:
        raise VistokError(
            "an image set with VQA questions names two files, `questions` and `annotations`; found only "
            f"{image_set.questions or image_set.annotations}. Add the other one to the scale's file."
        )
    annotations = root / image_set.annotations
    answers = {row.question_id: row.multiple_choice_answer for row in read_annotations(annotations)}
    found: dict[int, list[QuestionAnswer]] = defaultdict(list)
    for row in read_questions(root / image_set.questions):
        if row.question_id not in answers:
            raise VistokError(
                f"question {row.question_id} of {image_set.questions} has no answer in {annotations}. "
                "Name the annotations file of the same split."
            )
        found[row.image_id].append(QuestionAnswer(row.question, answers[row.question_id]))
    return found


def _folder(folder: Path) -> Iterator[ImageRow]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            number = id_in_name(path.name)
            name = path.relative_to(folder).as_posix() if number is None else str(number)
            yield ImageRow(name, image_bytes(path, what=f"image {name}"))


def _imagenet(image_set: ImageSet, root: Path) -> Source:
    """Reads one image of each class, then the second of each class, and so on: any first part is balanced."""
    folder = root / image_set.images
    synsets = _synsets(folder, root)
    files = [_images_of(folder / synset) for synset in synsets]
    labelled = ([(name, label) for name in names] for label, names in enumerate(files))
    turns = chain.from_iterable(zip_longest(*labelled))
    rows = (ImageRow(*_labelled(folder, *turn)) for turn in turns if turn)
    return Source(tuple(synsets.values()), rows)


def _labelled(folder: Path, name: str, label: int) -> tuple[str, bytes, int]:
    return name, image_bytes(folder / name, what=f"image {name}"), label


def _images_of(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return [f"{folder.name}/{name}" for name in names]


def _synsets(folder: Path, root: Path) -> dict[str, str]:
    """Returns class folder -> class name, in label order.

    The order is LOC_synset_mapping.txt's where that file is in the folder or above it (below the data
    root), else that of the folders' names.
    """
    present = sorted(path.name for path in folder.iterdir() if path.is_dir())
    above = [parent for parent in (folder, *folder.parents) if parent == root or root in parent.parents]
    mapping = next((path for path in (parent / _MAPPING for parent in above) if path.is_file()), None)
    if mapping is None:
        return {name: name for name in present}
    lines = mapping.read_text(encoding="utf-8").splitlines()
    synsets = {synset: name.strip() for synset, _, name in (line.partition(" ") for line in lines if line)}
    if strangers := [name for name in present if name not in synsets]:
        raise VistokError(
            f"{folder} has {len(strangers)} class folders that {mapping} does not list, e.g. {strangers[0]}. "
            "Take the mapping of the same release."
        )
    return synsets


def _webdataset(image_set: ImageSet, root: Path) -> Source:
    tars = sorted((root / image_set.images).glob("*.tar"))
    if not tars:
        raise VistokError(
            f"no .tar files in {root / image_set.images}: name the folder that img2dataset wrote."
        )
    return Source((), chain.from_iterable(map(_samples, tars)))


def _samples(path: Path) -> Iterator[ImageRow]:
    """Reads the samples of a tar, whose members stay in memory: no name in it ever becomes a file."""
    _refuse_cut(path)
    key, members = "", dict[str, bytes]()
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None:
                    continue
                name = PurePosixPath(member.name)
                stem, _, suffix = name.name.partition(".")
                if (found := str(name.with_name(stem))) != key and members:
                    yield _sample(path, key, members)
                    members = {}
                key = found
                members[suffix.lower()] = stream.read()
    except (tarfile.TarError, EOFError) as error:
        raise VistokError(f"{path} is no whole tar: {error}. Fetch or make it again.") from error
    if members:
        yield _sample(path, key, members)


def _refuse_cut(path: Path) -> None:
    # A tar that is cut between two members reads without an error, but for the missing last block.
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - _TAR_BLOCK, 0))
        if size % _TAR_BLOCK or any(stream.read()):
            raise VistokError(f"{path} is no whole tar: its end is missing. Fetch or make it again.")


def _sample(path: Path, key: str, members: dict[str, bytes]) -> ImageRow:
    image = next((members[suffix] for suffix in ("jpg", "jpeg", "png", "webp") if suffix in members), None)
    try:
        caption = members["txt"].decode() if "txt" in members else json.loads(members["json"])["caption"]
    except (KeyError, TypeError, ValueError):
        caption = None
    if image is None or not isinstance(caption, str):
        raise VistokError(
            f"{path}, sample {key!r}: an image (.jpg, .jpeg, .png, .webp) and a caption (.txt, or `caption` "
            f"in .json) are needed, found {', '.join(f'.{suffix}' for suffix in members)}."
        )
    return ImageRow(key, image, captions=(caption,))
