"""Table 1: what a benchmark's questions are, counted from its official files, beside what the paper prints."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import References
from vistok.grid.tasks import Task
from vistok.reading import read_json

COMMONEST: Final = 4  # of a task's answers are named, the others together


class Statistics(BaseModel):
    """What one task asks.

    Attributes:
        title: the task's label.
        kind: the task's kind.
        questions, images: how many there are.
        answers: the commonest answers with their shares, in per cent; nothing where every question has its own.
        different: how many answers differ.
        objects: annotated objects an image, on average over the images; None where the file does not say.
        most_objects: of one image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    kind: str
    questions: int
    images: int
    answers: tuple[tuple[str, float], ...]
    different: int
    objects: float | None = None
    most_objects: int | None = None


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """One row of the paper's Table 1, and the tasks of ours that are its own, as made here and as released."""

    labels: Mapping[str, str]
    ours: tuple[Statistics, ...]
    released: tuple[Statistics, ...]


# The row of the paper's table that a kind's tasks stand in.
_ROWS: Final = {"vqa": "VQA", "caption": "Image Captioning", "counting": "OC", "identification": "MCI"}


def count(task: Task, references: References) -> Statistics:
    """Returns what a task asks, of all questions of its official file."""
    kind, records = task_kind(task.kind), references.full_set
    right = Counter(kind.truth(record)[0] for record in records if kind.truth(record))
    named = [] if kind.describes else sorted(right.items(), key=lambda pair: (-pair[1], pair[0]))[:COMMONEST]
    objects = _objects(records)
    return Statistics(
        title=task.label,
        kind=task.kind,
        questions=len(records),
        images=len({record.image_id for record in records}),
        answers=tuple((answer, round(100 * times / len(records), 2)) for answer, times in named),
        different=len(right),
        objects=round(sum(objects.values()) / len(objects), 2) if objects else None,
        most_objects=max(objects.values()) if objects else None,
    )


def _objects(records: Sequence[Any]) -> dict[int | str, int]:
    """Returns how many objects each image has, as the questions about it say."""
    counts = ((record.image_id, getattr(record, "objects_in_image", None)) for record in records)
    return {image: number for image, number in counts if number is not None}


def read_statistics(path: Path) -> dict[str, Statistics]:
    """Returns what was counted in files that are not here, by task.

    Raises:
        VistokError: the file is missing, or holds something else.
    """
    content = read_json(path, what="statistics of the released files")
    try:
        return {task: Statistics.model_validate(entry) for task, entry in content["tasks"].items()}
    except (AttributeError, KeyError, TypeError, ValidationError) as error:
        raise VistokError(
            f"{path} holds no statistics of a benchmark: {error}. Bring it back: git checkout {path}"
        ) from error


def beside_printed(
    printed: Sequence[Mapping[str, str]], ours: Mapping[str, Statistics], released: Mapping[str, Statistics]
) -> tuple[tuple[PrintedRow, ...], tuple[Statistics, ...]]:
    """Returns the paper's rows, each with what was counted of its tasks, and the tasks that are in no row.

    Args:
        printed: the paper's Table 1, a row a mapping from column to text.
        ours: by task, of the questions of this scale.
        released: by task, of the files that the paper's authors released.
    """

    def of(row: Mapping[str, str], counted: Mapping[str, Statistics]) -> tuple[Statistics, ...]:
        return tuple(entry for entry in counted.values() if _ROWS.get(entry.kind) == row["Task"])

    rows = tuple(PrintedRow(row, of(row, ours), of(row, released)) for row in printed)
    return rows, tuple(entry for entry in ours.values() if entry.kind not in _ROWS)
