import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from vistok.world.catalog import CATEGORY_NAMES, COLORS
from vistok.world.draws import Draws
from vistok.world.parts import dark_part
from vistok.world.render import _object_paint, encode_jpegs, render
from vistok.world.sampling import sample_scene
from vistok.world.scene import Group, Scene
from vistok.world.shapes import object_sprite


def alone(scene: Scene, *groups: Group) -> Scene:
    return replace(scene, groups=groups, crowd=None, marks=())


def touched(scene: Scene, blank: Scene) -> tuple[int, int, int, int]:
    """Returns the tight box of the pixels that differ between two scenes."""
    first, second = render([scene, blank]).astype(int)
    rows, columns = np.nonzero(np.abs(first - second).sum(axis=-1))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_boxes_tightly_contain_the_rendered_objects(scenes: list[Scene]) -> None:
    for scene in scenes[:120]:
        noiseless = replace(scene, light=replace(scene.light, noise=0))
        for group in scene.groups:
            for placed, box in zip(group.objects, group.boxes(), strict=True):
                shown = touched(alone(noiseless, replace(group, objects=(placed,))), alone(noiseless))
                # A pixel that a shape covers by a 16th may keep its colour after rounding.
                assert all(abs(a - b) <= 1 for a, b in zip(shown, box, strict=True)), (group, box, shown)
                assert shown[0] >= box[0]
                assert shown[1] >= box[1]
                assert shown[2] <= box[2]
                assert shown[3] <= box[3]


def test_a_crowd_stays_in_its_box(scenes: list[Scene]) -> None:
    for scene in [scene for scene in scenes if scene.crowd][:10]:
        assert scene.crowd is not None
        box = scene.crowd.box()
        shown = touched(replace(scene, groups=(), marks=()), alone(scene))
        assert shown[0] >= box[0]
        assert shown[3] <= box[3]


def test_the_middle_of_an_object_has_its_colour(draws: Draws) -> None:
    """However it is lit, its lit part is nearest to its own colour among all colours as they are lit there."""
    right = []
    for _ in range(120):
        scene = sample_scene(draws, "coco")
        group = scene.groups[0]
        if group.category in ("ring", "ladder", "half moon") or group.size == "small":
            continue
        placed = group.objects[0]
        image = render([alone(scene, replace(group, objects=(placed,)))])[0].astype(int)
        y, x = (start + placed.extent // 2 - 1 for start in (placed.y, placed.x))
        middle = image[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))
        hues = {name: np.array(color) / sum(color) for name, color in COLORS.items()}
        nearest = min(hues, key=lambda name: float(np.abs(middle / middle.sum() - hues[name]).sum()))
        right.append(nearest == group.color)
    assert len(right) > 40
    assert np.mean(right) > 0.95


def test_each_category_has_a_dark_part_of_its_own() -> None:
    parts = {name: dark_part(name, 15) for name in CATEGORY_NAMES}
    assert len({part.tobytes() for part in parts.values()}) == len(CATEGORY_NAMES)
    for name, part in parts.items():
        shown = object_sprite(name, 15).fill[..., 0] > 0
        assert 0.1 < part[shown].mean() < 0.9


def test_a_dark_part_has_half_of_the_colour() -> None:
    plain = object_sprite("square", 15).fill[2, 7, 0]
    _, cover = _object_paint("square", 15, "white", 256)
    assert plain == 16
    assert (cover[2, 7] // 16).tolist() == [240] * 3
    assert (cover[12, 7] // 16).tolist() == [120] * 3


def test_an_image_does_not_depend_on_its_batch(scenes: list[Scene]) -> None:
    together = render(scenes[:150])
    assert together.shape == (150, 48, 48, 3)
    for position in (0, 63, 64, 149):
        np.testing.assert_array_equal(render([scenes[position]])[0], together[position])


def test_pixels_are_pinned() -> None:
    """The renderer is exact: these digests hold on every machine."""
    source = Draws(np.random.Generator(np.random.PCG64(42)))
    pixels = render([sample_scene(source, "varied") for _ in range(100)])
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == PINNED


PINNED = "9b61e55d22af8732169a43076a3710580755a9f0a618a89d2ff2ffa05c9565e2"


@pytest.mark.parametrize("count", [0, 1, 65])
def test_jpegs_decode_to_nearly_the_same_pixels(scenes: list[Scene], count: int) -> None:
    files = list(encode_jpegs(scenes[:count]))
    assert len(files) == count
    for data, pixels in zip(files, render(scenes[:count]), strict=True):
        image = Image.open(io.BytesIO(data))
        assert (image.format, image.size, image.mode) == ("JPEG", (48, 48), "RGB")
        assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 4


def test_the_dark_style_is_darker_and_paler(draws: Draws) -> None:
    bright = render([sample_scene(draws, "coco") for _ in range(100)]).astype(float)
    dark = render([sample_scene(draws, "vcr") for _ in range(100)]).astype(float)
    assert dark.mean() < 0.75 * bright.mean()
    assert np.ptp(dark, axis=-1).mean() < np.ptp(bright, axis=-1).mean()
