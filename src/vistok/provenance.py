"""provenance.json: how an artefact was made, and the digests that its files are checked against."""

import importlib.metadata
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.files import digest_file, digest_value, staged_folder, write_json, write_text
from vistok.reading import read_json

PROVENANCE: Final = "provenance.json"
_SEAL: Final = "seal"
_PACKAGES: Final = ("accelerate", "numpy", "timm", "tokenizers", "torch", "transformers")


@dataclass
class Stopwatch:
    """Measures what the provenance of one step reports; no table is made from it."""

    started: float = field(default_factory=time.monotonic)

    def provenance(self, inputs: Mapping[str, str], **identity: str) -> dict[str, Any]:
        """Returns commit, package versions, hardware, seconds, peak memory (MiB) and input digests.

        Args:
            inputs: the digest of each input of the step.
            identity: what the artefact is: its `name`, and the `identity` of the work that made it.
        """
        return {
            **identity,
            "commit": commit(),
            "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
            "python": platform.python_version(),
            "machine": platform.machine(),
            "accelerator": _accelerator(),
            "seconds": round(time.monotonic() - self.started, 1),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "inputs": dict(sorted(inputs.items())),
        }

    def write(self, file: Path) -> None:
        """Writes what this process and those that it waited for took, as the one row of a table with tabs.

        Its columns are named as Snakemake's benchmarks, which sample, and only below a job's shell: wall seconds, the
        greatest resident memory of a process (MiB), processor seconds. It is for people and plans: where it cannot be
        written, it is left out.
        """
        used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        row = {
            "s": time.monotonic() - self.started,
            "max_rss": max(each.ru_maxrss for each in used) / 1024,
            "cpu_time": sum(each.ru_utime + each.ru_stime for each in used),
        }
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            values = "\t".join(f"{value:.2f}" for value in row.values())
            write_text(file, "\t".join(row) + f"\n{values}\n")


def commit() -> str | None:
    """Returns the commit of the checkout, marked if the working tree differs; None outside a checkout."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


def _accelerator() -> str | None:
    """Returns the name of the GPU, if the step has loaded PyTorch."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a JSON object with a digest of all the rest of it, so that later changes are noticed."""
    plain = json.loads(json.dumps(value))
    return {**plain, _SEAL: digest_value(plain)}


def unsealed(path: Path, value: object) -> dict[str, Any]:
    """Returns the sealed value.

    Args:
        path: the file that an error names.
        value: its value.

    Raises:
        VistokError: it was never sealed, or has been changed since.
    """
    if not isinstance(value, dict) or _SEAL not in value:
        raise _untrusted(path, "it carries no seal: it was not written by this version of vistok")
    rest = {key: entry for key, entry in value.items() if key != _SEAL}
    if digest_value(rest) != value[_SEAL]:
        raise _untrusted(path, "it was changed after it was written")
    return rest


@contextmanager
def proven_folder(folder: Path, about: Mapping[str, Any]) -> Iterator[Path]:
    """Yields a folder to fill; puts it at `folder`, on the disk itself, with a provenance.json that digests it.

    Raises:
        VistokError: as `staged_folder`.
    """
    with staged_folder(folder, durable=True) as partial:
        yield partial
        write_json(partial / PROVENANCE, sealed({**about, "files": _digests(partial)}))


def read_provenance(folder: Path) -> dict[str, Any]:
    """Returns an artefact's provenance, without reading its other files.

    Raises:
        VistokError: there is none, or it was changed.
    """
    path = folder / PROVENANCE
    about = unsealed(path, read_json(path, what="provenance"))
    if not isinstance(about.get("files"), dict) or not isinstance(about.get("inputs"), dict):
        raise _untrusted(path, "it names no files or no inputs")
    return about


def check_whole(folder: Path) -> dict[str, Any]:
    """Returns an artefact's provenance, after checking every byte of the artefact against it.

    Raises:
        VistokError: a file is missing, has changed, or was added since.
    """
    about = read_provenance(folder)
    written, present = about["files"], _digests(folder)
    for name in sorted(written.keys() | present.keys()):
        if name not in present:
            raise _untrusted(folder, f"{name} is missing")
        if name not in written:
            raise _untrusted(folder, f"{name} was not written with it")
        if present[name] != written[name]:
            raise _untrusted(folder, f"{name} is not what was written there: its SHA-256 is another")
    return about


def is_finished(folder: Path, identity: str) -> bool:
    """Returns whether the artefact of this identity is there, complete."""
    try:
        return (folder / PROVENANCE).is_file() and check_whole(folder).get("identity") == identity
    except VistokError:
        return False


def content_digest(about: Mapping[str, Any]) -> str:
    """Returns the digest of an artefact's content, which does not change when it is made again."""
    return digest_value(about["files"])


def _digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file of a folder but provenance.json and what is hidden, by relative path."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: digest_file(path)
        for name, path in sorted(files.items())
        if name != PROVENANCE and not path.name.startswith(".")
    }


def _untrusted(path: Path, reason: str) -> VistokError:
    return VistokError(
        f"{path} cannot be trusted: {reason}. Delete {path.parent if path.name == PROVENANCE else path} and make it "
        "again with snakemake."
    )
