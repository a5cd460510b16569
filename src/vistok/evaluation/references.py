"""Reads the official reference file of each kind of question into one shape for scoring."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.evaluation.kind import QuestionId
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score.identity import Identities


@dataclass(frozen=True, slots=True)
class References:
    """The questions to score and what is right.

    Attributes:
        kind: the id of a task kind.
        ids: question_id; image_id for captions; 0-based position in the file for counting and identification.
        records: one per question: VQAAnnotation, CaptionReference, ObjectQuestion or ChoiceQuestion.
        full_set: the records of the whole file, of which `records` may be a part.
    """

    kind: str
    ids: tuple[QuestionId, ...]
    records: tuple[Any, ...]
    full_set: tuple[Any, ...]

    @property
    def images(self) -> tuple[int | str, ...]:
        """The image of each question."""
        return tuple(record.image_id for record in self.records)

    @property
    def identities(self) -> Identities:
        """What a file of answers may say of the questions."""
        texts = tuple(getattr(record, "question", None) for record in self.records)
        return Identities(self.ids, self.images, texts, by_image=task_kind(self.kind).one_per_image)

    def of_questions(self, ids: Collection[QuestionId]) -> "References":
        """Returns the part with these ids, in file order.

        Raises:
            VistokError: an id is not a question's, or none is given.
        """
        absent = sorted(set(ids) - set(self.ids), key=str)
        if absent or not ids:
            raise VistokError(
                f"{len(absent)} of {len(ids)} wanted {self.kind} questions are not among the {len(self.ids)} "
                f"of the references{f' (first: {absent[0]})' if absent else ''}. Name some of theirs."
            )
        chosen = set(ids)
        return self._part([index for index, key in enumerate(self.ids) if key in chosen])

    @property
    def shown(self) -> "References":
        """The part about photographs; the whole but for a kind that asks about videos, too."""
        kind = task_kind(self.kind)
        return self._part([index for index, record in enumerate(self.records) if kind.is_shown(record)])

    def of_images(self, images: Collection[Hashable]) -> "References":
        """Returns the part about these images, in file order; it may be empty."""
        chosen = set(images)
        return self._part([index for index, image in enumerate(self.images) if image in chosen])

    def _part(self, indices: list[int]) -> "References":
        return replace(
            self,
            ids=tuple(self.ids[index] for index in indices),
            records=tuple(self.records[index] for index in indices),
        )


def load_references(kind: str, path: Path) -> References:
    """Returns the questions of an official file, see `TaskKind.reads`.

    Raises:
        VistokError: the kind is unknown, the file is not of its format, or two records have one id.
    """
    reader = task_kind(kind)
    records = reader.read(path)
    ids = tuple(map(reader.key, records))
    if len(set(ids)) < len(ids):
        raise VistokError(f"{path}: {len(ids) - len(set(ids))} ids stand there twice. Each needs its own.")
    return References(kind, ids, records, records)
