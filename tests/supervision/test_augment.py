"""Augmentations against values worked out by hand, and image by image."""

import colorsys

import numpy as np
import pytest
import torch

from vistok.supervision import augment
from vistok.supervision.draws import Draws


def some_images(count: int = 5, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_from_bytes_scales_and_moves_the_channels() -> None:
    pixels = np.zeros((1, 2, 2, 3), np.uint8)
    pixels[0, 1, 0] = [255, 51, 0]
    images = augment.from_bytes(pixels)
    assert images.shape == (1, 3, 2, 2)
    assert torch.allclose(images[0, :, 1, 0], torch.tensor([1.0, 0.2, 0.0]))


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [("imagenet", 0.485, 0.229), ("clip", 0.48145466, 0.26862954), ("siglip", 0.5, 0.5)],
)
def test_normalise_takes_the_published_statistics(name: str, mean: float, deviation: float) -> None:
    images = torch.full((1, 3, 2, 2), 0.75)
    assert augment.normalise(images, name)[0, 0, 0, 0].item() == pytest.approx(
        (0.75 - mean) / deviation, rel=1e-5
    )


def test_a_crop_of_everything_changes_nothing() -> None:
    uncropped = augment.random_crop(
        some_images(), Draws.whole(0, 5), 16, (1.0, 1.0), ratio=(1.0, 1.0), flip=0.0
    )
    assert torch.allclose(uncropped, some_images(), atol=1e-5)


def test_a_flip_mirrors_left_and_right() -> None:
    flipped = augment.random_crop(
        some_images(), Draws.whole(0, 5), 16, (1.0, 1.0), ratio=(1.0, 1.0), flip=1.0
    )
    assert torch.allclose(flipped, some_images().flip(3), atol=1e-5)


def test_crops_stay_inside_and_have_the_asked_area() -> None:
    # A plane whose values are its coordinates tells where each crop came from.
    axis = (torch.arange(64) + 0.5) / 64
    plane = torch.stack([axis.expand(64, 64), axis.view(64, 1).expand(64, 64), torch.zeros(64, 64)])
    crops = augment.random_crop(plane.repeat(400, 1, 1, 1), Draws.whole(0, 400), 32, (0.1, 0.4), flip=0.0)
    across, down = (crops[:, channel].amax((1, 2)) - crops[:, channel].amin((1, 2)) for channel in (0, 1))
    areas = (across * down) * (32 / 31) ** 2
    assert 0.09 < areas.min() < 0.12
    assert 0.38 < areas.max() < 0.42
    assert (across / down).min() > 0.9 * 3 / 4
    assert crops[:, :2].min() < 0.05
    assert crops[:, :2].max() > 0.95


def test_an_aligned_crop_is_whole_patches_moved_by_a_pixel_and_maybe_mirrored() -> None:
    images = some_images(300, 24)
    crops = augment.aligned_crop(images, Draws.whole(0, 300), 16, 8)
    seen = set()
    for image, crop in zip(images, crops, strict=True):
        framed = torch.nn.functional.pad(image[None], (1, 1, 1, 1), mode="replicate")[0]
        (place,) = [
            (row, column, down, across, mirrored)
            for row in (0, 8)
            for column in (0, 8)
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
            for mirrored in (False, True)
            if torch.equal(
                crop.flip(2) if mirrored else crop,
                framed[:, row + down + 1 : row + down + 17, column + across + 1 : column + across + 17],
            )
        ]
        seen.add(place)
    assert len(seen) > 70  # 72 there are, less what 300 draws miss
    assert {place[4] for place in seen} == {False, True}


def test_an_aligned_crop_of_everything_can_be_the_image_itself() -> None:
    uncropped = augment.aligned_crop(some_images(), Draws.whole(0, 5), 16, 8, flip=0.0, shift=0)
    assert torch.equal(uncropped, some_images())


def test_jitter_of_no_strength_changes_nothing() -> None:
    kept = augment.colour_jitter(some_images(), Draws.whole(0, 5), strength=0, hue=0, grey=0)
    assert torch.allclose(kept, some_images(), atol=1e-5)


def test_grey_images_have_one_value_a_pixel_their_luma() -> None:
    grey = augment.colour_jitter(some_images(), Draws.whole(0, 5), strength=0, hue=0, grey=1)
    luma = (some_images() * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    assert torch.allclose(grey, luma.expand_as(grey), atol=1e-5)


def test_half_a_turn_of_hue_makes_red_cyan() -> None:
    red = torch.tensor([0.6, 0.35, 0.35]).view(1, 3, 1, 1)
    turned = augment._colour_matrices(np.ones(1), np.array([np.pi]))[0] @ red.flatten().double().numpy()
    hue, _, _ = colorsys.rgb_to_hsv(*turned)
    assert hue == pytest.approx(0.5, abs=0.03)
    assert turned @ [0.299, 0.587, 0.114] == pytest.approx(
        float(red.flatten() @ torch.tensor([0.299, 0.587, 0.114]))
    )


def test_brightness_and_contrast_follow_their_formula() -> None:
    image = some_images(1) * 0.3 + 0.3

    draws = Draws.whole(3, 1)
    brightness, contrast, saturation = _drawn(3, strength=0.2)
    changed = augment.colour_jitter(image, draws, strength=0.2, hue=0, grey=0, probability=1.0)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    bright = image * brightness
    luma = (bright * weights).sum(1, keepdim=True)
    expected = (luma + saturation * (bright - luma) - luma.mean()) * contrast + luma.mean()
    assert torch.allclose(changed, expected, atol=1e-4)


def _drawn(seed: int, strength: float) -> list[float]:
    chance = np.random.default_rng(seed)
    chance.random(1)
    return [chance.uniform(1 - share, 1 + share, 1).item() for share in (strength, strength, strength / 2)]


def test_each_image_gets_its_own_draw() -> None:
    same = some_images(1).repeat(6, 1, 1, 1)
    jittered = augment.colour_jitter(same, Draws.whole(0, 6), strength=0.4, hue=0.1, grey=0, probability=1)
    assert len({round(image.sum().item(), 3) for image in jittered}) == 6


def test_blur_spreads_a_point_and_keeps_its_sum() -> None:
    point = torch.zeros(2, 3, 9, 9)
    point[:, :, 4, 4] = 1.0
    blurred = augment.blur(point, Draws.whole(0, 2), deviation=1.0, probability=np.array([1.0, 0.0]))
    assert torch.equal(blurred[1], point[1])
    assert blurred[0].sum().item() == pytest.approx(3.0, abs=1e-5)
    side, centre, corner = blurred[0, 0, 4, 3], blurred[0, 0, 4, 4], blurred[0, 0, 3, 3]
    assert 0 < side < centre
    assert corner.item() == pytest.approx((side**2 / centre).item(), rel=1e-4)  # a Gaussian is separable


def test_solarise_inverts_the_bright_half_of_chosen_images() -> None:
    images = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).repeat(2, 1, 1, 1)
    solarised = augment.solarise(images, Draws.whole(0, 2), probability=np.array([1.0, 0.0]))
    assert torch.allclose(solarised[0].flatten(), torch.tensor([0.2, 0.5, 0.1]))
    assert torch.equal(solarised[1], images[1])


def test_a_window_is_whole_patches_of_the_images() -> None:
    images = some_images(2, 24)
    places = set()
    for seed in range(30):
        window = augment.random_window(images, Draws.whole(seed, 2), patch=8, patches=2)
        found = [
            (row, column)
            for row in (0, 8)
            for column in (0, 8)
            if torch.equal(window, images[:, :, row : row + 16, column : column + 16])
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) == 4
