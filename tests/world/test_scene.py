from dataclasses import replace

from vistok.world.scene import Group, Light, Placement, Scene, relation

LIGHT = Light(64, 64, 8)


def group(*cells: int, category: str = "ring") -> Group:
    objects = tuple(Placement(cell, 16 * (cell % 3) + 1, 16 * (cell // 3) + 1, 14, 256) for cell in cells)
    return Group(category, "red", "large", objects)


def scene(*groups: Group) -> Scene:
    return Scene("sand", groups, None, (), LIGHT, 1)


def test_relation_needs_all_of_both_groups() -> None:
    assert relation(group(0, 3), group(1, 5)) == "left of"
    assert relation(group(1, 5), group(0, 3)) == "right of"
    assert relation(group(0, 1), group(3, 7)) == "above"
    assert relation(group(3, 7), group(0, 1)) == "below"
    assert relation(group(0, 4), group(1, 5)) is None


def test_relation_is_none_where_two_would_hold() -> None:
    assert relation(group(0), group(8)) is None


def test_signature_ignores_order_and_what_is_not_an_object() -> None:
    first, second = (
        scene(group(0, 4), group(2, category="star")),
        scene(group(2, category="star"), group(4, 0)),
    )
    assert first.signature == second.signature
    assert replace(first, seed=2, light=Light(1, 2, 3)).signature == first.signature
    assert replace(first, background="grass").signature != first.signature
    assert scene(group(0, 5)).signature != scene(group(0, 4)).signature


def test_boxes_move_with_the_object() -> None:
    (near,), (far,) = group(0).boxes(), group(8).boxes()
    assert tuple(a - b for a, b in zip(far, near, strict=True)) == (32, 32, 32, 32)
