"""The place of each row in a folder of shards, by position and by image id: two arrays that stay on disk."""

import hashlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vistok.datasets.manifest import AGAIN, Manifest
from vistok.datasets.parquet import Piece, RowGroup
from vistok.errors import VistokError
from vistok.files import digest_file

_GROUPS: Final = "_groups.npy"
_IDS: Final = "_ids.npy"
Numbers = NDArray[np.uint64]


class IndexWriter:
    """Collects the places of a set's rows, as its files are written."""

    def __init__(self) -> None:
        self._groups: list[tuple[int, ...]] = []
        self._ids = array("Q")
        self.rows = 0

    def add_id(self, image_id: str) -> None:
        self._ids.append(_hash(image_id))

    def add_groups(self, file: int, groups: Sequence[Piece]) -> None:
        for number, piece in enumerate(groups):
            self._groups.append((self.rows, file, number, piece.start, piece.end, piece.crc32))
            self.rows += piece.rows

    def write(self, folder: Path) -> dict[str, str]:
        """Writes the index files and returns their digests by their names."""
        groups = np.array(self._groups, dtype=np.uint64).T
        hashes = np.frombuffer(self._ids, dtype=np.uint64)
        order = np.argsort(hashes, kind="stable").astype(np.uint64)
        arrays = {_GROUPS: groups, _IDS: np.stack([hashes[order], order])}
        for name, values in arrays.items():
            np.save(folder / name, np.ascontiguousarray(values))
        return {name: digest_file(folder / name) for name in arrays}


class Index:
    """The place of each row of a set; both arrays stay on disk and are looked up there."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Opens the index files.

        Raises:
            VistokError: one is missing, or is not as it was written.
        """
        self._groups, self._ids = (self._open(folder, name, manifest) for name in (_GROUPS, _IDS))
        self._firsts = self._groups[0]
        self._rows = manifest.rows

    @staticmethod
    def _open(folder: Path, name: str, manifest: Manifest) -> Numbers:
        path = folder / name
        if not path.is_file() or digest_file(path) != manifest.indexes.get(name):
            raise VistokError(f"{path} is missing, or is not as it was written. {AGAIN}")
        # A plain view of the mapped file: numpy's own class of mapped arrays is slow to take apart.
        return np.asarray(np.load(path, mmap_mode="r"))

    @property
    def groups(self) -> int:
        return len(self._firsts)

    def group_of(self, position: int) -> int:
        """Returns the number of the row group that holds a row."""
        return int(np.searchsorted(self._firsts, np.uint64(position), side="right")) - 1

    def locate(self, group: int) -> RowGroup:
        """Returns the place of a row group."""
        first, file, number, start, end, crc32 = self._groups[:, group].tolist()
        after = int(self._firsts[group + 1]) if group + 1 < self.groups else self._rows
        return RowGroup(first, file, number, Piece(after - first, start, end, crc32))

    def candidates(self, image_id: str) -> list[int]:
        """Returns the positions of the rows that may have an image id: in nearly every case, of those that do."""
        hashes, positions = self._ids
        first, end = (np.searchsorted(hashes, np.uint64(_hash(image_id)), side) for side in ("left", "right"))
        return [int(position) for position in positions[first:end]]


def _hash(image_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(image_id.encode(), digest_size=8).digest(), "little")
