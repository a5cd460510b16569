"""Ten answers to a question, as ten people would give them: most agree, some do not."""

from typing import Any

from vistok.world.catalog import BACKGROUND_NAMES, BY_NAME, COLOR_NAMES
from vistok.world.draws import Draws
from vistok.world.questions import Question

ANNOTATORS = 10
ANSWER_TYPES = {"count": "number", "presence": "yes/no"}

_SYNONYMS = {
    "grass": "lawn", "sand": "beach", "water": "sea", "stone": "rock",
    "red": "crimson", "blue": "navy", "green": "dark green", "yellow": "gold",
    "purple": "violet", "white": "cream",
    "large": "big", "small": "little", "yes": "yeah", "no": "nope",
    "square": "box", "circle": "disc", "ring": "donut", "triangle": "pyramid", "star": "asterisk",
    "cross": "plus", "moon": "half moon", "ladder": "fence", "leaf": "petal",
}  # fmt: skip
_CONFUSED_COLORS = {
    "red": "purple", "blue": "purple", "green": "blue",
    "yellow": "white", "purple": "blue", "white": "yellow",
}  # fmt: skip
_OPPOSITES = {"yes": "no", "no": "yes", "large": "small", "small": "large"}
_CATEGORY_WORDS = tuple(category.word for category in BY_NAME.values())


def answer_type(question: Question) -> str:
    """Returns VQAv2's class of the answer: "yes/no", "number" or "other"."""
    return ANSWER_TYPES.get(question.kind, "other")


def sample_answers(question: Question, draws: Draws) -> list[dict[str, Any]]:
    """Returns ten official answer records, of which at least seven give the true answer."""
    dissent = draws.weighted((45, 25, 18, 12))
    answers = [_dissent(question, draws) for _ in range(dissent)]
    answers += [question.answer] * (ANNOTATORS - dissent)
    return [
        {
            "answer": answer,
            "answer_confidence": _confidence(draws, sure=answer == question.answer),
            "answer_id": number,
        }
        for number, answer in enumerate(draws.shuffled(answers), start=1)
    ]


def _dissent(question: Question, draws: Draws) -> str:
    """Returns another word for the answer, or one that is easily mistaken for it."""
    if question.answer in _SYNONYMS and draws.chance(50):
        return _SYNONYMS[question.answer]
    return _confusion(question.answer, draws)


def _confusion(answer: str, draws: Draws) -> str:
    if answer.isdigit():
        return str(max(int(answer) + draws.pick((-1, 1)), 0))
    if answer in COLOR_NAMES:
        return _CONFUSED_COLORS[answer]
    if answer in _OPPOSITES:
        return _OPPOSITES[answer]
    pool = BACKGROUND_NAMES if answer in BACKGROUND_NAMES else _CATEGORY_WORDS
    return draws.pick([word for word in pool if word != answer])


def _confidence(draws: Draws, *, sure: bool) -> str:
    return ("yes", "maybe", "no")[draws.weighted((85, 12, 3) if sure else (40, 45, 15))]
