import re
from collections import Counter

import numpy as np
import pytest

from vistok.world.captions import CAPTION_PROMPT
from vistok.world.catalog import BACKGROUND_NAMES, BY_NAME, CATEGORIES, CATEGORY_NAMES, COLOR_NAMES, SIZES
from vistok.world.documents import Conversation, instruction_conversations, pretraining_documents

Objects = list[tuple[str | None, str | None, str]]


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return instruction_conversations(np.random.default_rng(5), 800)


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return pretraining_documents(np.random.default_rng(5), 800)


def read_scene(text: str) -> tuple[Objects, str | None]:
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


def read_inventory(text: str) -> list[tuple[str, int]]:
    """Returns the (category, number) of each item of an inventory, in its order."""
    items = re.findall(r"([a-z ]+) (\d+)(?: |$)", text)
    assert text == " ".join(f"{name} {number}" for name, number in items), "names and numbers alone"
    return [(name, int(number)) for name, number in items]


def answered(prompt: str, objects: Objects, background: str | None) -> str:
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
        prompts = [first, *(prompt for prompt, _ in conversation[1:])]
        kinds = Counter(prompt.split()[0] for prompt in prompts)
        objects, background = read_scene(inside)
        assert (objects[0][:2], background) != ((None, None), None), "nothing is told that VQA asks for"
        categories = {name for _, _, name in objects}
        asked = kinds.pop("Question:")
        assert asked == 2 or (asked == 1 and objects[0][1] is None)
        assert kinds == {"How": min(2, len(categories)), "Does": 2, "what": 1}


def test_one_question_is_asked_where_only_the_background_is_told(conversations: list[Conversation]) -> None:
    asked: Counter[int] = Counter()
    for conversation in conversations:
        inside, _ = scene_of(conversation[0][0])
        if not set(inside.split()) & {*SIZES, *COLOR_NAMES}:
            asked[sum("Question: " in prompt for prompt, _ in conversation)] += 1
    assert set(asked) == {1}
    assert asked.total() > 100


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


def test_scenes_tell_of_colour_and_size_in_some_texts_only(
    documents: list[str], conversations: list[Conversation]
) -> None:
    texts = [*documents, *(conversation[0][0] for conversation in conversations)]
    scenes = [read_scene(scene_of(text)[0]) for text in texts]
    colors = sum(objects[0][1] is not None for objects, _ in scenes) / len(texts)
    sizes = sum(objects[0][0] is not None for objects, _ in scenes) / len(texts)
    assert 0.46 < colors < 0.54
    assert 0.16 < sizes < 0.24
    # The background is added to conversations where nothing else is told.
    assert 0.72 < sum(background is not None for _, background in scenes) / len(texts) < 0.87
    for objects, _ in scenes:
        assert len({color is None for _, color, _ in objects}) == 1, (
            "all of a scene's colours are told, or none"
        )
        assert len({size is None for size, _, _ in objects}) == 1, "all of a scene's sizes are told, or none"


def test_names_without_spaces_are_asked_about_too(conversations: list[Conversation]) -> None:
    prompts = " ".join(prompt for conversation in conversations for prompt, _ in conversation)
    for name in ("half moons", "halfmoons", "half moon exist", "halfmoon exist"):
        assert name in prompts
    moons = Counter(re.findall(r"half ?moon", " ".join(re.findall(r"(?:Does|How many) \S+ \S+", prompts))))
    assert 0.05 < moons["halfmoon"] / moons.total() < 0.16


def test_a_document_is_a_copy_an_inventory_or_a_caption(documents: list[str]) -> None:
    kinds = Counter(kind_of(scene_of(document)[1]) for document in documents)
    assert 0.14 < kinds["copy"] / kinds.total() < 0.22
    assert 0.26 < kinds["caption"] / kinds.total() < 0.34


def kind_of(rest: str) -> str:
    return next((marker for marker in ("copy", "inventory") if rest.startswith(f" {marker} ")), "caption")


def test_a_caption_in_a_document_names_only_what_the_words_tell(documents: list[str]) -> None:
    parts = [scene_of(document) for document in documents]
    for inside, caption in [part for part in parts if kind_of(part[1]) == "caption"]:
        objects, background = read_scene(inside)
        told = {word for _, color, name in objects for word in (color, name)} | {background}
        for name in CATEGORIES:
            if re.search(rf"\b({name.name}|{name.plural})\b", caption):
                assert name.name in told
        assert {word for word in caption.split() if word in (*COLOR_NAMES, *BACKGROUND_NAMES)} <= told


def test_a_copy_repeats_the_words(documents: list[str]) -> None:
    copies = [scene_of(document) for document in documents if " copy " in document]
    assert copies
    assert all(rest == f" copy {inside}" for inside, rest in copies)


def test_an_inventory_counts_every_category(documents: list[str]) -> None:
    orders = set()
    lists = [scene_of(document) for document in documents if " inventory " in document]
    for inside, rest in lists:
        items = read_inventory(rest.removeprefix(" inventory "))
        counts = Counter(name for _, _, name in read_scene(inside)[0])
        assert dict(items) == {name: counts[name] for name in CATEGORY_NAMES}
        assert len(items) == len(CATEGORY_NAMES)
        orders.add(tuple(name for name, _ in items))
    assert len(orders) > 0.98 * len(lists)


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
