from collections import Counter

import pytest

from vistok.world.catalog import BY_NAME, CATEGORY_NAMES, CELL, COLOR_NAMES, IMAGE_SIZE
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


def test_a_fifth_of_the_groups_is_small(scenes: list[Scene]) -> None:
    sizes = Counter(group.size for scene in scenes for group in scene.groups)
    assert 0.17 < sizes["small"] / sizes.total() < 0.23
    extents = {group.size: set[int]() for scene in scenes for group in scene.groups}
    for scene in scenes:
        for group in scene.groups:
            extents[group.size] |= {placed.extent for placed in group.objects}
    assert extents == {"large": {14, 15}, "small": {9, 10}}


def test_crowds_are_rare_and_of_another_category(scenes: list[Scene]) -> None:
    crowded = [scene for scene in scenes if scene.crowd]
    assert 0.005 < len(crowded) / len(scenes) < 0.03
    for scene in crowded:
        assert scene.crowd is not None
        assert scene.crowd.category not in [group.category for group in scene.groups]
        assert scene.crowd.cell not in [placed.cell for group in scene.groups for placed in group.objects]


def test_objects_stay_inside_the_image_and_a_pixel_from_the_middle_of_their_cell(scenes: list[Scene]) -> None:
    shifts: Counter[int] = Counter()
    for scene in scenes:
        for group in scene.groups:
            for placed in group.objects:
                assert 0 <= placed.x <= IMAGE_SIZE - placed.extent
                assert 0 <= placed.y <= IMAGE_SIZE - placed.extent
                margin = (CELL - placed.extent) // 2
                shifts[placed.x - CELL * placed.column - margin] += 1
                shifts[placed.y - CELL * placed.row - margin] += 1
    assert set(shifts) == {-1, 0, 1}
    assert min(shifts.values()) / shifts.total() > 0.25


def test_most_groups_have_their_category_s_colour_and_others_any(scenes: list[Scene]) -> None:
    groups = [group for scene in scenes for group in scene.groups]
    typical = [group for group in groups if group.color == BY_NAME[group.category].color]
    assert 0.72 < len(typical) / len(groups) < 0.78  # 70 %, and a sixth of the others by chance
    assert {group.color for group in groups if group.category == "star"} == set(COLOR_NAMES)


def test_text_can_have_colours_that_no_category_tells(draws: Draws) -> None:
    scenes = [sample_scene(draws, "vcr", typical=0) for _ in range(600)]
    groups = [group for scene in scenes for group in scene.groups]
    typical = sum(group.color == BY_NAME[group.category].color for group in groups)
    assert 0.13 < typical / len(groups) < 0.20


def test_a_crawled_picture_shows_fewer_groups(draws: Draws) -> None:
    groups = Counter(len(sample_scene(draws, "varied", web=True).groups) for _ in range(1500))
    assert set(groups) == {1, 2, 3, 4}
    assert 0.41 < groups[1] / groups.total() < 0.49
    assert 0.82 < (groups[1] + groups[2]) / groups.total() < 0.88


@pytest.mark.parametrize(("style", "least", "most"), [("coco", 59, 67), ("vcr", 35, 45), ("varied", 35, 67)])
def test_styles_differ_in_light(draws: Draws, style: Style, least: int, most: int) -> None:
    lights = [sample_scene(draws, style).light.brightness for _ in range(300)]
    assert least <= min(lights)
    assert max(lights) <= most


def test_flat_scenes_show_every_count_often(draws: Draws) -> None:
    counts = Counter(sample_scene(draws, "vcr", flat=True).groups[0].count for _ in range(1800))
    assert min(counts[number] for number in range(1, 10)) > 140


@pytest.mark.parametrize("label", CATEGORY_NAMES)
def test_a_labelled_scene_shows_its_label_first_and_most(draws: Draws, label: str) -> None:
    shown: Counter[str] = Counter()
    for _ in range(200):
        scene = sample_labelled_scene(draws, label)
        assert scene.groups[0].category == label
        shown.update(group.category for group in scene.groups[1:])
        assert scene.crowd is None
        counts = [group.count for group in scene.groups]
        assert 4 <= len(counts) <= 9
        assert set(counts) == {1}
        cells = [placed.cell for group in scene.groups for placed in group.objects]
        assert len(set(cells)) == len(cells)
    assert 0.11 < 1 - shown[label] / shown.total() < 0.19
    assert set(shown) == set(CATEGORY_NAMES)


def test_labelled_scenes_fill_the_grid_evenly_in_every_number_and_look(draws: Draws) -> None:
    """Neither where an object stands, nor how many there are, nor size tells the label; colour hints at it."""
    scenes = [sample_labelled_scene(draws, "star") for _ in range(2000)]
    groups = [group for scene in scenes for group in scene.groups]
    totals = Counter(sum(group.count for group in scene.groups) for scene in scenes)
    assert set(totals) == set(range(4, 10))
    cells = Counter(placed.cell for group in groups for placed in group.objects)
    stars = [group for group in groups if group.category == "star"]
    others = Counter(group.color for group in stars if group.color != BY_NAME["star"].color)
    for spread in (totals, cells, others):
        assert max(spread.values()) < 1.3 * min(spread.values())
    assert 0.72 < 1 - others.total() / len(stars) < 0.78
    assert {len({group.color for group in scene.groups}) for scene in scenes} >= {1, 2, 3, 4}
    sizes = Counter(group.size for group in groups)
    assert 0.17 < sizes["small"] / sizes.total() < 0.23
    assert {len({group.size for group in scene.groups}) for scene in scenes} == {1, 2}


def test_scenes_of_another_split_are_drawn_again(draws: Draws) -> None:
    known, new = sample_scene(draws, "coco"), sample_scene(draws, "coco")
    queue = iter([known, known, new])
    assert sample_until_new(lambda: next(queue), frozenset([known.signature])) == new
