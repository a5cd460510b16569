from collections import Counter
from typing import Any

import numpy as np

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.questions import Annotations, Turn, within
from vistok.datasets.rows import QuestionAnswer
from vistok.evaluation.turns import draw_turns

PROMPTS: Any = {
    "caption": "what does the image describe?",
    "vqa": "Question: {question} Answer:",
    "counting": "{question}",
    "identification": "{question}",
}
CATEGORIES = ("cat", "dog", "knife", "person", "wine glass")


def known(*names: str, crowd: str = "", captions: tuple[str, ...] = (), asked: Any = ()) -> Annotations:
    objects = [ObjectAnnotation(name, (0, 0, 1, 1), crowd=False) for name in names]
    objects += [ObjectAnnotation(crowd, (0, 0, 1, 1), crowd=True)] if crowd else []
    return Annotations(captions, tuple(objects), tuple(QuestionAnswer(*pair) for pair in asked), CATEGORIES)


def draw(image: Annotations, seed: int = 0, **turns: int) -> tuple[Turn, ...]:
    return draw_turns(image, turns, PROMPTS, np.random.default_rng(seed))


def test_a_caption_answers_the_training_prompt() -> None:
    image = known(captions=(" a cat \n on a mat. ", "a cat"))
    answers = {draw(image, seed, caption=3) for seed in range(20)}
    assert answers == {
        (Turn("caption", "what does the image describe?", text, short=False),)
        for text in ("a cat on a mat.", "a cat")
    }
    assert draw(known(captions=(" \n",)), caption=1) == ()


def test_vqa_prompts_wrap_the_question() -> None:
    image = known(asked=[("is it {red}?", "yes"), ("how many?", "2"), ("how many?", "3")])
    turns = draw(image, vqa=5)
    assert {turn.prompt for turn in turns} == {
        "Question: is it {red}? Answer:",
        "Question: how many? Answer:",
    }
    assert len(turns) == 2
    assert len(draw(image, vqa=1)) == 1


def test_counts_are_of_countable_categories() -> None:
    image = known(*["cat"] * 9, *["dog"] * 10, "knife", "person", "wine glass", "wine glass", crowd="person")
    assert set(draw(image, counting=9)) == {
        Turn("counting", "How many cats are there in the image?", "9"),
        Turn("counting", "How many knives are there in the image?", "1"),
        Turn("counting", "How many wine glasses are there in the image?", "2"),
    }
    assert {len(draw(image, seed, counting=2)) for seed in range(9)} == {2}


def test_identification_is_right_and_fair() -> None:
    image = known("cat", "cat", "knife", crowd="person")
    answers: Counter[tuple[str, str]] = Counter()
    second_given_first: Counter[tuple[str, str]] = Counter()
    for seed in range(2000):
        turns = draw(image, seed, identification=2)
        assert len({turn.prompt for turn in turns}) == 2
        answers.update((turn.prompt.split()[1], turn.answer) for turn in turns)
        second_given_first[turns[0].answer, turns[1].answer] += 1
    assert set(answers) == {
        ("cat", "Yes."),
        ("knife", "Yes."),
        ("person", "Yes."),
        ("dog", "No."),
        ("wine", "No."),
    }
    yes = sum(count for (_, answer), count in answers.items() if answer == "Yes.")
    assert abs(yes / 4000 - 0.5) < 0.03
    assert abs(answers["dog", "No."] / answers["wine", "No."] - 1) < 0.12
    assert all(abs(count / 2000 - 0.25) < 0.04 for count in second_given_first.values())


def test_identification_stops_where_an_answer_would_be_certain() -> None:
    assert len(draw(known("cat"), identification=2)) == 1
    assert draw(known(), identification=2) == ()
    assert draw(known(*CATEGORIES), identification=2) == ()


def test_names_are_asked_in_small_letters() -> None:
    objects = (ObjectAnnotation("Person", (0, 0, 1, 1), crowd=False),)
    image = Annotations((), objects, (), ("Person", "Traffic Light"))
    asked = {turn.prompt for seed in range(9) for turn in draw(image, seed, counting=1, identification=1)}
    assert asked == {
        "How many people are there in the image?",
        "Does person exist in the image?",
        "Does traffic light exist in the image?",
    }


def test_no_prompt_twice_across_kinds() -> None:
    asked = [("How many cats are there in the image?", "2")]
    image = known("cat", "cat", asked=asked)
    prompts: Any = {**PROMPTS, "vqa": "{question}"}
    for seed in range(5):
        turns = draw_turns(image, {"counting": 1, "vqa": 1}, prompts, np.random.default_rng(seed))
        assert len(turns) == 1


def test_the_order_of_kinds_is_random_and_that_of_the_recipe_is_not_asked() -> None:
    image = known("cat", captions=("a cat",))
    orders = {tuple(turn.kind for turn in draw(image, seed, caption=1, counting=1)) for seed in range(20)}
    assert orders == {("caption", "counting"), ("counting", "caption")}
    for seed in range(5):
        assert draw(image, seed, caption=1, counting=1) == draw(image, seed, counting=1, caption=1)


def test_none_asked_none_given() -> None:
    assert draw(known("cat", captions=("a cat",)), caption=0, counting=0) == ()


def test_nothing_is_asked_about_what_is_cut_off() -> None:
    """Two cats of which one is cut: neither how many there are, nor whether there is one, is certain."""
    objects = (
        ObjectAnnotation("cat", (0, 0, 10, 10), crowd=False),
        ObjectAnnotation("cat", (95, 0, 20, 10), crowd=False),
        ObjectAnnotation("dog", (0, 50, 10, 10), crowd=False),
        ObjectAnnotation("dog", (200, 0, 10, 10), crowd=False),
        ObjectAnnotation("bus", (200, 0, 10, 10), crowd=False),
    )
    known = within(Annotations((), objects, (), ("cat", "dog", "bus")), (0.0, 0.0, 100.0, 100.0))
    generator = np.random.default_rng(0)
    said = {
        (turn.prompt, turn.answer)
        for _ in range(100)
        for turn in draw_turns(known, {"counting": 9, "identification": 9}, PROMPTS, generator)
    }
    assert said == {
        ("How many dogs are there in the image?", "1"),
        ("Does dog exist in the image?", "Yes."),
        ("Does bus exist in the image?", "No."),
    }


def test_a_sample_has_at_most_so_many_turns_of_any_kind() -> None:
    objects = tuple(ObjectAnnotation(name, (0, 0, 1, 1), crowd=False) for name in ("cat", "dog"))
    known = Annotations(("a caption",), objects, (), ("cat", "dog", "bus", "car"))
    generator = np.random.default_rng(0)
    asked = {"caption": 1, "counting": 2, "identification": 2}
    drawn = [draw_turns(known, asked, PROMPTS, generator, most=1) for _ in range(200)]
    assert {len(turns) for turns in drawn} == {1}
    kinds = Counter(turns[0].kind for turns in drawn)
    assert kinds.keys() == asked.keys() and kinds["counting"] > kinds["caption"]


def test_categories_of_other_sets_are_asked_in_english() -> None:
    names = (
        "Sneakers",
        "Cabinet/shelf",
        "Footwear",
        "Bus",
        "Cutting/chopping Board",
        "Cigar/Cigarette ",
        "wine glass",
    )
    objects = tuple(ObjectAnnotation(name, (0, 0, 1, 1), crowd=False) for name in names)
    generator = np.random.default_rng(0)
    asked = {"counting": 9, "identification": 9}
    known = Annotations((), objects, (), (*names, "Lamp"))
    said = {turn.prompt for _ in range(60) for turn in draw_turns(known, asked, PROMPTS, generator)}
    assert said == {
        "How many sneakers are there in the image?",
        "How many cabinets are there in the image?",
        "How many buses are there in the image?",
        "Does sneakers exist in the image?",
        "Does cabinet exist in the image?",
        "Does footwear exist in the image?",
        "Does bus exist in the image?",
        "Does lamp exist in the image?",
        "How many cutting boards are there in the image?",
        "Does cutting board exist in the image?",
        "How many cigars are there in the image?",
        "Does cigar exist in the image?",
        "How many wine glasses are there in the image?",
        "Does wine glass exist in the image?",
    }
