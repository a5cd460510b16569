"""Table 1 as pages: what the benchmark asks, as built here and as released, beside the printed statistics."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from vistok.files import write_text
from vistok.pages.escapes import spreadsheet
from vistok.pages.templating import render, show
from vistok.tables.benchmark import PrintedRow, Statistics

_HEAD = (
    "row",
    "whose",
    "task",
    "questions",
    "images",
    "answers",
    "commonest answers",
    "objects per image",
    "most objects",
)


def write_benchmark(
    rows: Sequence[PrintedRow], others: Sequence[Statistics], results: str, targets: dict[str, Path]
) -> None:
    """Writes Table 1 in each format.

    Args:
        rows: the paper's rows, with ours and the released files' beside them.
        others: tasks of ours that the paper's table has no row for.
        results: the name of the study's results.
        targets: format -> file.
    """
    lines = table_lines(rows, others, results)
    for suffix, path in targets.items():
        if suffix == "csv":
            write_text(path, _csv(lines))
        else:
            write_text(path, render(f"benchmark.{suffix}.j2", lines=lines, head=_HEAD, results=results))


def table_lines(
    rows: Sequence[PrintedRow], others: Sequence[Statistics], results: str
) -> list[tuple[str, ...]]:
    """Returns the lines of Table 1 as texts: under each printed row the released files, then what is asked here."""
    lines: list[tuple[str, ...]] = []
    for row in rows:
        name, printed = row.labels["Task"], (row.labels["Dataset"], row.labels["#Questions"])
        lines.append((name, "paper", *printed, "", "", row.labels["Answer Type"], "", ""))
        lines += [_line(name, "released file", entry) for entry in row.released]
        lines += [_line(name, results, entry) for entry in row.ours]
    return lines + [_line("-", results, entry) for entry in others]


def _line(row: str, whose: str, entry: Statistics) -> tuple[str, ...]:
    named = [f"{answer} {share:.1f} %" for answer, share in entry.answers]
    rest = 100 - sum(share for _, share in entry.answers)
    named += [f"others {rest:.1f} %"] if entry.answers and rest >= 0.05 else []
    return (
        row,
        whose,
        entry.title,
        show(entry.questions),
        show(entry.images),
        show(entry.different),
        ", ".join(named),
        "" if entry.objects is None else f"{entry.objects:.1f}",
        "" if entry.most_objects is None else show(entry.most_objects),
    )


def _csv(lines: Sequence[tuple[str, ...]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows([spreadsheet(text) for text in line] for line in lines)
    return stream.getvalue()
