"""Answers questions about images with a model that somebody else trained whole."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL.Image import Image

from vistok.datasets.images import load_image
from vistok.evaluation.answer.generation import Answerer, Generation, Question, Ranking
from vistok.grid.tasks import Decoding
from vistok.mllm.whole import WholeModel


class ReleasedAnswerer(Answerer):
    """A released model with its template; the image of a question is the path of its photograph.

    Args:
        ends_at: the text at which an answer is cut.
    """

    def __init__(self, model: WholeModel, template: str, *, batch: int, ends_at: str | None = None) -> None:
        super().__init__(batch)
        self.model = model
        self.template = template
        self.ends_at = ends_at

    def answer(self, questions: Sequence[Question], decoding: Decoding) -> list[Generation]:
        """Answers them `batch` at a time, in the order of their length."""
        texts: dict[int, str] = {}
        for group, images, prompts in self._batches(questions):
            texts |= zip(group, map(self._cut, self.model.generate(images, prompts, decoding)), strict=True)
        return [Generation(question, texts[index]) for index, question in enumerate(questions)]

    def rank(self, questions: Sequence[Question]) -> list[Ranking]:
        ranked: dict[int, list[tuple[float, int]]] = {}
        for group, images, prompts in self._batches(questions):
            options = [questions[index].options for index in group]
            ranked |= zip(group, self.model.option_losses(images, prompts, options), strict=True)
        return [
            Ranking(question, *zip(*ranked[index], strict=True)) for index, question in enumerate(questions)
        ]

    def _cut(self, text: str) -> str:
        return text.partition(self.ends_at)[0].strip() if self.ends_at else text

    def _length(self, question: Question) -> int:
        return len(self._prompt(question))

    def _prompt(self, question: Question) -> str:
        return self.template.replace("{prompt}", question.prompt)

    def _batches(self, questions: Sequence[Question]) -> Iterator[tuple[list[int], list[Image], list[str]]]:
        """Yields the positions of questions of like length, their photographs, and the model's prompts."""
        for group in self.groups(questions):
            paths = [Path(questions[index].image_id) for index in group]
            images = [load_image(path, what="photograph") for path in paths]
            yield group, images, [self._prompt(questions[index]) for index in group]
