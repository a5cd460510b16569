"""The log of a build: one line per job, the time left, and errors last."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from time import monotonic
from typing import Final

from vistok.errors import printable
from vistok.workflow.expected import Expected

WIDTH: Final = 160
# A job that is to take longer has a line when it starts, too.
_LONG: Final = 90.0
_ROWS_SHOWN: Final = 3


@dataclass
class Report:
    """The lines of one build."""

    expected: Expected
    clock: Callable[[], float] = monotonic
    _names: dict[int, str] = field(default_factory=dict)
    _done: int = 0
    _failed: list[str] = field(default_factory=list)

    def opened(self) -> list[str]:
        """Returns the first line: how much there is to do."""
        expected = self.expected
        return [
            f"{len(expected.seconds)} jobs, {expected.cores} at a time: {_about(expected.left(self.clock()))} by the "
            "plan; the time left is corrected as jobs end. Each job's own output is in logs/."
        ]

    def started(self, number: int, name: str) -> list[str]:
        """Notes that a job has started, but for the target's own; returns a line where it will take long."""
        if name not in self.expected.seconds:
            return []
        self._names[number] = name
        self.expected.start(name, self.clock())
        seconds = self.expected.of(name)
        return [_cut(f"{self._counter()}  {name} has started: {_about(seconds)}")] if seconds > _LONG else []

    def ended(self, number: int) -> list[str]:
        """Notes that a job is done; returns its line."""
        name = self._names.get(number)
        if name is None:
            return []
        now = self.clock()
        taken, self._done = self.expected.end(name, now), self._done + 1
        left = self.expected.left(now)
        return [
            _cut(f"{self._counter()}  {name}, {_short(taken)}" + (f"; {_about(left)} left" if left else ""))
        ]

    def failed(self, number: int, rule: str, logs: Sequence[str]) -> list[str]:
        """Notes that a job has failed; returns its line. All of its error stands behind all others, see `errors`."""
        name = self._names.get(number, rule)
        if number in self._names:
            self.expected.end(name, self.clock())
        line = f"{name} has FAILED: {why(logs)}"
        self._failed += [*wrap(line, WIDTH, subsequent_indent="  "), *(f"  its log: {path}" for path in logs)]
        return [_cut(line)]

    def errors(self) -> list[str]:
        """Returns, once, what failed and why, with the log of each."""
        failed, self._failed = self._failed, []
        return failed

    def _counter(self) -> str:
        total = len(self.expected.seconds)
        return f"[{self._done:>{len(str(total))}}/{total}]"


def why(logs: Sequence[str]) -> str:
    """Returns the last sentence of vistok in a job's logs, or else their last line."""
    lines = [line for path in logs if Path(path).is_file() for line in _lines(Path(path))]
    sentences = [line for line in lines if line.startswith("vistok: ")]
    return printable((sentences or lines or ["its log is empty"])[-1])


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]


def results(tables: Iterable[str]) -> list[str]:
    """Returns where each table is and its first numbers: three rows of a table alone; of several a row each, beside it.

    Args:
        tables: the files that were asked for, of all formats.
    """
    made = [path for path in map(Path, tables) if path.is_file()]
    shown = [path for path in made if path.suffix == ".csv"]
    pages = [path for path in made if path.suffix == ".html"]
    pages += [path for path in shown if path.with_suffix(".html") not in made]
    lines = []
    for path in pages:
        table = path.with_suffix(".csv")
        rows = _rows(table) if table in shown else []
        if len(shown) > 1 and rows:
            lines.append(_cut(f"{path}  {rows[0]}"))
        else:
            lines += [f"{path}", *(_cut(f"  {row}") for row in rows[:_ROWS_SHOWN])]
            more = len(rows) - _ROWS_SHOWN
            lines += [f"  and {more} more rows"] if more > 0 else []
    return lines


def _rows(path: Path) -> list[str]:
    rows: dict[str, list[str]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for cell in csv.DictReader(stream):
            if cell.get("ours"):
                rows.setdefault(cell["run"].partition(" ")[0], []).append(
                    f"{cell['column']} {float(cell['ours']):.1f}"
                )
    return [f"{run}: {', '.join(cells)}" for run, cells in rows.items()]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def _short(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _about(seconds: float) -> str:
    """Returns a time in words, no more exact than it is known."""
    if seconds < 90:
        return f"about {max(10 * round(seconds / 10), 10)} s"
    if seconds < 5400:
        return f"about {seconds / 60:.1f} min"
    return f"about {seconds / 3600:.1f} h"
