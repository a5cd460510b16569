"""The lines of a predictions.jsonl: what a model said, as it is kept and as it is scored."""

from vistok.evaluation.answer.generation import Answerer, Question
from vistok.evaluation.score.predictions import postprocess_released, postprocess_vqa
from vistok.grid.values import Task
from vistok.steps.asking import Asked


def answers(answerer: Answerer, task: Task, asked: Asked) -> list[dict[str, object]]:
    """Returns the lines of predictions.jsonl: id, prompt, answer and raw generation of each question."""
    questions = [
        Question(identity, str(asked.images[image]), prompt)
        for identity, image, prompt in zip(
            asked.references.ids, asked.references.images, asked.prompts, strict=True
        )
    ]
    trim = postprocess_vqa if task.kind == "vqa" else postprocess_released
    return [
        {"id": said.question.id, "prompt": said.question.prompt, "answer": trim(said.text), "raw": said.text}
        for said in answerer.answer(questions, task.decoding)
    ]
