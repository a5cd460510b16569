"""Parquet files of image rows: how they are written, and how one process reads them at random."""

import bisect
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vistok.datasets.rows import ImageRow, categories_in, from_table, to_table
from vistok.errors import VistokError

# A row group is the least that can be read: a few photographs, or some hundred small images.
_GROUP_BYTES = 1 << 19
_GROUP_ROWS = 1024
_GROUPS_KEPT = 64


def write_file(rows: Iterable[ImageRow], schema: pa.Schema, path: Path) -> int:
    """Writes rows to one Parquet file and returns their number; image bytes are compressed already."""
    count = 0
    plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(path, schema, **plain) as writer:
        for group in _groups(rows):
            writer.write_table(to_table(group, schema), row_group_size=len(group))
            count += len(group)
    return count


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


class OpenFiles:
    """The files of one shard folder, opened in one process; the row groups read last stay in memory."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Reads the footers.

        Raises:
            VistokError: a file is truncated, or is no shard.
        """
        self._files = {path: self._open(path) for path in paths}
        self._groups = [
            (path, group) for path, file in self._files.items() for group in range(file.num_row_groups)
        ]
        sizes = [self._files[path].metadata.row_group(group).num_rows for path, group in self._groups]
        self._starts: list[int] = [0, *np.cumsum(sizes).tolist()]
        self._recent: OrderedDict[int, pa.Table] = OrderedDict()
        self.categories = categories_in(next(iter(self._files.values())).schema_arrow) or ()

    def __len__(self) -> int:
        return self._starts[-1]

    def ids(self) -> tuple[str, ...]:
        """Returns the image ids in row order; no image is read."""
        found: list[str] = []
        for path, file in self._files.items():
            with _explained(path):
                found += file.read(columns=["image_id"], use_threads=False)["image_id"].to_pylist()
        return tuple(found)

    def row(self, position: int) -> ImageRow:
        """Returns the row at a position in 0..len-1."""
        group = bisect.bisect_right(self._starts, position) - 1
        return from_table(self._group(group).slice(position - self._starts[group], 1))[0]

    def rows(self) -> Iterator[ImageRow]:
        """Yields all rows in order."""
        for group in range(len(self._groups)):
            yield from from_table(self._group(group))

    def _group(self, number: int) -> pa.Table:
        if number in self._recent:
            self._recent.move_to_end(number)
        else:
            path, group = self._groups[number]
            with _explained(path):
                # Arrow's threads do not survive the fork of a DataLoader's worker.
                self._recent[number] = self._files[path].read_row_group(group, use_threads=False)
            if len(self._recent) > _GROUPS_KEPT:
                self._recent.popitem(last=False)
        return self._recent[number]

    @staticmethod
    def _open(path: Path) -> pq.ParquetFile:
        with _explained(path):
            file = pq.ParquetFile(path, pre_buffer=False)
        if categories_in(file.schema_arrow) is None:
            raise VistokError(f"{path} is a Parquet file, but no shard of images. Make the shards again.")
        return file


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise VistokError(f"{path} is no whole Parquet file: {error}. Make the shards again.") from error
