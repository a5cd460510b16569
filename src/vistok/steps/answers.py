"""The lines of a predictions.jsonl: what a model answered, as it is kept and as it is scored."""

from vistok.errors import VistokError
from vistok.evaluation.answer.generation import Answerer, Question
from vistok.evaluation.kinds import task_kind
from vistok.grid.values import Task
from vistok.steps.asking import Asked

Row = dict[str, object]


def answers(answerer: Answerer, task: Task, asked: Asked) -> list[Row]:
    """Returns the lines of predictions.jsonl, one per question, in the order of the references.

    Each holds id, image, prompt, answer, raw generation and the truth; or, of a kind that ranks, options in place of
    the raw generation, and as the answer the summed loss of each option, with the number of its tokens.

    Raises:
        VistokError: the task says nothing on how its answers are written.
    """
    kind = task_kind(task.kind)
    questions = [
        Question(key, str(asked.images[record.image_id]), prompt, kind.options(record))
        for key, record, prompt in zip(
            asked.references.ids, asked.references.records, asked.prompts, strict=True
        )
    ]
    made = _ranked(answerer, questions) if kind.mode == "rank" else _written(answerer, task, questions)
    about = zip(asked.references.images, map(kind.truth, asked.references.records), made, strict=True)
    return [{"id": row.pop("id"), "image": image, **row, "truth": list(truth)} for image, truth, row in about]


def _written(answerer: Answerer, task: Task, questions: list[Question]) -> list[Row]:
    if task.decoding is None:
        raise VistokError(f"the task {task.id!r} has no `decoding`: {task.kind} answers are written.")
    return [
        {
            "id": made.question.id,
            "prompt": made.question.prompt,
            "answer": task_kind(task.kind).keep(made.text),
            "raw": made.text,
        }
        for made in answerer.answer(questions, task.decoding)
    ]


def _ranked(answerer: Answerer, questions: list[Question]) -> list[Row]:
    return [
        {
            "id": made.question.id,
            "prompt": made.question.prompt,
            "options": list(made.question.options),
            "answer": list(made.losses),
            "tokens": list(made.tokens),
        }
        for made in answerer.rank(questions)
    ]
