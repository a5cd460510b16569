from collections import Counter

import pytest

from vistok.world.annotators import answer_type, sample_answers
from vistok.world.draws import Draws
from vistok.world.questions import Question, sample_questions
from vistok.world.scene import Scene


def test_ten_people_mostly_agree_on_the_true_answer(scenes: list[Scene], draws: Draws) -> None:
    agreement: Counter[int] = Counter()
    for scene in scenes[:300]:
        for question in sample_questions(scene, draws, 6):
            answers = sample_answers(question, draws)
            assert [record["answer_id"] for record in answers] == list(range(1, 11))
            assert {record["answer_confidence"] for record in answers} <= {"yes", "maybe", "no"}
            agreement[sum(record["answer"] == question.answer for record in answers)] += 1
    assert set(agreement) == {7, 8, 9, 10}
    assert 0.4 < agreement[10] / agreement.total() < 0.5


@pytest.mark.parametrize(
    ("kind", "answer", "others"),
    [
        ("count", "1", {"0", "2"}),
        ("presence", "yes", {"no", "yeah"}),
        ("color", "purple", {"blue", "violet"}),
        ("size", "large", {"small", "big"}),
    ],
)
def test_who_disagrees_says_a_synonym_or_a_likely_mistake(
    draws: Draws, kind: str, answer: str, others: set[str]
) -> None:
    question = Question(kind, "", "", answer)
    given = {record["answer"] for _ in range(100) for record in sample_answers(question, draws)}
    assert given == {answer, *others}


def test_answer_types_are_the_official_three() -> None:
    kinds = {"count": "number", "presence": "yes/no", "color": "other", "relation": "other"}
    assert {kind: answer_type(Question(kind, "", "", "")) for kind in kinds} == kinds
