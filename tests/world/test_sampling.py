from collections import Counter

import pytest

from vistok.world.catalog import CATEGORY_NAMES, IMAGE_SIZE
from vistok.world.draws import Draws
from vistok.world.sampling import Style, sample_labelled_scene, sample_scene, sample_until_new
from vistok.world.scene import Scene


def test_scenes_have_one_to_nine_objects_in_one_to_four_groups(scenes: list[Scene]) -> None:
    assert {len(scene.groups) for scene in scenes} == {1, 2, 3, 4}
    totals = {sum(group.count for group in scene.groups) for scene in scenes}
    assert totals == set(range(1, 10))
    for scene in scenes:
        names = [group.category for group in scene.groups]
        assert len(set(names)) == len(names)
        cells = [placed.cell for group in scene.groups for placed in group.objects]
        assert len(set(cells)) == len(cells)


def test_no_answer_fills_half_of_the_counting_questions(scenes: list[Scene]) -> None:
    counts = Counter(group.count for scene in scenes for group in scene.groups)
    assert counts.most_common(1)[0][0] == 1
    assert 0.30 < counts[1] / counts.total() < 0.45
    assert set(counts) == set(range(1, 10))


def test_a_third_of_the_groups_is_small(scenes: list[Scene]) -> None:
    sizes = Counter(group.size for scene in scenes for group in scene.groups)
    assert 0.26 < sizes["small"] / sizes.total() < 0.34


def test_crowds_are_rare_and_of_another_category(scenes: list[Scene]) -> None:
    crowded = [scene for scene in scenes if scene.crowd]
    assert 0.005 < len(crowded) / len(scenes) < 0.03
    for scene in crowded:
        assert scene.crowd is not None
        assert scene.crowd.category not in [group.category for group in scene.groups]
        assert scene.crowd.cell not in [placed.cell for group in scene.groups for placed in group.objects]


def test_objects_stay_inside_the_image_and_near_their_cell(scenes: list[Scene]) -> None:
    for scene in scenes:
        for group in scene.groups:
            for placed in group.objects:
                assert 0 <= placed.x <= IMAGE_SIZE - placed.extent
                assert 0 <= placed.y <= IMAGE_SIZE - placed.extent
                middle = (2 * placed.x + placed.extent, 2 * placed.y + placed.extent)
                assert (middle[0] // 32, middle[1] // 32) == (placed.column, placed.row)


@pytest.mark.parametrize(("style", "least", "most"), [("coco", 59, 67), ("vcr", 35, 45), ("varied", 35, 67)])
def test_styles_differ_in_light(draws: Draws, style: Style, least: int, most: int) -> None:
    lights = [sample_scene(draws, style).light.brightness for _ in range(300)]
    assert least <= min(lights)
    assert max(lights) <= most


def test_flat_scenes_show_every_count_often(draws: Draws) -> None:
    counts = Counter(sample_scene(draws, "vcr", flat=True).groups[0].count for _ in range(1800))
    assert min(counts[number] for number in range(1, 10)) > 140


@pytest.mark.parametrize("label", CATEGORY_NAMES)
def test_a_label_dominates_its_scene(draws: Draws, label: str) -> None:
    for _ in range(40):
        first, *others = sample_labelled_scene(draws, label).groups
        assert (first.category, first.size) == (label, "large")
        assert 1 <= first.count <= 4
        assert first.objects[0].cell == 4
        assert [other.size for other in others] == ["small"] * len(others)


def test_scenes_of_another_split_are_drawn_again(draws: Draws) -> None:
    known, new = sample_scene(draws, "coco"), sample_scene(draws, "coco")
    queue = iter([known, known, new])
    assert sample_until_new(lambda: next(queue), frozenset([known.signature])) == new
