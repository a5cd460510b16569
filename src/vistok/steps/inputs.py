"""The digests of what a step starts from: they go into its provenance, and into the identity of a saved training."""

from collections.abc import Iterable
from pathlib import Path

from vistok.datasets.manifest import MANIFEST, Manifest
from vistok.files import digest_file, digest_value

# What tells how a checkpoint came to be, and differs from run to run.
_ABOUT = frozenset({"provenance.json"})


def input_digests(paths: Iterable[Path]) -> dict[str, str]:
    """Returns a digest for each file or folder, by its path."""
    return {path.as_posix(): _digest(path) for path in paths}


def _digest(path: Path) -> str:
    if not path.is_dir():
        return digest_file(path)
    if (path / MANIFEST).is_file():
        return Manifest.read(
            path
        ).digest  # shards may be terabytes: what is read of them is verified as it is read
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name not in _ABOUT)
    return digest_value({file.relative_to(path).as_posix(): digest_file(file) for file in files})
