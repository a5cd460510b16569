import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vistok.datasets.images import (
    PHOTOGRAPHS,
    ImageIndex,
    check_image,
    id_in_name,
    image_size,
    load_image,
)
from vistok.errors import VistokError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("000000000802.jpg", 802), ("COCO_val2014_000000000802.jpg", 802), ("000000000802.JPEG", 802),
        ("802.jpg", None), ("000000000802.json", None), ("000000000802.jpg.part", None),
        ("1000000000802.jpg", None), ("x0000000000802.jpg", None),
    ],
)  # fmt: skip
def test_ids_in_names(name: str, expected: int | None) -> None:
    assert id_in_name(name) == expected


def test_finds_photographs_of_either_naming(shared_data: Path) -> None:
    index = ImageIndex(shared_data, ["coco/val2017", "vqa/images"])
    assert index.find(802) == shared_data / "coco/val2017/000000000802.jpg"
    assert index.find(262148) == shared_data / "vqa/images/COCO_val2014_000000262148.jpg"
    assert index.find(803) is None


def test_finds_paths_below_a_folder_and_never_above(tmp_path: Path) -> None:
    image = tmp_path / "vcr1images/lsmdc_1/a@0.jpg"
    image.parent.mkdir(parents=True)
    image.touch()
    (tmp_path / "secret.jpg").touch()
    index = ImageIndex(tmp_path, ["absent", "vcr1images"])
    assert index.find("lsmdc_1/a@0.jpg") == image
    assert index.find("lsmdc_1") is None
    assert index.find("../secret.jpg") is None
    assert index.find(str(tmp_path / "secret.jpg")) is None


def test_an_earlier_folder_goes_before_a_later_one(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "000000000001.jpg").touch()
    assert ImageIndex(tmp_path, ["b", "a"]).find(1) == tmp_path / "b/000000000001.jpg"


def test_a_required_image_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"image 7 not found: no file \*000000000007.jpg in .*/val2017"):
        ImageIndex(tmp_path, ["val2017"]).require(7)
    with pytest.raises(VistokError, match=r"image 'm/a.jpg' not found: no file m/a.jpg in any folder"):
        ImageIndex(tmp_path, []).require("m/a.jpg")


def test_decodes_official_photographs(shared_data: Path) -> None:
    path = shared_data / "coco/val2017/000000000802.jpg"
    image = load_image(path, what="photograph")
    assert (image.mode, image.size) == ("RGB", (424, 640))
    assert image.tobytes() == load_image(path.read_bytes(), what="photograph").tobytes()
    check_image(path, what="photograph")


@pytest.mark.parametrize("reader", [load_image, check_image])
def test_a_truncated_photograph_is_refused_wherever_it_ends(shared_data: Path, reader: object) -> None:
    content = (shared_data / "coco/val2017/000000000802.jpg").read_bytes()
    for kept in (
        0,
        1,
        2,
        100,
        1000,
        len(content) // 2,
        len(content) - 500,
        len(content) - 2,
        len(content) - 1,
    ):
        with pytest.raises(VistokError, match="photograph 802 cannot be decoded"):
            reader(content[:kept], what="photograph 802")


@pytest.mark.parametrize("reader", [load_image, check_image])
def test_a_truncated_png_is_refused(reader: object) -> None:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "PNG")
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(VistokError, match="cannot be decoded"):
            reader(stream.getvalue()[: int(share * stream.tell())], what="drawing")


def test_what_is_no_image(tmp_path: Path) -> None:
    page = tmp_path / "a.jpg"
    page.write_text("<html>not found</html>")
    with pytest.raises(
        VistokError, match=r"photograph in .*a.jpg cannot be decoded: not an image\. Legal: a whole"
    ):
        load_image(page, what="photograph")
    with pytest.raises(VistokError, match=r"photograph not found in .*b.jpg"):
        load_image(tmp_path / "b.jpg", what="photograph")
    with pytest.raises(VistokError, match="photograph"):
        load_image(tmp_path, what="photograph")


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGB", (4, 3), (250, 250, 250)).convert(mode).save(path)
    image = load_image(path, what="image")
    assert (image.mode, image.size) == ("RGB", (4, 3))
    assert np.asarray(image).min() >= 245


def test_a_transparent_palette_becomes_rgb(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.save(tmp_path / "a.png", transparency=b"\x00\x80")
    assert load_image(tmp_path / "a.png", what="image").getpixel((0, 0)) == (200, 100, 50)


def test_greys_of_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    image = np.asarray(load_image(tmp_path / "a.png", what="image"))
    assert image[0, :, 0].tolist() == [0, 0, 1, 128, 255]
    assert (image == image[..., :1]).all()
    check_image(tmp_path / "a.png", what="image")


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (7, 900), (900, 3), (8, 8)])
def test_thin_photographs_are_whole(size: tuple[int, int]) -> None:
    for kind in PHOTOGRAPHS:
        stream = io.BytesIO()
        Image.new("RGB", size, (9, 9, 9)).save(stream, kind)
        check_image(stream.getvalue(), what="image")
        assert load_image(stream.getvalue(), what="image").size == size
        assert image_size(stream.getvalue(), what="image") == size


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "GIF", "ICO", "PPM", "PCX", "TGA", "DDS", "EPS"])
def test_no_other_format_is_opened_whatever_its_name(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "a.jpg", kind)
    for read in (load_image, check_image):
        with pytest.raises(VistokError, match="cannot be decoded: not an image"):
            read(tmp_path / "a.jpg", what="image")
    with pytest.raises(VistokError, match="cannot be decoded: not an image"):
        image_size((tmp_path / "a.jpg").read_bytes(), what="image")


@pytest.mark.parametrize("look", [load_image, check_image, image_size])
def test_a_jpeg_whose_header_says_more_than_it_can_hold_is_refused(look: Any) -> None:
    small = io.BytesIO()
    Image.new("RGB", (64, 64), (90, 60, 30)).save(small, "JPEG")
    data = bytearray(small.getvalue())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = (8000).to_bytes(2, "big") * 2
    with pytest.raises(VistokError, match="cannot hold the 8000 x 8000 pixels"):
        look(bytes(data), what="photograph")


def test_a_plain_jpeg_of_one_colour_is_whole() -> None:
    plain = io.BytesIO()
    Image.new("L", (4000, 4000), 128).save(plain, "JPEG", optimize=True, quality=1)
    check_image(plain.getvalue(), what="photograph")
