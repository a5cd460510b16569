from collections import Counter

import pytest

from vistok.world.captions import Detail, related_pairs, sample_caption, sample_captions
from vistok.world.catalog import BACKGROUND_NAMES, BY_NAME, CATEGORY_NAMES, COLOR_NAMES, NUMBER_WORDS, SIZES
from vistok.world.draws import Draws
from vistok.world.scene import Group, Scene

BARE = Detail(color=False, size=False, count=False, background=False)


def claims(caption: str) -> list[list[str]]:
    """Returns the words of each noun phrase: what stands between the joining words."""
    text = caption.replace("half moon", "half-moon")
    for joint in ("and", "left of", "right of", "above", "below", "on", "with", "there is", "there are"):
        text = f" {text} ".replace(f" {joint} ", " | ").strip()
    return [part.split() for part in text.split("|") if part.split()]


def is_true(words: list[str], scene: Scene) -> bool:
    """Whether one noun phrase is true of the scene."""
    if words in [[name] for name in BACKGROUND_NAMES]:
        return words == [scene.background]
    if words[0] == "many":
        return scene.crowd is not None and words[1:] == _nouns(BY_NAME[scene.crowd.category].plural)
    return any(_describes(words, group) for group in scene.groups)


def _nouns(name: str) -> list[str]:
    return [name.replace("half moon", "half-moon")]


def _describes(words: list[str], group: Group) -> bool:
    number, *attributes = words
    noun = attributes.pop()
    one = group.count == 1
    spelt = group.category if one else BY_NAME[group.category].plural
    numbers = ["a"] if one else ["some", NUMBER_WORDS[group.count]]
    fits = set(attributes) <= {group.color, group.size} and noun == spelt.replace("half moon", "half-moon")
    return fits and number in numbers


def test_every_caption_is_true_of_its_scene(scenes: list[Scene], draws: Draws) -> None:
    for scene in scenes[:300]:
        for caption in sample_captions(scene, draws, 5):
            phrases = claims(caption)
            assert phrases
            assert all(is_true(words, scene) for words in phrases), (caption, scene)


def test_sides_are_told_truly(scenes: list[Scene], draws: Draws) -> None:
    """A caption that tells a side names two groups of which that relation holds."""
    told = 0
    for scene in scenes[:300]:
        for caption in sample_captions(scene, draws, 5):
            for word in ("left of", "right of", "above", "below"):
                if f" {word} " in caption:
                    before, after = (claims(part)[0] for part in caption.split(f" {word} "))
                    told += 1
                    assert any(
                        relation == word and _describes(before, first) and _describes(after, second)
                        for first, relation, second in related_pairs(scene)
                    )
    assert told > 100


def test_most_captions_tell_colour_and_background(scenes: list[Scene], draws: Draws) -> None:
    kinds: Counter[str] = Counter()
    for scene in scenes:
        words = set(sample_caption(scene, draws).split())
        kinds["color"] += bool(words & set(COLOR_NAMES))
        kinds["background"] += bool(words & set(BACKGROUND_NAMES))
        kinds["size"] += bool(words & set(SIZES))
    assert 0.6 < kinds["color"] / len(scenes) < 0.75
    assert 0.85 < kinds["background"] / len(scenes) < 0.95
    assert 0.02 < kinds["size"] / len(scenes) < 0.1


@pytest.mark.parametrize("plain", [0, 75, 100])
def test_plain_captions_leave_colour_out(scenes: list[Scene], draws: Draws, plain: int) -> None:
    """Of the other captions, 85 % tell colours; of all, 90 % tell the background."""
    told = {"color": 0, "background": 0}
    for scene in scenes:
        words = set(sample_caption(scene, draws, plain=plain).split())
        told["color"] += bool(words & set(COLOR_NAMES))
        told["background"] += bool(words & set(BACKGROUND_NAMES))
    shares = {name: count / len(scenes) for name, count in told.items()}
    assert shares["color"] == pytest.approx(0.85 * (1 - plain / 100), abs=0.03)
    assert shares["background"] == pytest.approx(0.9, abs=0.03)


def test_five_captions_vary(scenes: list[Scene], draws: Draws) -> None:
    distinct = [len(set(sample_captions(scene, draws, 5))) for scene in scenes]
    assert sum(distinct) / len(distinct) > 4


def test_a_caption_names_only_what_may_be_shown(scenes: list[Scene], draws: Draws) -> None:
    forbidden = {*COLOR_NAMES, *BACKGROUND_NAMES, *SIZES, *NUMBER_WORDS, "left", "right", "above", "below"}
    for scene in scenes[:300]:
        words = sample_caption(scene, draws, BARE, sides=False).split()
        assert not forbidden & set(words)
        named = {
            name
            for name in CATEGORY_NAMES
            for word in (name, BY_NAME[name].plural)
            if word in " ".join(words)
        }
        assert named
