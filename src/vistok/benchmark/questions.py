"""GVTBench's question texts, in the released files' wording and in the corrected one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vistok.benchmark.annotations import AnnotatedImage, ImageId, Origin
from vistok.benchmark.nouns import plural
from vistok.datasets.gvtbench import plural as released_plural
from vistok.files import write_json

Rules = Literal["released", "corrected", "differ"]
CurationTask = Literal["counting", "identification"]
LARGEST_COUNT = 9


@dataclass(frozen=True, slots=True)
class Question:
    """One record of a GVTBench file."""

    image_id: ImageId
    text: str
    answer: str
    objects: int


def counting_question(image: AnnotatedImage, category: str, rules: Rules, origin: Origin) -> Question:
    """Returns "How many {plural} are there in the image?" with its annotated count."""
    form = released_plural(category) if rules == "released" else plural(category)
    text = f"How many {_spelt(form, origin)} are there in the image?"
    return Question(image.image_id, text, str(image.counts[category]), image.objects)


def identification_question(image: AnnotatedImage, category: str, rules: Rules, origin: Origin) -> Question:
    """Returns "Does {name} exist in the image?" with "Yes." or "No.".

    The released VCR file uses the plural, and writes "exis" in each question whose answer is "No.".
    """
    present = category in image.counts
    released_vcr = rules == "released" and origin == "vcr"
    form = released_plural(category) if released_vcr else category
    verb = "exis" if released_vcr and not present else "exist"
    text = f"Does {_spelt(form, origin)} {verb} in the image?"
    return Question(image.image_id, text, "Yes." if present else "No.", image.objects)


def write_questions(path: Path, questions: tuple[Question, ...]) -> None:
    """Writes a GVTBench file; the same questions give the same bytes."""
    fields = ("image_id", "text_in", "text_out", "n_obj_exist")
    rows = [(question.image_id, question.text, question.answer, question.objects) for question in questions]
    write_json(path, [dict(zip(fields, row, strict=True)) for row in rows])


def _spelt(name: str, origin: Origin) -> str:
    return name.replace(" ", "") if origin == "vcr" else name
