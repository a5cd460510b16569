"""Image sets as Parquet shards: a few large files, one row an image, read at random by position or id."""

import os
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np

from vistok.datasets.images import ImageIndex, check_image, image_bytes, load_image
from vistok.datasets.parquet import OpenFiles, write_file
from vistok.datasets.preprocessing import Pixels, squash
from vistok.datasets.rows import ImageRow, Source, schema_of
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.files import staged_folder
from vistok.grid.scale import ImageSet


def write_shards(image_set: ImageSet, root: Path, out: Path, *, rows_per_file: int = 10_000) -> int:
    """Gathers an image set below the data root into shards, which appear whole or not at all.

    The same set gives the same bytes. Every image is decoded once, so that a truncated one is refused here
    and not in the middle of training.

    Returns:
        the number of images.

    Raises:
        VistokError: a file or image of the set is missing or malformed, or the folder cannot be written.
    """
    return _write(open_source(image_set, root), out, rows_per_file, f" of {root / image_set.images}")


def write_image_shards(
    ids: Iterable[int | str], index: ImageIndex, out: Path, *, rows_per_file: int = 10_000
) -> int:
    """Gathers the images that questions are about, each once and in the order of `ids`, into shards.

    Returns:
        the number of images.

    Raises:
        VistokError: an image is missing, truncated or no image, or the folder cannot be written.
    """
    rows = (
        ImageRow(str(image_id), image_bytes(index.require(image_id), what=f"image {image_id}"))
        for image_id in dict.fromkeys(ids)
    )
    return _write(Source((), rows), out, rows_per_file, f" of {index.root}")


def _write(source: Source, out: Path, rows_per_file: int, where: str) -> int:
    schema = schema_of(source.categories)
    count = 0
    with staged_folder(out) as partial:
        rows = _checked(source.rows, where)
        for number, first in enumerate(rows):
            part = chain([first], islice(rows, rows_per_file - 1))
            count += write_file(part, schema, partial / f"part-{number:05d}.parquet")
        if not count:
            raise VistokError(
                f"no images for {out}: the set{where} is empty. Check its entry in the scale's file."
            )
    return count


def _checked(rows: Iterator[ImageRow], where: str) -> Iterator[ImageRow]:
    for row in rows:
        check_image(row.image, what=f"image {row.image_id}{where}")
        yield row


class Shards:
    """A folder of shards; nothing is opened before it is needed, and every process opens its own files."""

    def __init__(self, path: Path) -> None:
        """Finds the files.

        Raises:
            VistokError: the folder is missing or has none.
        """
        self.path = path
        self._paths = sorted(path.glob("part-*.parquet"))
        if not self._paths:
            raise VistokError(f"no shards in {path}: no file part-*.parquet is there. Make the shards first.")
        self._opened: tuple[int, OpenFiles] | None = None
        self._positions: dict[str, int] = {}

    def __len__(self) -> int:
        """The number of images, by the files' footers alone."""
        return len(self._files)

    def __iter__(self) -> Iterator[ImageRow]:
        return self._files.rows()

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_opened": None}

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the set's categories, which labels and objects refer to; () for sets without."""
        return self._files.categories

    @property
    def ids(self) -> tuple[str, ...]:
        """The image ids, in row order."""
        return self._files.ids()

    def row(self, position: int) -> ImageRow:
        """Returns one image by its position.

        Raises:
            IndexError: the position is not in 0..len-1.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"row {position} of {len(self)} in {self.path}")
        return self._files.row(position)

    def by_id(self, image_id: int | str) -> ImageRow:
        """Returns one image by its official id.

        Raises:
            VistokError: no image, or more than one, has it.
        """
        if not self._positions:
            self._positions = {asked: position for position, asked in enumerate(self.ids)}
            if len(self._positions) < len(self):
                raise VistokError(
                    f"{self.path}: some image ids stand in several rows. Make the shards again."
                )
        if (position := self._positions.get(str(image_id))) is None:
            raise VistokError(
                f"image {image_id!r} is not among the {len(self)} of {self.path}. "
                "Make the shards again if the questions have changed since."
            )
        return self.row(position)

    def pixels(self, size: int) -> Pixels:
        """Returns all images decoded and squashed: [n, size, size, 3]. It is for sets that fit in memory.

        Raises:
            VistokError: an image cannot be decoded.
        """
        pixels = np.empty((len(self), size, size, 3), dtype=np.uint8)
        for position, row in enumerate(self):
            what = f"image {row.image_id} of {self.path}"
            pixels[position] = squash(load_image(row.image, what=what), size)
        return pixels

    @property
    def _files(self) -> OpenFiles:
        # Handles survive neither a pickle nor a fork: a DataLoader's worker opens its own.
        process = os.getpid()
        if self._opened is None or self._opened[0] != process:
            self._opened = process, OpenFiles(self._paths)
        return self._opened[1]
