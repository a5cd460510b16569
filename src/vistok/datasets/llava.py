"""Reads LLaVA-Instruct-150K: conversations between a person and GPT-4 about COCO photographs."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from vistok.datasets.images import ImageIndex, id_in_name
from vistok.datasets.official import listed, wrong_record
from vistok.datasets.rows import ImageRow, Images, Listed, QuestionAnswer, Source, listed_file
from vistok.reading import read_json

_CONVERSATIONS = "LLaVA conversations file"
_IMAGE = "<image>"


def llava_source(folder: Path, conversations: Path) -> Source:
    """Reads every image of `conversations`, in the file's order, with all that is asked about it as VQA questions.

    Chosen: each pair of turns is a question of its own. The mixture asks a few of them a time, in random order, as it
    does with any question, so a follow-up ("what else?") may stand without what it follows; the paper does not say
    how it treats conversations. Conversations, descriptions and reasoning about one photograph are one row.

    Args:
        folder: of the photographs (COCO's train2017), under the names that the file gives, whatever folder it names.

    Raises:
        VistokError: the file is missing, truncated or of another shape; while rows are consumed: an image is missing.
    """
    by_name = read_conversations(conversations)
    index = ImageIndex(folder, [""])

    def images() -> Iterator[Listed]:
        for name, questions in by_name.items():
            number = id_in_name(name)
            image = name if number is None else str(number)
            row = partial(ImageRow, image, questions=tuple(questions))
            yield listed_file(index, image, [name, number] if number else [name], row)

    return Source((), Images(images))


def read_conversations(path: Path) -> dict[str, list[QuestionAnswer]]:
    """Returns the questions about each image by its file name, in file order (.json or .json.gz).

    The marker of the image's place is taken out of questions; what has no text left is left out.

    Raises:
        VistokError: the file is missing, truncated or of another shape, or a conversation has no question that is
            answered.
    """
    by_name: dict[str, list[QuestionAnswer]] = {}
    entries = listed(path, read_json(path, what=_CONVERSATIONS), what=_CONVERSATIONS)
    for position, entry in enumerate(entries):
        match entry:
            case {"image": str() as image, "conversations": [*turns]} if pairs := _pairs(turns):
                by_name.setdefault(PurePosixPath(image).name, []).extend(pairs)
            case _:
                needed = "an image and conversations, in which a 'gpt' answers a 'human', are"
                raise wrong_record(path, f"record {position}", needed, entry)
    return by_name


def _pairs(turns: list[Any]) -> list[QuestionAnswer]:
    """Returns each turn of a person with the answer that comes next."""
    pairs = []
    for turn, reply in pairwise(turns):
        match turn, reply:
            case {"from": "human", "value": str() as question}, {"from": "gpt", "value": str() as answer}:
                pairs.append(QuestionAnswer(question.replace(_IMAGE, "").strip(), answer.strip()))
    return [pair for pair in pairs if pair.question and pair.answer]
