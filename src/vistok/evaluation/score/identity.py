"""Whether an answer belongs to the question with its id, by the image and question text in its record.

Fields with usual names decide first. Without any, every other text of the record counts that is a question or an image
of the same reference file, such as a turn of a conversation.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

# An id alone, or at the end of the name of a COCO photograph.
_NUMBERED: Final = re.compile(r"^(\d+)$|(?<!\d)(\d{12})(?:\.(?:jpe?g|png))?$", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\.(?:jpe?g|png|webp)$", re.IGNORECASE)
_LONGEST: Final = 500
_LONGEST_TEXT: Final = 4_000
_DEEPEST: Final = 4
_SHORTEST_NAME: Final = 8  # of an image, in a field that is not said to hold one
_IMAGES: Final = ("image_id", "data_id", "image")
_PROMPTS: Final = ("prompt", "input", "text_in", "query", "instruction")
# Other tools' names for these, in small letters and digits alone.
_NAMES: Final = {name.replace("_", ""): name for name in (*_IMAGES, "question", *_PROMPTS)} | dict.fromkeys(
    (
        "imageid",
        "imgid",
        "img",
        "imagepath",
        "imgpath",
        "imagename",
        "imgname",
        "imagefile",
        "filename",
        "images",
        "imageids",
        "cocoid",
    ),
    "image",
)


@dataclass(frozen=True)
class Identities:
    """The ids, images and texts of questions, in their order.

    Attributes:
        ids: each question's id.
        images: each question's image.
        questions: each question's text; None if the reference file lacks it.
        by_image: whether the ids are those of images.
    """

    ids: Sequence[int | str]
    images: Sequence[int | str]
    questions: Sequence[str | None]
    by_image: bool = False

    @cached_property
    def positions(self) -> Mapping[str, int]:
        return {str(key): position for position, key in enumerate(self.ids)}

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(_stem(image) for image in self.images if isinstance(image, str))

    @cached_property
    def _texts(self) -> frozenset[str]:
        return frozenset(_bare(text) for text in self.questions if text)

    def agrees(self, row: Mapping[str, Any], position: int) -> bool | None:
        """Returns whether a record is about the question at a position; None if it does not say."""
        verdicts = [
            self._of_image(name, value, self.images[position])
            if name in _IMAGES
            else self._of_question(name, value, self.questions[position])
            for name, _, value in _saying(row)
        ]
        if False in verdicts or True in verdicts:
            return False not in verdicts
        others = [self._of_any(text, position) for _, text in _unnamed(row)]
        return True if True in others else False if False in others else None

    def described(self, row: Mapping[str, Any], position: int) -> str:
        """Describes a record's question and the one at a position."""
        record = {key: str(value)[:80] for _, key, value in _saying(row)}
        if not any(self.agrees({key: value}, position) is False for key, value in record.items()):
            record |= {key: text[:80] for key, text in _unnamed(row) if self._of_any(text, position) is False}
        expected = {"image": self.images[position]}
        if text := self.questions[position]:
            expected["question"] = text
        return f"it says {record}, and that question has {expected}"

    def _of_any(self, text: str, position: int) -> bool | None:
        """Returns whether the text of another field is about this question or image; False: about another one."""
        image, number = self.images[position], _NUMBERED.search(text)
        if isinstance(image, int) and number and number[2]:
            return int(number[2]) == image
        if isinstance(image, str) and len(image) >= _SHORTEST_NAME:
            return self._of_image("image", text, image)
        return self._of_question("", text, self.questions[position])

    def _of_image(self, key: str, value: Any, image: int | str) -> bool | None:
        if not isinstance(value, int | float | str) or len(text := str(value).strip()) > _LONGEST:
            return None
        name, expected = _stem(text), _stem(str(image))
        if name == expected or (isinstance(image, str) and name.endswith(f"/{expected}")):
            return True
        number = _NUMBERED.search(text.removesuffix(".0"))
        if number and isinstance(image, int):
            return int(number[1] or number[2]) == image
        if key != "image" and text:
            return False
        # `image` may also hold a tool's own path, or the image itself: only another image of the file is wrong.
        segments = name.split("/")
        return (
            False
            if any("/".join(segments[start:]) in self._names for start in range(len(segments)))
            else None
        )

    def _of_question(self, key: str, value: Any, question: str | None) -> bool | None:
        if question is None or not isinstance(value, str) or not (text := _bare(value)):
            return None
        if _bare(question) in text:
            return True
        if key == "question":
            return False
        # A prompt may rephrase the question; it is wrong only if it asks another question of the file.
        texts = [text, *(_bare(sentence) for sentence in re.split(r"\n|(?<=\?)", value))]
        return False if any(sentence in self._texts for sentence in texts) else None


def _saying(row: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yields the fields of a record for its image and question: the usual name, its own name, and its value."""
    for key, value in row.items():
        exact = key in _IMAGES or key == "question" or key in _PROMPTS
        if name := key if exact else _NAMES.get(_letters(key)):
            yield name, key, value[0] if isinstance(value, list) and len(value) == 1 else value


def _unnamed(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the texts of all other fields except the answer, however nested, each with the name of its field."""
    named = {key for _, key, _ in _saying(row)} | {"answer"}
    for key, value in row.items():
        if key not in named:
            yield from ((key, text) for text in _texts(value, _DEEPEST))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
        yield value
    elif depth and isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each, depth - 1)


def _stem(name: str) -> str:
    """Returns an image's name without its suffix, which files of questions may omit."""
    return _SUFFIX.sub("", name)


@lru_cache
def _letters(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()


def _bare(text: str) -> str:
    return " ".join(text.split()).lower()
