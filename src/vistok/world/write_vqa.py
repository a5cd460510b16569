"""Writes questions about a COCO split in VQAv2's format: a questions file and an annotations file."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from vistok.world.annotators import answer_type, sample_answers
from vistok.world.draws import Draws
from vistok.world.questions import Question, balanced_questions
from vistok.world.write_coco import CocoSplit, write_compact


def write_vqa_split(split: CocoSplit, draws: Draws, folder: Path, questions_per_image: int) -> None:
    """Writes `v2_OpenEnded_mscoco_<name>2014_questions.json` and `v2_mscoco_<name>2014_annotations.json`.

    An image has `questions_per_image` on average at most: those whose answer their words do not tell.
    """
    balanced, ids = (
        balanced_questions(split.scenes, draws, questions_per_image * len(split.scenes)),
        split.image_ids(),
    )
    rows = [
        (ids[position], ids[position] * 1000 + number, question)
        for position, of_image in groupby(balanced, key=itemgetter(0))
        for number, (_, question) in enumerate(of_image)
    ]
    year = f"{split.name}2014"
    questions = [
        {"image_id": image_id, "question": question.text, "question_id": question_id}
        for image_id, question_id, question in rows
    ]
    annotations = [_annotation(*row, draws) for row in rows]
    write_compact(
        folder / f"v2_OpenEnded_mscoco_{year}_questions.json",
        {**_header(year), "task_type": "Open-Ended", "questions": questions},
    )
    write_compact(
        folder / f"v2_mscoco_{year}_annotations.json", {**_header(year), "annotations": annotations}
    )


def _header(subtype: str) -> dict[str, Any]:
    return {
        "info": {"description": "the vistok world in VQA v2.0's format", "version": "2.0", "year": 2017},
        "license": {"name": "Apache License 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "data_type": "mscoco",
        "data_subtype": subtype,
    }


def _annotation(image_id: int, question_id: int, question: Question, draws: Draws) -> dict[str, Any]:
    return {
        "question_type": question.question_type,
        "multiple_choice_answer": question.answer,
        "answers": sample_answers(question, draws),
        "image_id": image_id,
        "answer_type": answer_type(question),
        "question_id": question_id,
    }
