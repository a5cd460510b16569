import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from vistok.world.catalog import COLORS
from vistok.world.draws import Draws
from vistok.world.render import encode_jpegs, render
from vistok.world.sampling import sample_scene
from vistok.world.scene import Group, Scene


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
    for _ in range(60):
        scene = sample_scene(draws, "coco")
        group = scene.groups[0]
        if group.category in ("ring", "ladder", "half moon") or group.size == "small":
            continue
        placed = group.objects[0]
        image = render([alone(scene, replace(group, objects=(placed,)))])[0].astype(int)
        middle = image[placed.y + placed.extent // 2, placed.x + placed.extent // 2]
        nearest = min(COLORS, key=lambda name: int(np.abs(middle - np.array(COLORS[name])).sum()))
        assert nearest == group.color


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


PINNED = "858e8860fefcbbb153f7d533064365498f384f1dcd0be4267fdba7bdd12cb541"


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
