from collections import Counter, defaultdict

import numpy as np

from vistok.world.catalog import BY_NAME, CATEGORY_NAMES, COLOR_NAMES
from vistok.world.draws import Draws
from vistok.world.questions import (
    KINDS,
    TOLD,
    Question,
    absent_categories,
    balanced_questions,
    group_name,
    sample_questions,
)
from vistok.world.scene import Scene


def asked(scenes: list[Scene], draws: Draws) -> list[tuple[Scene, Question]]:
    return [(scene, question) for scene in scenes for question in sample_questions(scene, draws, 6)]


def expected(scene: Scene, question: Question) -> str:
    """Answers a question from its text and the scene, on its own account."""
    text = question.text.removesuffix("?")
    groups = {group_name(group): group for group in scene.groups}
    match question.kind:
        case "color":
            return groups[text.split(" the ")[1]].color
        case "size":
            return groups[text.split(" the ")[1]].size
        case "background":
            return scene.background
        case "object":
            (found,) = (group for group in scene.groups if group.color == text.split()[-1])
            return BY_NAME[found.category].word
        case "count":
            color = text.split()[2]
            return str(sum(group.count for group in scene.groups if group.color == color))
        case "presence":
            color, category = text.removeprefix("is there a ").split(" ", 1)
            there = any((group.color, group.category) == (color, category) for group in scene.groups)
            return "yes" if there else "no"
    return _beside(scene, text.removeprefix("what is "))


def _beside(scene: Scene, text: str) -> str:
    """Answers "left of the rings" by looking for the one group that has an object beyond all rings."""
    side, name = text.split(" the ")
    axis, sign = {
        "left of": ("column", -1), "right of": ("column", 1), "above": ("row", -1), "below": ("row", 1),
    }[side]  # fmt: skip
    (middle,) = (group for group in scene.groups if group_name(group) == name)
    edge = max(sign * getattr(placed, axis) for placed in middle.objects)
    beyond = [
        group
        for group in scene.groups
        if any(sign * getattr(placed, axis) > edge for placed in group.objects)
    ]
    assert len(beyond) == 1
    return BY_NAME[beyond[0].category].word


def test_every_answer_is_right(scenes: list[Scene], draws: Draws) -> None:
    for scene, question in asked(scenes[:600], draws):
        assert question.answer == expected(scene, question), question
        assert " " not in question.answer


def test_questions_of_an_image_differ(scenes: list[Scene], draws: Draws) -> None:
    for scene in scenes[:300]:
        texts = [question.text for question in sample_questions(scene, draws, 6)]
        assert len(set(texts)) == len(texts)
        assert len(texts) >= (4 if scene.crowd else 6)


def test_every_kind_is_asked_and_starts_with_its_type(scenes: list[Scene], draws: Draws) -> None:
    questions = [question for _, question in asked(scenes, draws)]
    kinds = Counter(question.kind for question in questions)
    assert set(kinds) == set(KINDS)
    assert 0.03 < kinds["relation"] / kinds.total() < 0.12
    assert all(question.text.startswith(question.question_type) for question in questions)


def test_question_types_are_official(scenes: list[Scene], draws: Draws, shared_data: object) -> None:
    official = (shared_data / "vqa" / "mscoco_question_types.txt").read_text().splitlines()  # type: ignore[operator]
    assert {question.question_type for _, question in asked(scenes[:200], draws)} <= {
        line.strip() for line in official
    }


def test_answers_are_spread(scenes: list[Scene], draws: Draws) -> None:
    questions = [question for _, question in asked(scenes, draws)]
    answers = {kind: Counter(q.answer for q in questions if q.kind == kind) for kind in KINDS}
    assert set(answers["color"]) == set(COLOR_NAMES)
    assert set(answers["object"]) == {BY_NAME[name].word for name in CATEGORY_NAMES}
    assert 0.45 < answers["presence"]["yes"] / answers["presence"].total() < 0.55
    assert answers["count"].most_common(1)[0][1] / answers["count"].total() < 0.45
    for kind in ("color", "background", "object", "relation"):
        assert answers[kind].most_common(1)[0][1] / answers[kind].total() < 0.3


def test_a_crowd_is_never_asked_about(scenes: list[Scene], draws: Draws) -> None:
    crowded = [scene for scene in scenes if scene.crowd]
    assert crowded
    for scene in crowded:
        assert scene.crowd is not None
        assert scene.crowd.category not in absent_categories(scene)
        for question in sample_questions(scene, draws, 6):
            assert scene.crowd.category not in question.text
            if question.kind in ("count", "object"):
                assert scene.crowd.color not in question.text


def test_no_balanced_question_is_answered_by_its_words(scenes: list[Scene], draws: Draws) -> None:
    """Each is asked about another image with another answer; who learns answers by heart is no better than chance."""
    chosen = balanced_questions(scenes, draws, 6 * len(scenes))
    by_text: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for position, question in chosen:
        assert question.answer == expected(scenes[position], question)
        by_text[question.text][question.answer] += 1
    for answers in by_text.values():
        most = max(answers.values())
        assert sum(count == most for count in answers.values()) >= 2, "no answer is the likeliest"
    guessed = sum(max(answers.values()) for answers in by_text.values())
    assert guessed / len(chosen) < 0.35
    typical = {f"what color is the {name}?": category.color for name, category in BY_NAME.items()}
    told = {text: by_text[text][color] / by_text[text].total() for text, color in typical.items()}
    assert max(told.values()) < 0.3, "a typical colour tells no answer"


def test_balanced_questions_are_of_all_kinds_that_texts_tell_and_as_many_as_may_be(
    scenes: list[Scene], draws: Draws
) -> None:
    chosen = balanced_questions(scenes, draws, 3000)
    kinds = Counter(question.kind for _, question in chosen)
    whole = sum(KINDS[kind][0] for kind in TOLD)
    assert set(kinds) == set(TOLD)
    assert all(kinds[kind] <= 3000 * KINDS[kind][0] // whole for kind in TOLD)
    assert len(chosen) > 2700
    assert [position for position, _ in chosen] == sorted(position for position, _ in chosen)
    assert len(set(chosen)) == len(chosen), "an image is asked nothing twice"
    assert chosen == balanced_questions(scenes, Draws(np.random.default_rng(3)), 3000)


def test_one_image_alone_has_no_balanced_question(scenes: list[Scene], draws: Draws) -> None:
    assert balanced_questions(scenes[:1], draws, 100) == []
