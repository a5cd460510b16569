"""The entry point of curation: `vistok curate counting|identification|check`."""

from collections.abc import Sequence
from typing import Final

from vistok.benchmark.annotations import (
    Annotations,
    ImageId,
    select,
)
from vistok.benchmark.counting import LARGEST_SHARE, counting_questions
from vistok.benchmark.identification import identification_questions
from vistok.benchmark.questions import CurationTask, Question, Rules
from vistok.errors import VistokError

RELEASED_QUESTIONS = 10_000
_RELEASED_NEED = "an image with at least one object (VCR: three)"
# The smallest balanced unit: an object in four different numbers; a "Yes." and a "No.".
TOGETHER: Final[dict[tuple[CurationTask, Rules], int]] = {
    ("counting", "corrected"): round(1 / LARGEST_SHARE),
    ("counting", "differ"): 2,
    ("identification", "corrected"): 2,
}
# What a question is made from under each set of rules.
_NEEDED: Final[dict[tuple[CurationTask, Rules], str]] = {
    ("counting", "released"): f"{_RELEASED_NEED}, and of one of them 1 to 9",
    ("counting", "corrected"): "an object that the images show in four different numbers, 1 to 9, uncrowded",
    ("counting", "differ"): "an image of two or more categories, all in different numbers, 1 to 9, uncrowded",
    ("identification", "released"): _RELEASED_NEED,
    ("identification", "corrected"): "an object that is in some of the images and not in others",
}


def curate(
    task: CurationTask,
    annotations: Annotations,
    *,
    keep: Sequence[ImageId] | None = None,
    leave_out: Sequence[ImageId] = (),
    rules: Rules = "corrected",
    questions: int = RELEASED_QUESTIONS,
    seed: int = 0,
) -> tuple[Question, ...]:
    """Returns OC (`counting`) or MCI (`identification`) questions about annotated images.

    Raises:
        VistokError: no question is asked for, or the images allow none.
    """
    if (task, rules) not in _NEEDED:
        legal = ", ".join(rule for of, rule in _NEEDED if of == task)
        raise VistokError(f"{task} questions have no {rules!r} rules. Legal: {legal} (--rules).")
    least = TOGETHER.get((task, rules), 1)
    if questions < least:
        raise VistokError(
            f"{questions} {task} questions by the {rules} rules cannot be made: ask for at least {least} (--questions)."
        )
    images = select(annotations, keep=keep, leave_out=leave_out)
    origin, categories = annotations.origin, annotations.categories
    if task == "counting":
        made = counting_questions(images, origin=origin, rules=rules, questions=questions, seed=seed)
    else:
        made = identification_questions(
            images, categories=categories, origin=origin, rules=rules, questions=questions, seed=seed
        )
    if made:
        return made
    if not images and annotations.images:
        raise VistokError(
            f"no {task} question can be made: the image lists leave 0 of {len(annotations.images)} annotated images. "
            "Name more images, or check that the lists' ids are those of the annotations."
        )
    raise VistokError(
        f"no {task} question can be made of {len(images)} images by the {rules} rules. Needed is "
        f"{_NEEDED[task, rules]}; none is there. Give more annotated images, or other --rules."
    )
