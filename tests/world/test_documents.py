from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from vistok.world.captions import CAPTION_PROMPT
from vistok.world.catalog import BACKGROUND_NAMES, BY_NAME, CATEGORIES, COLOR_NAMES, SIZES
from vistok.world.documents import Conversation, instruction_conversations, pretraining_documents


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return instruction_conversations(np.random.default_rng(5), 800)


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return pretraining_documents(np.random.default_rng(5), 800)


def read_scene(text: str) -> tuple[list[tuple[str | None, str | None, str]], str | None]:
    """Returns the objects (size, colour, category) and the background that a scene's words tell of."""
    words = text.replace("half moon", "half-moon").split()
    objects, background = [], None
    size = color = None
    for word in words:
        if word in SIZES:
            size = word
        elif word in COLOR_NAMES:
            color = word
        elif word in BACKGROUND_NAMES:
            background = word
        else:
            objects.append((size, color, word.replace("-", " ")))
            size = color = None
    return objects, background


def scene_of(text: str) -> tuple[str, str]:
    """Splits a text into the words between <Img> and </Img>, and the rest."""
    inside, rest = text.removeprefix("<Img> ").split(" </Img>")
    return inside, rest


def category_of(name: str) -> str:
    (found,) = (c.name for c in CATEGORIES if name in (c.name, c.plural, c.compact, c.compact_plural))
    return found


def answered(prompt: str, objects: list[tuple[str | None, str | None, str]], background: str | None) -> str:
    """Answers a prompt from the scene's words alone."""
    words = prompt.removeprefix("Question: ").removesuffix(" Answer:").removesuffix("?").split()
    names = [name for _, _, name in objects]
    match words:
        case ["How", "many", *name, "are", "there", "in", "the", "image"]:
            return str(names.count(category_of(" ".join(name))))
        case ["Does", *name, "exist", "in", "the", "image"]:
            return "Yes." if category_of(" ".join(name)) in names else "No."
        case ["what", "is", "in", "the", "background"]:
            return str(background)
        case ["what", "color" | "size" as what, "is" | "are", "the", *name]:
            (value,) = {o[what == "color"] for o in objects if o[2] == category_of(" ".join(name))}
            return str(value)
        case ["which", "object", "is", color]:
            (found,) = {name for _, shown, name in objects if shown == color}
            return BY_NAME[found].word
        case ["how", "many", color, "things", "are", "there"]:
            return str(sum(shown == color for _, shown, _ in objects))
        case ["is", "there", "a", color, *name]:
            return "yes" if any(o[1:] == (color, " ".join(name)) for o in objects) else "no"
    raise AssertionError(f"no such prompt: {prompt}")


def test_every_answer_follows_from_the_words(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        inside, first = scene_of(conversation[0][0])
        objects, background = read_scene(inside)
        for prompt, answer in [(first, conversation[0][1]), *conversation[1:]]:
            if prompt != CAPTION_PROMPT:
                assert answer == answered(prompt, objects, background), (inside, prompt)


def test_a_conversation_has_every_kind_of_turn(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        inside, first = scene_of(conversation[0][0])
        kinds = Counter((first + " ").split()[0] if n == 0 else prompt.split()[0]
                        for n, (prompt, _) in enumerate(conversation))  # fmt: skip
        categories = {name for _, _, name in read_scene(inside)[0]}
        assert kinds == {"How": min(2, len(categories)), "Does": 2, "Question:": 2, "what": 1}


def test_turns_come_in_any_order(conversations: list[Conversation]) -> None:
    firsts = Counter(scene_of(conversation[0][0])[1].split()[0] for conversation in conversations)
    assert set(firsts) == {"How", "Does", "Question:", "what"}


def test_identification_is_balanced_and_counts_are_spread(conversations: list[Conversation]) -> None:
    turns = [turn for conversation in conversations for turn in conversation]
    answers = Counter(answer for prompt, answer in turns if "Does " in prompt)
    assert 0.46 < answers["Yes."] / answers.total() < 0.54
    counts = Counter(answer for prompt, answer in turns if "How many " in prompt)
    assert set(counts) == set("123456789")
    assert min(counts.values()) / counts.total() > 0.03
    assert max(counts.values()) / counts.total() < 0.45


def test_names_without_spaces_are_asked_about_too(conversations: list[Conversation]) -> None:
    prompts = " ".join(prompt for conversation in conversations for prompt, _ in conversation)
    for name in ("half moons", "halfmoons", "half moon exist", "halfmoon exist"):
        assert name in prompts


def test_a_copy_repeats_the_words(documents: list[str]) -> None:
    copies = [scene_of(document) for document in documents if " copy " in document]
    assert len(copies) > 100
    assert all(rest == f" copy {inside}" for inside, rest in copies)


def test_an_inventory_counts_every_category(documents: list[str]) -> None:
    lists = [scene_of(document) for document in documents if " inventory " in document]
    assert len(lists) > 200
    for inside, rest in lists:
        objects, _ = read_scene(inside)
        counts = Counter(name for _, _, name in objects)
        words = rest.removeprefix(" inventory ").replace("half moon", "half-moon").split()
        told = {name.replace("-", " "): int(number) for name, number in pairwise(words) if number.isdigit()}
        assert {name: number for name, number in told.items() if number} == counts
        assert len(told) in (len(counts), len(CATEGORIES))


def test_the_vocabulary_is_about_a_hundred_words(
    documents: list[str], conversations: list[Conversation]
) -> None:
    texts = documents + [part for conversation in conversations for turn in conversation for part in turn]
    words = {word for text in texts for word in text.replace("</Img>", " </Img> ").replace("?", " ?").split()}
    assert 80 < len(words) < 120
    capitals = {word for word in words if word != word.lower()}
    assert capitals == {"<Img>", "</Img>", "How", "Does", "Question:", "Answer:", "Yes.", "No."}


def test_documents_are_single_lines_and_follow_the_seed(documents: list[str]) -> None:
    assert not any("\n" in document for document in documents)
    assert documents[:20] == pretraining_documents(np.random.default_rng(5), 20)
    assert documents[:20] != pretraining_documents(np.random.default_rng(6), 20)
