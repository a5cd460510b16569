"""The lines of a predictions.jsonl: what a model answered, as it is kept and as it is scored."""

from vistok.errors import VistokError
from vistok.evaluation.answer.generation import Answerer, Question
from vistok.evaluation.kinds import task_kind
from vistok.grid.values import Task
from vistok.steps.asking import Asked

Row = dict[str, object]


def answers(answerer: Answerer, task: Task, asked: Asked) -> list[Row]:
    """Returns the lines of predictions.jsonl, one per question.

    Each holds id, prompt, answer and raw generation; or, of a kind that ranks, id, prompt, options, and as the answer
    the summed loss of each option, with the number of its tokens.

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
    if kind.mode == "rank":
        return _ranked(answerer, questions)
    if task.decoding is None:
        raise VistokError(f"the task {task.id!r} has no `decoding`: {task.kind} answers are written.")
    return [
        {
            "id": made.question.id,
            "prompt": made.question.prompt,
            "answer": kind.keep(made.text),
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
