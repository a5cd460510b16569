"""Viewers that count without telling categories apart: what they see, and what they are fitted on."""

from vistok.datasets.gvtbench import ObjectQuestion
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.score.category_blind import VIEWERS, AnnotatedQuestion, questions_of, viewers_answers

NUMBERS, COUNTS = VIEWERS


def asked(*questions: tuple[tuple[int, ...], str]) -> list[AnnotatedQuestion]:
    return [AnnotatedQuestion(counts, answer, index) for index, (counts, answer) in enumerate(questions)]


def test_a_viewer_says_what_is_right_most_often_in_images_that_look_the_same_to_it() -> None:
    training = asked(((1, 3), "3"), ((1, 3), "3"), ((1, 3), "1"), ((2, 2), "2"), ((2, 2), "2"), ((2, 2), "2"))
    said = viewers_answers(asked(((1, 3), "1"), ((2, 2), "2")), training)
    assert said[NUMBERS] == ["2", "2"]  # four objects of two groups either way: 2 is right three times of six
    assert said[COUNTS] == ["3", "2"]


def test_of_groups_that_it_has_not_met_it_says_the_likeliest_of_their_counts() -> None:
    training = asked(*[((1,), "1")] * 5, *[((2, 4), "2")] * 3, *[((2, 4), "4")] * 2)
    said = viewers_answers(asked(((2, 3, 4), "3"), ((7, 8), "8"), ((), "5")), training)
    assert said[COUNTS] == ["2", "7", "1"]  # nothing is known of 7 and 8: the first of equals
    assert said[NUMBERS] == ["1", "1", "1"]


def test_who_counts_groups_and_cannot_name_them_is_right_for_one_of_each_image() -> None:
    """Where all counts differ, and all groups are asked about."""
    images = {image: (1, 2 + image % 3, 9 - image % 2) for image in range(40)}
    records = [(image, str(count)) for image, counts in images.items() for count in counts]
    said = viewers_answers(questions_of(records, images), None)[COUNTS]
    right = sum(answer == truth for answer, (_, truth) in zip(said, records, strict=True))
    assert right == len(images)


def test_a_questions_own_answer_never_decides_it() -> None:
    """Every image looks like no other: who knew the answers of its own would be right."""
    images = {image: (image,) for image in range(1, 9)}
    records = [(image, str(image)) for image in images]
    said = viewers_answers(questions_of(records, dict.fromkeys(images, (1, 1))), None)
    assert all(answer != truth for answer, (_, truth) in zip(said[COUNTS], records, strict=True))
    assert viewers_answers(questions_of(records[:1], images), None) == {}


def test_counting_has_both_viewers_and_identification_none() -> None:
    counting, identification = task_kind("counting"), task_kind("identification")
    assert tuple(counting.viewers) == VIEWERS and not identification.viewers
    records = [
        ObjectQuestion(index, image, "How many cats are there in the image?", str(count), None)
        for index, (image, count) in enumerate([("a", 2), ("a", 3), ("b", 2), ("b", 5)])
    ]
    groups = {"a": (3, 2), "b": (2, 5)}
    said = counting.seen(records, groups, (records[:2], groups))
    assert said == {NUMBERS: ["2", "2", "2", "2"], COUNTS: ["2", "2", "2", "2"]}
    assert identification.seen(records, groups, None) == {}
