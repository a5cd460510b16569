"""Boxes find the tokens that lie in them, whatever stands before the grid."""

import numpy as np
import pytest

from vistok.datasets.coco import ObjectAnnotation
from vistok.errors import VistokError
from vistok.probes.cells import grid_side, object_boxes, tokens_in, whitened_rows


def test_boxes_are_shares_of_their_image_and_crowds_are_left_out() -> None:
    objects = [
        [ObjectAnnotation("cat", (10, 0, 30, 20), False), ObjectAnnotation("cat", (0, 0, 40, 80), True)],
        [],
        [ObjectAnnotation("ant", (60, 20, 80, 20), False)],
    ]
    cells = object_boxes(objects, [(40, 80), (1, 1), (120, 60)])
    assert cells.images.tolist() == [0, 2]
    assert np.allclose(cells.boxes, [[0.25, 0, 1, 0.25], [0.5, 1 / 3, 1, 2 / 3]])  # cut at the image's edge
    assert [cells.categories[number] for number in cells.category] == ["cat", "ant"]
    assert cells.attributes["place"].tolist() == [1, 5]


def test_what_else_is_told_of_all_objects_is_known() -> None:
    red, blue = (("color", "red"), ("size", "small")), (("color", "blue"),)
    objects = [
        [
            ObjectAnnotation("cat", (0, 0, 4, 4), False, red),
            ObjectAnnotation("cat", (12, 9, 4, 4), False, blue),
        ],
        [ObjectAnnotation("ant", (12, 0, 4, 4), False, red)],
    ]
    cells = ["sand", "sand", "grass", "sand", "stone", "sand", "sand", "sand", "grass"]
    image = (("background", "sand"), *((f"backgrounds.{index}", word) for index, word in enumerate(cells)))
    known = object_boxes(objects, [(16, 16)] * 2, [image] * 2).attributes
    assert known.keys() == {"category", "place", "color", "background"}  # one object tells no size
    assert known["color"].tolist() == [1, 0, 1]
    assert known["place"].tolist() == [0, 8, 2] and known["background"].tolist() == [1, 0, 0]
    whole = object_boxes(objects, [(16, 16)] * 2, [(("background", "sand"),), (("background", "grass"),)])
    assert whole.attributes["background"].tolist() == [1, 1, 0]
    assert (
        "background" not in object_boxes(objects, [(16, 16)] * 2, [(("background", "sand"),), ()]).attributes
    )


def test_a_set_without_objects_is_refused() -> None:
    with pytest.raises(VistokError, match="none of the 2 images has an annotated object"):
        object_boxes([[], [ObjectAnnotation("cat", (0, 0, 4, 8), True)]], [(8, 8), (8, 8)])


def test_a_box_has_the_tokens_whose_centres_it_holds() -> None:
    boxes = [(0, 0, 2, 1), (1.6, 1.6, 0.8, 0.3), (0, 0, 4, 4)]
    cells = object_boxes([[ObjectAnnotation("cat", box, False)] for box in boxes], [(4, 4)] * 3)
    grid = np.arange(16.0).reshape(1, 16, 1).repeat(3, axis=0)
    tokens = np.concatenate([np.full((3, 1, 1), 99.0), grid], axis=1)  # behind a class token
    # The second box holds no centre of a patch: its own centre lies in row 1, column 2.
    assert tokens_in(tokens, cells)[:, 0].tolist() == [0.5, 6.0, 7.5]
    assert tokens_in(grid, cells)[:, 0].tolist() == [0.5, 6.0, 7.5]


@pytest.mark.parametrize(("tokens", "side"), [(10, 3), (197, 14), (257, 16), (261, 16), (196, 14), (1, 1)])
def test_the_grid_stands_behind_tokens_of_no_place(tokens: int, side: int) -> None:
    assert grid_side(tokens) == side


def test_tokens_of_no_grid_are_refused() -> None:
    with pytest.raises(VistokError, match="440 tokens per image are not a square grid"):
        grid_side(440)


def test_rows_lose_their_own_mean_and_deviation() -> None:
    from torch import from_numpy
    from torch.nn.functional import layer_norm

    tokens = np.random.default_rng(0).normal(2, 3, (2, 3, 8))
    assert np.allclose(whitened_rows(tokens), layer_norm(from_numpy(tokens), (8,)).numpy())
