"""Renders a table as CSV: one row per cell, at full precision, with every protocol and the blind baselines."""

import csv
import io

from vistok.grid.runs import Run, Subject
from vistok.pages.escapes import spreadsheet
from vistok.pages.notes import footnote
from vistok.tables.report import Baseline, Row, TableReport
from vistok.tables.values import Cell


def render_csv(report: TableReport) -> str:
    """Returns the CSV text; its columns are described in paper_tables/README.md."""
    protocols = tuple(dict.fromkeys(name for column in report.columns for name in column.protocols))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    lines = [
        _line(report, row, index, protocols)
        for row in (*report.rows, *report.bounds)
        for index in range(len(report.columns))
    ]
    writer.writerow(map(spreadsheet, lines[0]))
    writer.writerows([spreadsheet(str(value)) for value in line.values()] for line in lines)
    return text.getvalue()


def _line(report: TableReport, row: Row, index: int, protocols: tuple[str, ...]) -> dict[str, object]:
    column, cell = report.columns[index], row.cells[index]
    return {
        "table": report.id,
        **dict(zip(report.labels, row.labels, strict=True)),
        **_made_of(row.subjects[0]),
        "run": " ".join(row.runs),
        "seeds": len(row.seeds),
        "task": column.asks,
        "column": column.title,
        "metric": column.metric,
        "protocol": column.protocol,
        "published": "" if cell.published is None else cell.published,
        "ours": _plain(cell.ours),
        "difference": _difference(cell),
        **_agreement(report, cell),
        "spread": _plain(cell.spread),
        "low": _plain(cell.low),
        "high": _plain(cell.high),
        "n": _plain(cell.n),
        "of": _plain(cell.of),
        "reason": cell.reason or cell.left_out,
        **{f"blind_{baseline.name}": _plain(baseline.values[index]) for baseline in report.baselines},
        **_share(report, cell),
        "beats_blind": {True: "yes", False: "no", None: ""}[cell.beats_blind],
        "seed_values": " ".join(str(value) for value in cell.seed_values),
        **{f"ours_{name}": _plain(cell.protocols.get(name)) for name in protocols},
        **_blind_protocols(report.baselines, index, protocols),
        "audit": " ".join(
            note.finding.anchor for note in report.audit if note.mark in (*column.audit, *cell.audit)
        ),
        "footnote": footnote(row),
    }


def _agreement(report: TableReport, cell: Cell) -> dict[str, object]:
    """Returns the tolerance and the verdict on it, at a scale that declares any."""
    if all(cell.tolerance is None for row in report.rows for cell in row.cells):
        return {}
    return {"tolerance": _plain(cell.tolerance), "agrees": {True: "yes", False: "no", None: ""}[cell.agrees]}


def _share(report: TableReport, cell: Cell) -> dict[str, object]:
    """Returns the share of the way from floor to ceiling, in a table that has some."""
    if not report.bounds:
        return {}
    share = cell.share
    values = (share.value, share.low, share.high) if share else (None, None, None)
    return dict(zip(("share", "share_low", "share_high"), map(_plain, values), strict=True))


def _made_of(subject: Subject) -> dict[str, object]:
    parts = ("tokenizer", "recipe", "llm")
    return {part: getattr(subject, part) if isinstance(subject, Run) else "" for part in parts}


def _blind_protocols(
    baselines: tuple[Baseline, ...], index: int, protocols: tuple[str, ...]
) -> dict[str, object]:
    return {
        f"blind_{baseline.name}_{name}": _plain(baseline.protocols[index].get(name))
        for baseline in baselines
        for name in protocols
    }


def _plain(value: float | None) -> str:
    return "" if value is None else str(value)


def _difference(cell: Cell) -> str:
    if cell.ours is None or cell.published is None:
        return ""
    return str(round(cell.ours - float(cell.published), 6))
