"""A digest list: every file at a path with its name, size, time and SHA-256, read once and compared from then on.

Official data is large and nothing pins it. To compare names, sizes and times takes a second per 100,000 files; only
`write`, for files that are new or changed, and `changed_content` read them.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from vistok.errors import VistokError
from vistok.files import digest_file, staged_file, write_json
from vistok.pins import TIMESTAMP

_THREADS: Final = 8
_BROKEN: Final = (ValueError, TypeError, KeyError, UnicodeDecodeError)


class State(NamedTuple):
    """A file's size in bytes and modification time in nanoseconds: enough to compare files without reading them."""

    size: int
    modified: int


class Listed(NamedTuple):
    """One line of a list."""

    state: State
    digest: str


@dataclass(frozen=True)
class DigestList:
    """The list of one source.

    Attributes:
        source: a file, or a folder with all that is in it.
        summary: a small JSON file: the digest of names and contents, the same wherever and whenever they lie there.
        suffixes: of the files that count; None: all.
    """

    source: Path
    summary: Path
    suffixes: frozenset[str] | None = None

    @property
    def lines(self) -> Path:
        """The list itself: JSON Lines, the time of the source first, then `[name, bytes, time, SHA-256]`."""
        return self.summary.with_suffix(".jsonl")

    def write(self) -> str:
        """Writes both files and returns the digest. Files whose size and time are as listed are not read again.

        Raises:
            VistokError: the source is missing, or a file cannot be written.
        """
        if not self.source.exists():
            raise VistokError(f"{self.source} is not there, so its files cannot be listed.")
        before = self._read() if self.lines.is_file() else {}
        now, modified = self._states(), self.source.stat().st_mtime_ns
        digests = self._digests(now, before)
        entries = {name: Listed(now[name], digests[name]) for name in sorted(now)}
        with staged_file(self.lines) as partial, partial.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps({"modified": modified}) + "\n")
            stream.writelines(
                json.dumps([name, *line.state, line.digest]) + "\n" for name, line in entries.items()
            )
        summary = {
            "digest": _digest(entries),
            "files": len(entries),
            "bytes": sum(line.state.size for line in entries.values()),
        }
        if self._summary() != summary:
            write_json(self.summary, summary)  # needed: its modification time counts too
        return str(summary["digest"])

    def seems_unchanged(self) -> bool:
        """Tells, from the time of the source alone, whether it may still be as listed; True if nothing is listed."""
        if not self.lines.is_file() or not self.source.exists():
            return True
        with self.lines.open(encoding="utf-8") as stream:
            try:
                listed = json.loads(stream.readline())["modified"]
            except _BROKEN:
                return False
        return bool(listed == self.source.stat().st_mtime_ns)

    def differences(self) -> list[str]:
        """Returns what differs from the list, by names, sizes and times; nothing if there is no list."""
        if not self.lines.is_file():
            return []
        listed, now = self._read(), self._states()
        gone = [f"{self._named(name)} is gone" for name in sorted(listed.keys() - now.keys())]
        new = [f"{self._named(name)} is new" for name in sorted(now.keys() - listed.keys())]
        common = sorted(listed.keys() & now.keys())
        return (
            gone
            + new
            + [f"{self._named(name)} has changed" for name in common if listed[name].state != now[name]]
        )

    def changed_content(self) -> list[str]:
        """Reads every file; returns those whose content differs from the list, and all `differences`."""
        differences = self.differences()
        if not self.lines.is_file():
            return differences
        listed, now = self._read(), self._states()
        same = [name for name, line in listed.items() if now.get(name) == line.state]
        digests = self._digests({name: now[name] for name in same}, {})
        rotten = [name for name in sorted(same) if digests[name] != listed[name].digest]
        return differences + [
            f"{self._named(name)} has other bytes, at the same size and time" for name in rotten
        ]

    def _summary(self) -> object:
        try:
            return json.loads(self.summary.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    def _states(self) -> dict[str, State]:
        return {
            name: state
            for name, state in _states(self.source)
            if not name or self.suffixes is None or Path(name).suffix in self.suffixes
        }

    def _named(self, name: str) -> str:
        return str(self.source / name if name else self.source)

    def _digests(self, now: dict[str, State], before: dict[str, Listed]) -> dict[str, str]:
        unchanged = {name: line.digest for name, line in before.items() if now.get(name) == line.state}
        unread = sorted(now.keys() - unchanged.keys())
        with ThreadPoolExecutor(min(_THREADS, len(os.sched_getaffinity(0)))) as threads:
            read = threads.map(lambda name: digest_file(self.source / name if name else self.source), unread)
            return unchanged | dict(zip(unread, read, strict=True))

    def _read(self) -> dict[str, Listed]:
        try:
            with self.lines.open(encoding="utf-8") as stream:
                next(stream)
                rows = (json.loads(line) for line in stream)
                return {name: Listed(State(size, time), digest) for name, size, time, digest in rows}
        except (*_BROKEN, StopIteration) as error:
            raise VistokError(
                f"{self.lines} is not a list of files: {error}. Remove it, and list them again."
            ) from error


def _digest(entries: dict[str, Listed]) -> str:
    digest = hashlib.sha256()
    for name, line in entries.items():
        digest.update(f"{json.dumps(name)} {line.digest}\n".encode())
    return digest.hexdigest()


def _states(source: Path) -> Iterator[tuple[str, State]]:
    """Yields every file at a path by its name below it; the name of a file that is itself the source is empty."""
    if source.is_dir():
        yield from _below(source, "")
    elif source.exists():
        yield "", _state(source.stat())


def _below(
    folder: Path, prefix: str, above: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[str, State]]:
    """Follows links to folders, as readers do, but not into a folder that holds the link."""
    own = folder.stat()
    above |= {(own.st_dev, own.st_ino)}
    with os.scandir(folder) as entries:
        listing = list(entries)
    for entry in listing:
        if entry.is_dir():
            inside = entry.stat()
            if (inside.st_dev, inside.st_ino) not in above:
                yield from _below(Path(entry.path), f"{prefix}{entry.name}/", above)
        elif entry.is_file() and entry.name != TIMESTAMP:
            yield prefix + entry.name, _state(entry.stat())


def _state(status: os.stat_result) -> State:
    return State(status.st_size, status.st_mtime_ns)
