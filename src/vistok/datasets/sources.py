"""Opens whole image sets in the official layouts, one file a layout; COCO's joins several files, here."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from vistok.datasets.coco import read_captions, read_instances
from vistok.datasets.imagenet import imagenet_source
from vistok.datasets.images import SUFFIXES, ImageIndex, id_in_name, image_bytes
from vistok.datasets.llava import llava_source
from vistok.datasets.openimages import openimages_source
from vistok.datasets.rows import ImageRow, Images, Listed, QuestionAnswer, Source, listed_file
from vistok.datasets.visual_genome import visual_genome_source
from vistok.datasets.visual_genome_ids import read_coco_ids
from vistok.datasets.vqa import read_annotations, read_questions
from vistok.datasets.webdataset import webdataset_source
from vistok.errors import VistokError
from vistok.grid.image_sets import ImageSet


def open_source(image_set: ImageSet, root: Path) -> Source:
    """Returns the images of a set below `root`, in an order that depends on the set alone.

    Raises:
        VistokError: a folder or file is missing or malformed.
    """
    folder = root / image_set.images
    if not folder.is_dir():
        raise VistokError(f"image folder not found: {folder}. Check the image set, or the scale's data_root.")
    source = _opened(image_set, folder, root)
    unwanted = _left_out(image_set, root)
    remaining = Images(lambda: (image for image in source.listed if image.image_id not in unwanted))
    return replace(source, listed=Images(lambda: islice(remaining, image_set.first)))


def _left_out(image_set: ImageSet, root: Path) -> set[str]:
    """Returns the ids of a set's images that it leaves out; of Visual Genome they are found by their COCO ids."""
    photographs = {image for name in image_set.leave_out for image in read_captions(root / name).captions}
    if not image_set.image_data:
        return {str(image) for image in photographs}
    coco_ids = read_coco_ids(root / image_set.image_data)
    return {str(image) for image, photograph in coco_ids.items() if photograph in photographs}


def _opened(image_set: ImageSet, folder: Path, root: Path) -> Source:
    match image_set:
        case ImageSet(format="imagenet"):
            return imagenet_source(folder, root)
        case ImageSet(format="webdataset"):
            return webdataset_source(folder)
        case ImageSet(format="visual-genome", captions=str() as regions):
            return visual_genome_source(folder, root / regions)
        case ImageSet(format="openimages", instances=str() as boxes, categories=str() as classes):
            tree = root / image_set.hierarchy if image_set.hierarchy else None
            return openimages_source(folder, root / boxes, root / classes, tree)
        case ImageSet(format="llava", questions=str() as conversations):
            return llava_source(folder, root / conversations)
    return _coco(image_set, root)


def _coco(image_set: ImageSet, root: Path) -> Source:
    """Reads every image that any of the set's files lists, by id; without files, all of the folder."""
    instances = read_instances(root / image_set.instances) if image_set.instances else None
    captions = read_captions(root / image_set.captions) if image_set.captions else None
    questions = _questions(image_set, root)
    objects = instances.objects if instances else {}
    records = instances.images if instances else {}
    texts = captions.captions if captions else {}
    names: dict[int, int | str] = dict(captions.file_names) if captions else {}
    names |= {image: record.file_name for image, record in records.items() if record.file_name}
    index = ImageIndex(root, [image_set.images])

    def images() -> Iterator[Listed]:
        for image in sorted(objects.keys() | texts.keys() | questions.keys()):
            row = partial(
                ImageRow,
                str(image),
                captions=tuple(text for text in texts.get(image, ()) if text.strip()),
                objects=objects.get(image, ()),
                questions=tuple(questions.get(image, ())),
                attributes=records[image].attributes if image in records else (),
            )
            yield listed_file(index, str(image), [names.get(image, image), image], row)

    if not (image_set.instances or image_set.captions or image_set.questions):
        return Source((), Images(lambda: _folder(root / image_set.images)))
    return Source(instances.categories if instances else (), Images(images))


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
    by_image: dict[int, list[QuestionAnswer]] = defaultdict(list)
    for row in read_questions(root / image_set.questions):
        if row.question_id not in answers:
            raise VistokError(
                f"question {row.question_id} of {image_set.questions} has no answer in {annotations}. "
                "Name the annotations file of the same split."
            )
        by_image[row.image_id].append(QuestionAnswer(row.question, answers[row.question_id]))
    return by_image


def _folder(folder: Path) -> Iterator[Listed]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            number = id_in_name(path.name)
            name = path.relative_to(folder).as_posix() if number is None else str(number)
            yield Listed(name, partial(_unlabelled, name, path))


def _unlabelled(name: str, path: Path) -> ImageRow:
    return ImageRow(name, image_bytes(path, what=f"image {name}"))
