"""GVTBench: reads and words object counting (OC) and multi-class identification (MCI) questions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vistok.errors import VistokError
from vistok.reading import read_json

# "exis" is a typo of the released VCR file; it is in every question with the answer "No.".
_TEMPLATES = (
    re.compile(r"How many (?P<name>.+) are there in the image\?"),
    re.compile(r"Does (?P<name>.+) exist? in the image\?"),
    re.compile(r"Is there an? (?P<name>.+) in the image\?"),  # POPE
)
# Plurals that no rule gives. The released file asks "How many ski are there in the image?".
_PLURALS = {
    "person": "people", "child": "children", "man": "men", "woman": "women",
    "mouse": "mice", "tooth": "teeth", "foot": "feet", "goose": "geese", "ox": "oxen",
    "knife": "knives", "leaf": "leaves", "wolf": "wolves", "shelf": "shelves", "bookshelf": "bookshelves",
    "loaf": "loaves", "calf": "calves", "scarf": "scarves", "thief": "thieves",
    "potato": "potatoes", "tomato": "tomatoes", "skis": "ski",
}  # fmt: skip
_UNCHANGED = {
    "sheep", "fish", "deer", "scissors", "pants", "trousers", "jeans", "shorts", "glasses", "sunglasses",
    "goggles", "binoculars", "tweezers", "pliers", "headphones",
}  # fmt: skip
# Singular words in -s; Objects365 and Open Images name other categories in the plural ("Sneakers", "French fries").
_SINGULAR_IN_S = re.compile(r"(ss|us|is)$|^(gas|lens|canvas|atlas|pancreas|iris)$")
# The kind of a file's questions -> the form of their answers, and how it is said.
_ANSWERS = {
    "counting": (re.compile("[0-9]+"), "a whole number"),
    "identification": (re.compile(r"Yes\.|No\."), "'Yes.' or 'No.'"),
}


@dataclass(frozen=True, slots=True)
class ObjectQuestion:
    """One question of a GVTBench file.

    Attributes:
        position: 0-based position in the file, which identifies the question.
        image_id: an integer for COCO; a path below `vcr1images` for VCR.
        question: `text_in`, as written.
        answer: `text_out`, as written: "1".."9", or "Yes."/"No.".
        objects_in_image: `n_obj_exist`, the number of annotated objects in the image, crowds included; None where the
            file does not say.
    """

    position: int
    image_id: int | str
    question: str
    answer: str
    objects_in_image: int | None

    @property
    def object_name(self) -> str:
        return object_of(self.question)


def plural(name: str) -> str:
    """Returns the plural of an object's name; of several words, the last is inflected.

    It is the released coco_oc.json's for all 80 COCO names ("broccolis", and "ski" for skis).
    """
    before, space, word = name.rpartition(" ")
    return before + space + _plural_word(word)


def _plural_word(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if word in _UNCHANGED or (word.endswith("s") and not _SINGULAR_IN_S.search(word)):
        return word
    if re.search(r"(s|x|z|ch|sh)$", word):
        return word + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def first_name(category: str) -> str:
    """Returns the first of a category's names, in small letters.

    "Cabinet/shelf" is a cabinet; "Cutting/chopping Board", whose names share their end, a cutting board.
    """
    names = [name.split() for name in category.lower().split("/")]
    first, last = names[0], names[-1]
    shared = last[1:] if len(names) > 1 and len(first) == 1 else []
    return " ".join([*first, *shared])


def counting_question(name: str, *, spaces: bool = True) -> str:
    """Returns the OC question about objects of a (singular) name, in the released files' words.

    Without `spaces` the plural is written in one word, as the VCR file does ("wineglasses").
    """
    objects = plural(name) if spaces else plural(name).replace(" ", "")
    return f"How many {objects} are there in the image?"


def identification_question(name: str) -> str:
    """Returns the MCI question about an object's name, in the released COCO file's words."""
    return f"Does {name} exist in the image?"


def object_of(question: str) -> str:
    """Returns the object that an OC or MCI question asks about, as the question spells it.

    Raises:
        VistokError: the text follows neither template of the released files.
    """
    for template in _TEMPLATES:
        if match := template.fullmatch(question):
            return match["name"]
    raise VistokError(
        f"not a GVTBench question: {question!r}. Legal: 'How many {{obj}} are there in the image?', "
        "'Does {obj} exist in the image?'."
    )


def read_object_questions(path: Path, kind: str | None = None) -> tuple[ObjectQuestion, ...]:
    """Returns the questions of a GVTBench file in file order.

    Args:
        path: .json or .json.gz.
        kind: `counting` or `identification`, which every answer must then be of; None: either, unchecked.

    Raises:
        VistokError: the file is missing, is not a JSON list, or a record lacks a field or is of another kind.
    """
    rows = read_json(path, what="GVTBench file")
    if not isinstance(rows, list):
        raise VistokError(
            f"{path} is not a GVTBench file: a JSON list is needed, found {type(rows).__name__}."
        )
    questions = tuple(_question(path, position, row) for position, row in enumerate(rows))
    if kind:
        _check_kind(path, kind, questions)
    return questions


def _check_kind(path: Path, kind: str, questions: Iterable[ObjectQuestion]) -> None:
    form, legal = _ANSWERS[kind]
    wrong = next((question for question in questions if not form.fullmatch(question.answer)), None)
    if wrong is None:
        return
    other = next((name for name, (form, _) in _ANSWERS.items() if form.fullmatch(wrong.answer)), None)
    remedy = (
        f"It may be a file of {other}: name the {kind} file." if other else "Fetch or make the file again."
    )
    raise VistokError(
        f"{path}, record {wrong.position}: as the answer (text_out) in a file of {kind}, {legal} is needed, found "
        f"{wrong.answer!r}. {remedy}"
    )


def _question(path: Path, position: int, row: object) -> ObjectQuestion:
    match row:
        case {
            "image_id": int() | str() as image_id,
            "text_in": str() as question,
            "text_out": str() as answer,
            "n_obj_exist": int() as count,
        } if bool not in (type(image_id), type(count)):
            return ObjectQuestion(position, image_id, question, answer, count)
    raise VistokError(
        f"{path}, record {position}: fields image_id, text_in, text_out and n_obj_exist are needed, "
        f"found {str(row)[:120]}."
    )
