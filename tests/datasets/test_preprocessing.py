from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from vistok.datasets.images import load_image
from vistok.datasets.preprocessing import STATISTICS, Preprocessing, channels_first, crop_box, squash
from vistok.grid.tokenizers import Normalisation


@pytest.fixture(scope="module")
def photograph(shared_data: Path) -> Image.Image:
    return load_image(shared_data / "coco/val2017/000000000802.jpg", what="photograph")


def test_evaluation_squashes_the_whole_image(photograph: Image.Image) -> None:
    result = Preprocessing(224, "clip").evaluation(photograph)
    assert result.shape == (3, 224, 224)
    assert result.dtype == np.float32
    pixels = np.asarray(photograph.resize((224, 224), Image.Resampling.BICUBIC)) / 255
    mean, deviation = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    expected = ((pixels - mean) / deviation).transpose(2, 0, 1)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_imagenet_statistics() -> None:
    grey = np.full((1, 2, 2, 3), 128, dtype=np.uint8)
    result = Preprocessing(2, "imagenet").normalise(grey)[0, :, 0, 0]
    np.testing.assert_allclose(result, [0.07406, 0.20518, 0.42649], atol=1e-5)


def test_siglip_statistics() -> None:
    ends = np.array([0, 255], dtype=np.uint8).repeat(3).reshape(1, 1, 2, 3)
    result = Preprocessing(2, "siglip").normalise(ends)
    assert result.tolist() == [[[[-1.0, 1.0]]] * 3]


def test_every_normalisation_has_its_statistics() -> None:
    for name in get_args(Normalisation):
        assert Preprocessing(2, name).normalise(np.zeros((1, 2, 2, 3), dtype=np.uint8)).shape == (1, 3, 2, 2)


def test_an_image_of_the_right_size_keeps_its_pixels(photograph: Image.Image) -> None:
    pixels = squash(photograph, 48)
    assert np.array_equal(squash(Image.fromarray(pixels), 48), pixels)


def test_a_batch_is_normalised_as_its_images_are(photograph: Image.Image) -> None:
    preprocessing = Preprocessing(32, "imagenet")
    pixels = np.stack([squash(photograph, 32), squash(photograph.rotate(90), 32)])
    batch = preprocessing.normalise(pixels)
    assert batch.shape == (2, 3, 32, 32)
    assert batch.flags["C_CONTIGUOUS"]
    assert np.array_equal(batch[0], preprocessing.evaluation(photograph))


def test_a_flipped_image_is_evaluations_or_its_mirror(photograph: Image.Image) -> None:
    preprocessing = Preprocessing(48, "clip")
    pixels = squash(photograph, 48)
    whole = channels_first(pixels)
    generator = np.random.default_rng(0)
    assert np.array_equal(preprocessing.flip(pixels, generator, horizontal_flip=False), whole)
    drawn = [preprocessing.flip(pixels, generator) for _ in range(40)]
    flipped = [np.array_equal(image, whole[:, :, ::-1]) for image in drawn]
    assert all(flip or np.array_equal(image, whole) for flip, image in zip(flipped, drawn, strict=True))
    assert 8 < sum(flipped) < 32


@pytest.mark.parametrize("size", [(640, 424), (424, 640), (48, 48)])
def test_crop_boxes_keep_area_and_aspect_in_their_ranges(size: tuple[int, int]) -> None:
    generator = np.random.default_rng(3)
    areas = []
    for _ in range(300):
        left, top, right, bottom = crop_box(*size, (0.2, 0.9), generator)
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        areas.append((right - left) * (bottom - top) / (size[0] * size[1]))
        assert 0.70 < (right - left) / (bottom - top) < 1.42
    assert 0.18 < min(areas) < 0.3
    assert 0.75 < max(areas) < 0.92


def test_an_image_too_narrow_for_any_crop_gives_its_centre() -> None:
    assert crop_box(10, 1000, (0.9, 1.0), np.random.default_rng(0)) == (0, 493, 10, 506)


def test_the_statistics_are_timm_s() -> None:
    from timm.data import constants

    assert {
        "imagenet": (constants.IMAGENET_DEFAULT_MEAN, constants.IMAGENET_DEFAULT_STD),
        "clip": (constants.OPENAI_CLIP_MEAN, constants.OPENAI_CLIP_STD),
        "siglip": (constants.IMAGENET_INCEPTION_MEAN, constants.IMAGENET_INCEPTION_STD),
    } == STATISTICS
