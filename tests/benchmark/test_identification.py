"""MCI questions follow the released rules where asked, and are balanced within each object otherwise."""

from collections import Counter
from pathlib import Path

from vistok.benchmark.annotations import AnnotatedImage, Origin, read_annotations
from vistok.benchmark.identification import identification_questions
from vistok.benchmark.questions import Question, Rules
from vistok.datasets.gvtbench import object_of

CATEGORIES = ("cup", "dog", "person", "skis", "wine glass")


def ask(
    images: list[AnnotatedImage], origin: Origin, rules: Rules, questions: int = 1000
) -> tuple[Question, ...]:
    return identification_questions(
        images, categories=CATEGORIES, origin=origin, rules=rules, questions=questions, seed=0
    )


def test_released_rules_ask_as_often_about_absent_as_about_present_categories() -> None:
    made = ask([AnnotatedImage(1, {"cup": 2, "dog": 1})], "coco", "released")
    yes = {object_of(question.text) for question in made if question.answer == "Yes."}
    no = {object_of(question.text) for question in made if question.answer == "No."}
    assert yes == {"cup", "dog"}
    assert len(no) == 2
    assert no < set(CATEGORIES) - yes
    assert {question.objects for question in made} == {3}


def test_released_vcr_texts_use_the_plural_and_the_typo() -> None:
    made = ask([AnnotatedImage("a.jpg", {"person": 2, "wine glass": 1})], "vcr", "released")
    assert {question.text for question in made if question.answer == "Yes."} == {
        "Does people exist in the image?",
        "Does wineglasses exist in the image?",
    }
    assert all(question.text.endswith(" exis in the image?") for question in made if question.answer == "No.")


def test_released_vcr_images_hold_three_objects() -> None:
    assert ask([AnnotatedImage("a.jpg", {"person": 2})], "vcr", "released") == ()


def test_corrected_rules_ask_about_each_object_as_often_yes_as_no(many_instances: Path) -> None:
    annotations = read_annotations(many_instances)
    made = identification_questions(
        annotations.images,
        categories=annotations.categories,
        origin="vcr",
        rules="corrected",
        questions=300,
        seed=0,
    )
    assert len(made) == 300
    counts = Counter((object_of(question.text), question.answer) for question in made)
    assert set(counts.values()) == {30}
    assert len({(question.image_id, question.text) for question in made}) == 300
    assert {name for name, _ in counts} == {"cross", "halfmoon", "knife", "person", "skis"}
    assert not any(" exis " in question.text for question in made)


def test_corrected_answers_are_the_annotations(many_instances: Path) -> None:
    annotations = read_annotations(many_instances)
    images = {image.image_id: image for image in annotations.images}
    made = identification_questions(
        annotations.images,
        categories=annotations.categories,
        origin="coco",
        rules="corrected",
        questions=99,
        seed=1,
    )
    assert len(made) == 98
    for question in made:
        present = object_of(question.text) in images[question.image_id].counts
        assert question.answer == ("Yes." if present else "No.")
