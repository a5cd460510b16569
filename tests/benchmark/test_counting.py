"""OC questions follow the released rules where asked, and the corrected ones by default."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from tests.benchmark.conftest import write_instances

from vistok.benchmark.annotations import AnnotatedImage, read_annotations
from vistok.benchmark.counting import LARGEST_SHARE, counting_questions
from vistok.benchmark.nouns import spellings
from vistok.datasets.gvtbench import object_of, read_object_questions


def released(images: list[AnnotatedImage], questions: int = 10_000) -> set[tuple[str, str]]:
    made = counting_questions(images, origin="coco", rules="released", questions=questions, seed=0)
    return {(question.text, question.answer) for question in made}


def test_every_released_question_is_one_that_the_released_rules_make(shared_data: Path) -> None:
    annotations = read_annotations(shared_data / "coco/annotations/instances_val2017.json")
    made = counting_questions(annotations.images, origin="coco", rules="released", questions=10_000, seed=0)
    mine = {(question.image_id, question.text, question.answer) for question in made}
    known = {image.image_id for image in annotations.images}
    real = {
        (question.image_id, question.question, question.answer)
        for question in read_object_questions(shared_data / "gvtbench/coco_oc.json")
        if question.image_id in known
    }
    assert len(real) == 146
    assert real <= mine
    assert len(mine) == 159


def test_released_rules_ask_about_the_three_most_frequent_categories() -> None:
    image = AnnotatedImage(1, {"cup": 1, "person": 12, "knife": 2, "fork": 1, "tie": 1})
    assert released([image]) == {
        ("How many knives are there in the image?", "2"),
        ("How many cups are there in the image?", "1"),
    }


def test_released_vcr_rules_repeat_questions_and_need_three_objects(vcr_folder: Path) -> None:
    first, second = read_annotations(vcr_folder).images
    made = counting_questions([first, first, second], origin="vcr", rules="released", questions=100, seed=0)
    assert Counter(question.image_id for question in made) == {first.image_id: 6}
    assert Counter(question.text for question in made)["How many wineglasses are there in the image?"] == 2


@pytest.mark.parametrize("questions", [0, 3, 4, 7, 9, 10, 11, 23, 45, 50, 120, 199, 10_000])
def test_corrected_rules_hold_every_answer_to_its_share(many_instances: Path, questions: int) -> None:
    annotations = read_annotations(many_instances)
    forms = spellings(annotations.categories)
    for seed in range(20):
        made = counting_questions(
            annotations.images, origin="coco", rules="corrected", questions=questions, seed=seed
        )
        answers: dict[str, Counter[str]] = defaultdict(Counter)
        for question in made:
            answers[object_of(question.text)][question.answer] += 1
        for counts in answers.values():
            assert max(counts.values()) <= LARGEST_SHARE * counts.total()
        if questions < 200:
            assert questions - 3 <= len(made) <= questions
        if questions >= 45:
            assert {forms[name] for name in answers} == set(annotations.categories)
        assert len({(question.image_id, question.text) for question in made}) == len(made)


def test_corrected_rules_leave_out_crowds_and_counts_above_nine(tmp_path: Path) -> None:
    images = [{"cross": count, "knife": 10} for count in range(1, 9) for _ in range(3)]
    path = write_instances(tmp_path / "i.json", images, crowds=[(1, "cross")])
    made = counting_questions(
        read_annotations(path).images, origin="coco", rules="corrected", questions=99, seed=0
    )
    assert len(made) == len(images) - 1
    assert {object_of(question.text) for question in made} == {"crosses"}
    assert 1 not in {question.image_id for question in made}


@pytest.mark.parametrize("rules", ["released", "corrected"])
def test_the_seed_alone_decides(many_instances: Path, rules: str) -> None:
    images = read_annotations(many_instances).images
    draw = [
        counting_questions(images, origin="coco", rules=rules, questions=50, seed=seed)  # type: ignore[arg-type]
        for seed in (1, 1, 2)
    ]
    assert draw[0] == draw[1] != draw[2]
    assert len(draw[0]) == 50


def differing(
    images: list[AnnotatedImage], questions: int = 10_000, seed: int = 0
) -> list[tuple[object, str, str]]:
    made = counting_questions(images, origin="coco", rules="differ", questions=questions, seed=seed)
    return [(question.image_id, object_of(question.text), question.answer) for question in made]


def test_where_counts_differ_every_category_is_asked_about() -> None:
    images = [
        AnnotatedImage(1, {"cup": 1, "fork": 4, "tie": 2}),
        AnnotatedImage(2, {"cup": 1, "fork": 1}),
        AnnotatedImage(3, {"cup": 3}),
        AnnotatedImage(4, {"cup": 3, "fork": 10}),
        AnnotatedImage(5, {"cup": 3, "fork": 1}, frozenset({"fork"})),
        AnnotatedImage(6, {"cup": 9, "fork": 1}),
    ]
    made = differing([*images, images[0]])
    assert len(made) == 5  # an image that is listed twice is asked about once
    assert {*made} == {
        (1, "cups", "1"), (1, "forks", "4"), (1, "ties", "2"), (6, "cups", "9"), (6, "forks", "1")
    }  # fmt: skip


def test_where_counts_differ_images_come_whole_or_not_at_all() -> None:
    images = [AnnotatedImage(number, {"cup": 1, "fork": 2, "tie": 3}) for number in range(20)]
    for questions in (3, 4, 5, 7, 60):
        made = Counter(image for image, _, _ in differing(images, questions))
        assert {*made.values()} == {3} and len(made) == questions // 3
    assert differing(images, 30, seed=0) == differing(images, 30, seed=0) != differing(images, 30, seed=1)
