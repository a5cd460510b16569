"""Finds photographs by id below image folders, and decodes them; truncated ones are refused."""

import io
import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from PIL import Image

from vistok.errors import VistokError
from vistok.reading import refuse_endless

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
# The image formats accepted, by content; Pillow would try some forty, and start Ghostscript for one of them.
PHOTOGRAPHS: Final = ("JPEG", "PNG")
FORMATS: Final = (*PHOTOGRAPHS, "WEBP")
_NUMBERED = re.compile(r"(?<!\d)(\d{12})\.(?:jpe?g|png)", re.IGNORECASE)
# A JPEG takes at least one bit per block of 8 x 8 pixels; Pillow fills missing data with grey.
_PIXELS_PER_BYTE: Final = 8 * 64
_UNDECODABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


class UnusableImageError(VistokError):
    """A listed image that is missing or cannot be read or decoded."""


def id_in_name(file_name: str) -> int | None:
    """Returns the id, of twelve digits, that a COCO file name ends in, whatever its prefix; None for other names."""
    match = _NUMBERED.search(file_name)
    return int(match[1]) if match and match.end() == len(file_name) else None


class ImageIndex:
    """The images of some folders below a root; an earlier folder goes before a later one.

    A folder that does not exist holds no images: whether one may be missing is up to the caller.
    """

    def __init__(self, root: Path, folders: Sequence[str]) -> None:
        self.root = root
        self.folders = tuple(folders)
        self._names: dict[Path, frozenset[str]] = {}

    def find(self, image_id: int | str) -> Path | None:
        """Returns an image's file, None if there is none.

        Args:
            image_id: an integer finds any file whose name ends in the 12-digit id (val2017's and val2014's
                names); a text is a path below a folder (VCR's), and never leaves it.
        """
        if isinstance(image_id, int):
            return self._numbered.get(image_id)
        relative = PurePosixPath(image_id)
        if relative.is_absolute() or ".." in relative.parts:
            return None
        paths = (self.root / folder / relative for folder in self.folders)
        return next((path for path in paths if self._holds(path)), None)

    def _holds(self, path: Path) -> bool:
        # A folder is listed once: to ask a shared disk for each of a million photographs takes an hour.
        if path.parent not in self._names:
            self._names[path.parent] = _file_names(path.parent)
        return path.name in self._names[path.parent]

    def require(self, image_id: int | str) -> Path:
        """Returns an image's file.

        Raises:
            UnusableImageError: there is none.
        """
        if path := self.find(image_id):
            return path
        folders = ", ".join(str(self.root / folder) for folder in self.folders)
        name = f"*{image_id:012d}.jpg" if isinstance(image_id, int) else image_id
        raise UnusableImageError(
            f"image {image_id!r} not found: no file {name} in {folders or 'any folder'}. "
            "Fetch the image, or correct the folder in the scale's file."
        )

    @cached_property
    def _numbered(self) -> dict[int, Path]:
        by_number: dict[int, Path] = {}
        for folder in (self.root / name for name in self.folders):
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                number = id_in_name(path.name)
                if number is not None:
                    by_number.setdefault(number, path)
        return by_number


def _file_names(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def image_bytes(path: Path, *, what: str) -> bytes:
    """Returns the bytes of an image file, which may be of any kind.

    Raises:
        UnusableImageError: the file is missing or cannot be read.
    """
    with _explained(path, what):
        return _read(path, what)


def load_image(source: Path | bytes, *, what: str) -> Image.Image:
    """Returns the decoded RGB image of a file, or of a file's bytes; `what` names it in the error text.

    An orientation tag is not applied and transparency is dropped, as the released code does. Of 16 bits per pixel the
    upper 8 are kept, as Pillow does of 16-bit colours.

    Raises:
        UnusableImageError: the file is missing, truncated, or none of `FORMATS`.
    """
    with _explained(source, what, FORMATS), _opened(source, FORMATS, what) as image:
        image.load()
        if image.mode.startswith("I;16"):
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
        if image.mode == "P" and "transparency" in image.info:
            return image.convert("RGBA").convert("RGB")
        return image.convert("RGB")


def check_image(source: Path | bytes, *, what: str, formats: Sequence[str] = PHOTOGRAPHS) -> None:
    """Refuses what `load_image` refuses, in half the time: JPEGs are decoded at an eighth of their size.

    Raises:
        UnusableImageError: the file is missing, truncated, or of another format.
    """
    with _explained(source, what, formats), _opened(source, formats, what) as image:
        image.draft("RGB", (max(image.width // 8, 1), max(image.height // 8, 1)))
        image.load()


def image_size(data: bytes, *, what: str) -> tuple[int, int]:
    """Returns width and height in pixels as an image file's header states them; nothing is decoded.

    Raises:
        UnusableImageError: the bytes are no image.
    """
    with _explained(data, what, PHOTOGRAPHS), _opened(data, PHOTOGRAPHS, what) as image:
        return image.size


def _read(path: Path, what: str) -> bytes:
    refuse_endless(path, what=what)
    return path.read_bytes()


def _opened(source: Path | bytes, formats: Sequence[str], what: str) -> Image.Image:
    data = source if isinstance(source, bytes) else _read(source, what)
    image = Image.open(io.BytesIO(data), formats=tuple(formats))
    if image.format == "JPEG" and image.width * image.height > _PIXELS_PER_BYTE * len(data):
        raise ValueError(
            f"{len(data)} bytes cannot hold the {image.width} x {image.height} pixels of its header"
        )
    return image


@contextmanager
def _explained(source: Path | bytes, what: str, formats: Sequence[str] = PHOTOGRAPHS) -> Iterator[None]:
    where = "" if isinstance(source, bytes) else f" in {source}"
    try:
        yield
    except FileNotFoundError as error:
        raise UnusableImageError(
            f"{what} not found{where}. Check the path, or the scale's data_root."
        ) from error
    except _UNDECODABLE as error:
        # Pillow's message for a non-image contains a buffer's address, which differs from run to run.
        reason = "not an image" if "cannot identify image file" in str(error) else str(error)
        raise UnusableImageError(
            f"{what}{where} cannot be decoded: {reason}. "
            f"Legal: a whole {' or '.join(formats)} file. It may be truncated, or of another format: fetch or make it "
            "again."
        ) from error
