"""What is right is told as the official file says it."""

from vistok.datasets.coco import CaptionReference
from vistok.datasets.gvtbench import ObjectQuestion
from vistok.datasets.seedbench import ChoiceQuestion
from vistok.datasets.vqa import VQAAnnotation
from vistok.evaluation.kinds import task_kind


def test_of_ten_answers_the_commonest_stands_first() -> None:
    given = ("blue", *["red"] * 6, *["dark red"] * 3)
    assert task_kind("vqa").truth(VQAAnnotation(1, 1, "", "", given, "red")) == ("red", "dark red", "blue")


def test_the_other_kinds_give_what_their_files_hold() -> None:
    captions = CaptionReference(1, ("a cat", "one cat"))
    assert task_kind("caption").truth(captions) == ("a cat", "one cat")
    count = ObjectQuestion(0, 1, "How many cats are there in the image?", "2", 3)
    assert task_kind("counting").truth(count) == ("2",)
    assert task_kind("identification").truth(count) == ("2",)
    choice = ChoiceQuestion("1", "1", 1, "?", ("w", "x", "y", "z"), "C")
    assert task_kind("choice").truth(choice) == ("C",)
