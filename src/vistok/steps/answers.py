"""The lines of a predictions.jsonl: what a model said, as it is kept and as it is scored."""

from vistok.evaluation.answer.generation import Answerer, Question
from vistok.evaluation.kinds import task_kind
from vistok.grid.values import Task
from vistok.steps.asking import Asked


def answers(answerer: Answerer, task: Task, asked: Asked) -> list[dict[str, object]]:
    """Returns the lines of predictions.jsonl: id, prompt, answer and raw generation of each question."""
    kind = task_kind(task.kind)
    questions = [
        Question(key, str(asked.images[image]), prompt)
        for key, image, prompt in zip(
            asked.references.ids, asked.references.images, asked.prompts, strict=True
        )
    ]
    return [
        {
            "id": said.question.id,
            "prompt": said.question.prompt,
            "answer": kind.keep(said.text),
            "raw": said.text,
        }
        for said in answerer.answer(questions, task.decoding)
    ]
