"""Reads the official reference file of each kind of question into one shape for scoring."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vistok.datasets.coco import read_captions
from vistok.datasets.gvtbench import read_object_questions
from vistok.datasets.vqa import read_annotations
from vistok.errors import VistokError, unknown
from vistok.evaluation.score.captions import CaptionReference
from vistok.evaluation.score.choice import read_choice_questions
from vistok.evaluation.score.identity import Known
from vistok.evaluation.score.predictions import QuestionId

KINDS = ("vqa", "caption", "counting", "identification", "choice")


@dataclass(frozen=True, slots=True)
class References:
    """The questions to score and what is right.

    Attributes:
        kind: one of `KINDS`.
        ids: question_id; image_id for captions; 0-based position in the file for counting and identification.
        records: one a question: VQAAnnotation, CaptionReference, ObjectQuestion or ChoiceQuestion.
        whole: the records of the whole file, of which `records` may be a part.
    """

    kind: str
    ids: tuple[QuestionId, ...]
    records: tuple[Any, ...]
    whole: tuple[Any, ...]

    @property
    def images(self) -> tuple[int | str, ...]:
        """The image of each question."""
        return tuple(record.image_id for record in self.records)

    @property
    def known(self) -> Known:
        """What a file of answers may say of the questions."""
        texts = tuple(getattr(record, "question", None) for record in self.records)
        return Known(self.ids, self.images, texts, by_image=self.kind == "caption")

    def of_questions(self, ids: Collection[QuestionId]) -> "References":
        """Returns the part with these ids, in file order.

        Raises:
            VistokError: an id is no question's, or none is given.
        """
        absent = sorted(set(ids) - set(self.ids), key=str)
        if absent or not ids:
            raise VistokError(
                f"{len(absent)} of {len(ids)} wanted {self.kind} questions are not among the {len(self.ids)} "
                f"of the references{f' (first: {absent[0]})' if absent else ''}. Name some of theirs."
            )
        wanted = set(ids)
        return self._part([place for place, key in enumerate(self.ids) if key in wanted])

    def of_images(self, images: Collection[Hashable]) -> "References":
        """Returns the part about these images, in file order; it may be empty."""
        wanted = set(images)
        return self._part([place for place, image in enumerate(self.images) if image in wanted])

    def _part(self, places: list[int]) -> "References":
        return replace(
            self,
            ids=tuple(self.ids[place] for place in places),
            records=tuple(self.records[place] for place in places),
        )


def load_references(kind: str, path: Path) -> References:
    """Returns the questions of an official file.

    VQAv2 annotations, COCO captions, GVTBench JSON for counting and identification, or SEED-Bench JSON.

    Raises:
        VistokError: the kind is unknown, the file is not of its format, or an id stands in it twice.
    """
    if kind not in KINDS:
        raise unknown("kind of question", kind, KINDS)
    records = _records(kind, path)
    ids = tuple(_id(kind, record) for record in records)
    if len(set(ids)) < len(ids):
        raise VistokError(f"{path}: {len(ids) - len(set(ids))} ids stand there twice. Each needs its own.")
    return References(kind, ids, records, records)


def _records(kind: str, path: Path) -> tuple[Any, ...]:
    if kind == "vqa":
        return read_annotations(path)
    if kind == "caption":
        captions = read_captions(path).captions
        return tuple(CaptionReference(image, captions[image]) for image in sorted(captions))
    if kind == "choice":
        return read_choice_questions(path)
    return read_object_questions(path, kind)


def _id(kind: str, record: Any) -> QuestionId:
    attribute = {"caption": "image_id", "vqa": "question_id", "choice": "question_id"}.get(kind, "position")
    found: QuestionId = getattr(record, attribute)
    return found
