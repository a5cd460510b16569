"""Parquet files of image rows, whose every byte has a checksum: how they are written, and read at random."""

import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from vistok.datasets.rows import ImageRow, to_table
from vistok.errors import VistokError

# A row group is the least that can be read: a few photographs, or some hundred small images.
_GROUP_BYTES: Final = 1 << 19
_GROUP_ROWS: Final = 1024
# What a reader keeps: a file's footer takes a megabyte of memory, and a millisecond to read.
_FILES_KEPT: Final = 16
_TABLE_BYTES_KEPT: Final = 1 << 25


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a file, from `start` to `end`: a row group, or the footer (which has no rows)."""

    rows: int
    start: int
    end: int
    crc32: int


@dataclass(frozen=True, slots=True)
class RowGroup:
    """The place of a row group: its first row's position in the set, its file, its number in it, and its bytes."""

    first_row: int
    file: int
    number: int
    piece: Piece


def write_file(rows: Iterable[ImageRow], schema: pa.Schema, path: Path) -> list[Piece]:
    """Writes rows to one Parquet file and returns its pieces: the row groups, and the footer last.

    Image bytes are compressed already. Pages have Parquet's own checksums, which any reader can verify; those of
    the pieces also cover what it has none for: the headers of pages, and the footer.
    """
    plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(path, schema, write_page_checksum=True, **plain) as writer:
        for group in _groups(rows):
            writer.write_table(to_table(group, schema), row_group_size=len(group))
    return _pieces(path)


def _groups(rows: Iterable[ImageRow]) -> Iterator[list[ImageRow]]:
    group: list[ImageRow] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row.image)
        if size >= _GROUP_BYTES or len(group) >= _GROUP_ROWS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _pieces(path: Path) -> list[Piece]:
    """Cuts a file into its row groups and its footer; nothing lies between them."""
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    ends = [0, *(_end(group) for group in groups), path.stat().st_size]
    counts = [*(group.num_rows for group in groups), 0]
    with path.open("rb") as file:
        return [
            Piece(rows, start, end, zlib.crc32(file.read(end - start)))
            for rows, (start, end) in zip(counts, pairwise(ends), strict=True)
        ]


def _end(group: pq.RowGroupMetaData) -> int:
    columns = (group.column(number) for number in range(group.num_columns))
    return max(int(column.data_page_offset + column.total_compressed_size) for column in columns)


class OpenFiles:
    """Parquet files as one process reads them: the footers and row groups that it used last stay in memory."""

    def __init__(self, footers: Sequence[tuple[Path, Piece]]) -> None:
        self._footers = footers
        self._files: OrderedDict[int, pq.ParquetFile] = OrderedDict()
        self._tables: OrderedDict[int, pa.Table] = OrderedDict()
        self._bytes = 0

    def group(self, group: RowGroup) -> pa.Table:
        """Returns a whole row group.

        Raises:
            VistokError: the file is missing or cut, or one of the bytes has changed.
        """
        if group.first_row in self._tables:
            self._tables.move_to_end(group.first_row)
            return self._tables[group.first_row]
        path, _ = self._footers[group.file]
        with _explained(path):
            _check(path, group.piece)
            table = self._open(group.file).read_row_group(group.number, use_threads=False)
        self._tables[group.first_row] = table
        self._bytes += table.nbytes
        while self._bytes > _TABLE_BYTES_KEPT and len(self._tables) > 1:
            self._bytes -= self._tables.popitem(last=False)[1].nbytes
        return table

    def column(self, group: RowGroup, name: str) -> pa.ChunkedArray:
        """Returns one column of a row group, of which nothing else is read.

        Raises:
            VistokError: as `group` does, of the column's pages.
        """
        with _explained(self._footers[group.file][0]):
            file = self._open(group.file)
            return file.read_row_group(group.number, columns=[name], use_threads=False)[name]

    def _open(self, file: int) -> pq.ParquetFile:
        if file not in self._files:
            path, footer = self._footers[file]
            _check(path, footer)
            # Arrow's threads do not survive the fork of a DataLoader's worker: no buffering ahead.
            self._files[file] = pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True)
            if len(self._files) > _FILES_KEPT:
                self._files.popitem(last=False)
        self._files.move_to_end(file)
        return self._files[file]


def _check(path: Path, piece: Piece) -> None:
    with path.open("rb") as file:
        file.seek(piece.start)
        if zlib.crc32(file.read(piece.end - piece.start)) != piece.crc32:
            raise OSError(f"the bytes {piece.start} to {piece.end} are not those that were written")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise VistokError(f"{path} is damaged: {error}. Make the shards again.") from error
