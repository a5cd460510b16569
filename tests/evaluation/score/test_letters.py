"""The letter that a generated answer chooses: one that it names as its choice, and no other."""

import time

import pytest

from vistok.evaluation.score.letters import read_letter

OPTIONS = ("On the table", "Under a chair", "Near the door", "It is not shown")


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("**C**", "C"),
        ("The best option is **C. Near the door**", "C"),
        ("**Answer:** (C)", "C"),
        (r"Hence \boxed{\mathrm{D}}", "D"),
        ("<answer>\nC. Near the door\n</answer>", "C"),
        ("<answer>near the door</answer>", "C"),
        ("_c)_ Near the door", "C"),
        ("d. It is not shown", "D"),
        ("D - it is not shown", "D"),
        ("D \u2014 it is not shown", "D"),
        ("\uff23\uff0e Near the door", "C"),
        ("\u24b8", "C"),
        ("<C>", "C"),
        ("option c", "C"),
        ("~~A~~ C", "C"),
        ("Therefore the correct answer must be C", "C"),
        ("the answer to this question would be: b", "B"),
        ("I will go with D.", "D"),
        ("<think>A? No, B.</think>C", "C"),
        ("It can be seen that\n\nC", "C"),
        ("\u7b54\u6848\uff1aC", "C"),
        ("\u6b63\u786e\u7b54\u6848\u662fC\u3002", "C"),
        ("\u9009\u62e9C", "C"),
        ("C\u3001Near the door", "C"),
        (r"\fbox{C}", "C"),
        (r"\boxed C", "C"),
        ("{'answer': 'C'}", "C"),
        ("{'choice': 'C'}", "C"),
        ('{"answer": "near the door"}', "C"),
        ("The answer is near the door.", "C"),
        ("The answer is: **Near the door**", "C"),
        ("\u201cNear the door!\u201d", "C"),
        ("I think it's C", "C"),
        ("On the table is wrong, so C.", "C"),
        ("ASSISTANT: C", "C"),
        ("Probably C", "C"),
        ("I think C, since it is near", "C"),
        ("{'answer': 'c'}", "C"),
        ("\U0001f152", "C"),
        ("\U0001f172", "C"),
        ("Respuesta: C", "C"),
        ("La r\u00e9ponse est C", "C"),
        ("Antwort: (C)", "C"),
        ("\u041e\u0442\u0432\u0435\u0442: C", "C"),
        ("\uc815\ub2f5\uc740 C\uc785\ub2c8\ub2e4", "C"),
    ],
)
def test_reads_a_letter_behind_markup(answer: str, letter: str) -> None:
    assert read_letter(answer, OPTIONS) == letter


@pytest.mark.parametrize(
    "answer",
    [
        "A. On the table B. Under a chair C. Near the door D. It is not shown",
        "a) on the table b) under a chair",
        "A or B",
        "A, B",
        "C/D",
        "Both B and C",
        "The answer is B or C",
        "The answer is B or maybe C",
        "\u7b54\u6848\u662fB\u6216C",
        "The answer is B. The answer is C.",
        "A\nB",
        "A; B",
        "A vs. B",
        "A B",
        "A. B.",
        "(A)(B)",
        "A, no, B",
        "Answer: A, or rather B",
        "It is C-shaped",
        "It is B movie",
        "The dogs' B",
        "The answer is not A.",
        "Option C is wrong.",
        "Neither C nor D",
        "Vitamin C",
        "I think A chair",
        "Probably C-shaped",
        "A chair is there",
        "The answer is a chair",
        "<think>The answer is C",
    ],
)
def test_chooses_nothing_where_several_or_none_are_named(answer: str) -> None:
    assert read_letter(answer, OPTIONS) is None


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("Option C is incorrect. Option D is correct.", "D"),
        ("B is not right, C is the right answer", "C"),
        ("The answer is not A but B", "B"),
        ("Not A, but B.", "B"),
        ("The answer is B, not A", "B"),
        ("A. On the table\nB. Under a chair\nC. Near the door\nAnswer: C", "C"),
        ("Option A looks good.\nB", "B"),
        ("B. Unlike A, it shows the chair.", "B"),
    ],
)
def test_a_refused_letter_is_passed_over_and_the_firmest_counts(answer: str, letter: str) -> None:
    assert read_letter(answer, OPTIONS) == letter


def test_long_answers_are_read_in_time() -> None:
    started = time.process_time()
    for text in ("B ", "answer ", "the answer is A and ", "option ", "not "):
        read_letter(text * 2_000, OPTIONS)
    assert time.process_time() - started < 20
