"""The manifest of a folder of shards: its files with their digests, and their contents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import ValidationError

from vistok.datasets.parquet import Piece
from vistok.errors import VistokError
from vistok.files import digest_file, digest_value, write_json
from vistok.grid.value import Value
from vistok.reading import read_json

# Parquet readers pass over names that start so.
MANIFEST: Final = "_manifest.json"
_VERSION: Final = 1
Unusable = Literal["absent", "broken"]
AGAIN: Final = "Make the shards again."


class ShardFile(Value):
    """One Parquet file; `footer` is where its footer starts, `footer_crc32` the checksum of what follows."""

    name: str
    rows: int
    bytes: int
    sha256: str
    footer: int
    footer_crc32: int

    @property
    def footer_piece(self) -> Piece:
        return Piece(0, self.footer, self.bytes, self.footer_crc32)


class Manifest(Value):
    """Everything known about a folder of shards without opening one.

    Attributes:
        format: what this file is, and the version of the layout.
        rows: images, in all files.
        rows_with: how many images have a label, captions, objects, questions.
        categories: the names that labels (by their positions) and objects refer to.
        sources: digests of the annotation files that the rows were read from, by their paths below the data root.
        files: the Parquet files, in the order of their rows.
        indexes: digests of the index files.
        unusable: the ids of listed images that have no row, with the reason.
    """

    format: Literal["vistok shards"] = "vistok shards"
    version: Literal[1] = 1
    rows: int
    rows_with: Mapping[str, int]
    categories: tuple[str, ...]
    sources: Mapping[str, str]
    files: tuple[ShardFile, ...]
    indexes: Mapping[str, str]
    unusable: Mapping[str, Unusable] = {}

    @property
    def digest(self) -> str:
        """The digest of everything that the shards hold, through those of their files."""
        return digest_value(self._entries())

    def write(self, folder: Path) -> None:
        write_json(folder / MANIFEST, {**self._entries(), "digest": self.digest})

    def _entries(self) -> dict[str, Any]:
        # A set with nothing left out keeps the digest of earlier versions.
        return self.model_dump(mode="json", exclude=set() if self.unusable else {"unusable"})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads the manifest of a folder, and compares the names and sizes of its files with it.

        Raises:
            VistokError: there is none, it was changed, or it is not of the folder's files.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise VistokError(f"no shards in {folder}: no {MANIFEST} is there. Make the shards first.")
        entries = read_json(path, what="manifest of shards")
        digest = entries.pop("digest", None) if isinstance(entries, dict) else None
        try:
            manifest = cls.model_validate(entries)
        except ValidationError as error:
            raise VistokError(f"{path} is not a manifest of shards of version {_VERSION}. {AGAIN}") from error
        if manifest.digest != digest:
            raise VistokError(f"{path} is not as it was written: its own digest is another. {AGAIN}")
        manifest._compare(folder)
        return manifest

    def _compare(self, folder: Path) -> None:
        present = {path.name: path.stat().st_size for path in folder.glob("*.parquet")}
        listed = {file.name: file.bytes for file in self.files}
        for name in sorted(present.keys() | listed.keys()):
            if present.get(name) != listed.get(name):
                raise VistokError(
                    f"{folder / name} has {present.get(name, 'no')} bytes, and {listed.get(name, 'none')} by "
                    f"{MANIFEST}. {AGAIN}"
                )


def damaged_files(folder: Path) -> list[str]:
    """Reads a folder of shards whole and returns the names of its files that are not as they were written.

    Raises:
        VistokError: its manifest cannot be trusted.
    """
    manifest = Manifest.read(folder)
    digests = {file.name: file.sha256 for file in manifest.files} | dict(manifest.indexes)
    return [name for name, digest in digests.items() if digest_file(folder / name) != digest]
