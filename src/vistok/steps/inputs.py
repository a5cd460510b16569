"""The digests of a step's inputs: they go into its provenance, and into the identity of a saved training."""

from collections.abc import Iterable
from pathlib import Path

from vistok.datasets.manifest import MANIFEST, Manifest
from vistok.files import digest_file, digest_value
from vistok.provenance import PROVENANCE, content_digest, read_provenance


def input_digests(paths: Iterable[Path]) -> dict[str, str]:
    """Returns a digest for each file or folder, by its path.

    An artefact's provenance is trusted here; whoever loads the artefact checks every byte.

    Raises:
        VistokError: a provenance.json was changed.
    """
    return {path.as_posix(): _digest(path) for path in paths}


def _digest(path: Path) -> str:
    if not path.is_dir():
        return digest_file(path)
    if (path / MANIFEST).is_file():
        # Shards may be terabytes: they are verified as they are read.
        return Manifest.read(path).digest
    if (path / PROVENANCE).is_file():
        return content_digest(read_provenance(path))
    files = (file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    return digest_value({file.relative_to(path).as_posix(): digest_file(file) for file in sorted(files)})
