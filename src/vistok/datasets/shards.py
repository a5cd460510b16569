"""Image sets as Parquet shards: files of bounded size, one row per image, read at random by position or id.

A folder of shards holds `part-*.parquet`, `_manifest.json`, which lists them with their digests, and an index of
their row groups and image ids. Every byte that is read is compared with a checksum.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from vistok.datasets.images import UnusableImageError, check_image, load_image
from vistok.datasets.manifest import Manifest, ShardFile, Unusable
from vistok.datasets.parquet import OpenFiles, write_file
from vistok.datasets.row_index import Index, IndexWriter
from vistok.datasets.rows import PARTS, ImageRow, Source, from_table, schema_of
from vistok.datasets.sources import open_source
from vistok.errors import VistokError
from vistok.files import digest_file, staged_folder
from vistok.grid.image_sets import ImageSet

# Small enough to read a file's footer at once, large enough for a million photographs to be a thousand files.
_FILE_ROWS = 10_000
_FILE_BYTES = 1 << 26


def write_shards(image_set: ImageSet, root: Path, out: Path, *, rows_per_file: int = _FILE_ROWS) -> int:
    """Gathers an image set below the data root into shards, all of them or none.

    The same set gives the same bytes. Every image is decoded once, so that a truncated one is found here and not in
    the middle of training. As many images as the set says may be absent or broken: they are left out, and the
    manifest names them. Those that are absent are counted before the first one is read.

    Returns:
        the number of images.

    Raises:
        VistokError: a file of the set is missing or malformed, more images than the set allows are absent or
            broken, or the folder cannot be written.
    """
    source, where = open_source(image_set, root), f" of {root / image_set.images}"
    digests = {name: _digest(root / name) for name in image_set.files}
    if len(absent := source.absent()) > image_set.unusable:
        raise _too_many(image_set, f"{len(absent)} of its images are absent{where}, the first {absent[0]!r}")
    left_out: dict[str, Unusable] = {}
    return write_rows(
        _usable(source, image_set, where, left_out),
        out,
        categories=source.categories,
        rows_per_file=rows_per_file,
        where=where,
        digests=digests,
        left_out=left_out,
    )


def _usable(
    source: Source, image_set: ImageSet, where: str, left_out: dict[str, Unusable]
) -> Iterator[ImageRow]:
    for image in source.listed:
        try:
            row = image.read()
            check_image(row.image, what=f"image {row.image_id}{where}", formats=source.formats)
        except UnusableImageError as error:
            left_out[image.image_id] = "absent" if image.absent else "broken"
            if len(left_out) > image_set.unusable:
                raise _too_many(
                    image_set, f"{len(left_out)} of its images cannot be used: {error}"
                ) from error
            continue
        yield row


def _too_many(image_set: ImageSet, problem: str) -> VistokError:
    return VistokError(
        f"{problem.rstrip('.')}. The set allows {image_set.unusable}: fetch what is missing (vistok doctor lists all "
        "that is absent), or raise `unusable` of its entry in the scale's file to have it left out."
    )


def _digest(path: Path) -> str:
    if not path.is_file():
        raise VistokError(f"file not found: {path}. Check the image set, or the scale's data_root.")
    return digest_file(path)


def write_rows(
    rows: Iterable[ImageRow],
    out: Path,
    *,
    categories: Sequence[str] = (),
    rows_per_file: int = _FILE_ROWS,
    where: str = "",
    digests: Mapping[str, str] | None = None,
    left_out: Mapping[str, Unusable] | None = None,
) -> int:
    """Writes rows as they are to a folder of shards, which appears whole or not at all; returns their number.

    Args:
        where: what an error text calls the set.
        digests: those of the annotation files that the rows were read from.
        left_out: images of the set that are no rows; looked at once all rows are written.

    Raises:
        VistokError: there is no row, or the folder cannot be written.
    """
    schema = schema_of(categories)
    with staged_folder(out) as partial:
        counted = _CountedRows(rows)
        files = [
            _write_part(number, part, schema, partial, counted.index)
            for number, part in enumerate(_parts(counted, rows_per_file))
        ]
        if not files:
            raise VistokError(
                f"no images for {out}: the set{where} is empty. Check its entry in the scale's file."
            )
        manifest = Manifest(
            rows=counted.index.rows,
            rows_with={part: counted.rows_with[part] for part in PARTS},
            categories=tuple(categories),
            sources=digests or {},
            files=tuple(files),
            indexes=counted.index.write(partial),
            unusable=left_out or {},
        )
        manifest.write(partial)
    return manifest.rows


@dataclass
class _CountedRows:
    """The rows of a set on their way into files."""

    rows: Iterable[ImageRow]
    index: IndexWriter = field(default_factory=IndexWriter)
    rows_with: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[ImageRow]:
        for row in self.rows:
            self.index.add_id(row.image_id)
            self.rows_with.update(part for part in PARTS if getattr(row, part) not in (None, ()))
            yield row


def _parts(rows: Iterable[ImageRow], rows_per_file: int) -> Iterator[Iterator[ImageRow]]:
    """Yields the rows of one file after the other; each must be consumed before the next is asked for."""
    left = iter(rows)

    def part(first: ImageRow) -> Iterator[ImageRow]:
        count = size = 0
        for row in chain([first], left):
            yield row
            count, size = count + 1, size + len(row.image)
            if count == rows_per_file or size >= _FILE_BYTES:
                return

    for first in left:
        yield part(first)


def _write_part(
    number: int, rows: Iterator[ImageRow], schema: pa.Schema, folder: Path, index: IndexWriter
) -> ShardFile:
    path = folder / f"part-{number:05d}.parquet"
    *groups, footer = write_file(rows, schema, path)
    index.add_groups(number, groups)
    return ShardFile(
        name=path.name,
        rows=sum(group.rows for group in groups),
        bytes=footer.end,
        sha256=digest_file(path),
        footer=footer.start,
        footer_crc32=footer.crc32,
    )


class Shards:
    """A folder of shards; no file is opened before it is needed, and every process opens its own."""

    def __init__(self, path: Path) -> None:
        """Reads the manifest.

        Raises:
            VistokError: the folder is missing or has none, or its files are not those that were written.
        """
        self.path = path
        self.manifest = Manifest.read(path)
        self._opened: tuple[int, Index, OpenFiles] | None = None

    def __len__(self) -> int:
        return self.manifest.rows

    def __iter__(self) -> Iterator[ImageRow]:
        index, files = self._open()
        for group in range(index.groups):
            yield from from_table(files.group(index.locate(group)))

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_opened": None}

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the set's categories, which labels and objects refer to; () for sets without."""
        return self.manifest.categories

    def row(self, position: int) -> ImageRow:
        """Returns one image by its position.

        Raises:
            IndexError: the position is not in 0..len-1.
            VistokError: its file is damaged.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"row {position} of {len(self)} in {self.path}")
        index, files = self._open()
        group = index.locate(index.group_of(position))
        return from_table(files.group(group).slice(position - group.first_row, 1))[0]

    def by_id(self, image_id: int | str) -> ImageRow:
        """Returns one image by its official id.

        Raises:
            VistokError: no image, or more than one, has it.
        """
        index, _ = self._open()
        rows = [self.row(position) for position in index.candidates(str(image_id))]
        match [row for row in rows if row.image_id == str(image_id)]:
            case [row]:
                return row
            case []:
                raise VistokError(
                    f"image {image_id!r} is not among the {len(self)} of {self.path}. "
                    "Make the shards again if the questions have changed since."
                )
        raise VistokError(f"image {image_id!r} stands in several rows of {self.path}: take it by position.")

    def column(self, name: str) -> Iterator[Any]:
        """Yields one column's values in row order, such as the captions; no image is read."""
        index, files = self._open()
        for group in range(index.groups):
            yield from files.column(index.locate(group), name).to_pylist()

    def decoded(self, row: ImageRow) -> Image.Image:
        """Returns the RGB image of one of the set's rows.

        Raises:
            VistokError: it cannot be decoded.
        """
        return load_image(row.image, what=f"image {row.image_id} of {self.path}")

    def _open(self) -> tuple[Index, OpenFiles]:
        # File handles survive neither pickling nor a fork: each DataLoader worker opens its own.
        process = os.getpid()
        if self._opened is None or self._opened[0] != process:
            footers = [(self.path / file.name, file.footer_piece) for file in self.manifest.files]
            self._opened = process, Index(self.path, self.manifest), OpenFiles(footers)
        _, index, files = self._opened
        return index, files
