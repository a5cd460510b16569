"""Renders a table as GitHub Markdown."""

import re

from vistok.tables.notes import BAR, BEATEN
from vistok.tables.values import Cell, Row, TableReport

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~])")
_READING = "In each cell: published → ours, below it the difference and the [95 % interval] of ours."


def render_md(report: TableReport) -> str:
    """Returns the Markdown text: banner, table, the other protocols' table, notes."""
    parts = [f"# {escape(report.title)}"]
    if report.banner:
        parts.append(f"> **{_prose(report.banner)}**")
    parts += [escape(_READING), _main(report)]
    parts += [f"<sup>{mark}</sup> {_prose(text)}" for mark, text in report.footnotes.items()]
    parts += [
        f"<sup>{note.mark}</sup> Audit: {escape(note.title)} ([{note.anchor}](../audit.md#{note.anchor}))."
        for note in report.audit
    ]
    if report.protocol_columns:
        parts += ["## The same answers under every scorer", _protocols(report)]
    parts += ["## Notes", "\n".join(f"- {_prose(note)}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Returns plain text as Markdown that shows it."""
    return _SPECIAL.sub(r"\\\1", text)


def _prose(text: str) -> str:
    """Escapes all but what stands between backticks."""
    parts = text.split("`")
    return "".join(f"`{part}`" if place % 2 else escape(part) for place, part in enumerate(parts))


def _table(lines: list[list[str]], labels: int) -> str:
    rule = ["---"] * labels + ["---:"] * (len(lines[0]) - labels)
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def _main(report: TableReport) -> str:
    heads = []
    for column in report.columns:
        below = [escape(text) for text in (column.measure, column.count_text) if text]
        heads.append(f"{escape(column.title)}{_raised(column.audit)}<br><sub>{'<br>'.join(below)}</sub>")
    lines = [[escape(label) for label in report.labels] + heads]
    lines += [_labels(report, row) + [_cell(cell) for cell in row.cells] for row in report.rows]
    for baseline in report.baselines:
        pairs = zip(report.texts(baseline), baseline.best, strict=True)
        lines.append(
            _beside_labels(report, baseline.title)
            + [f"{text} {BAR}" if best else text for text, best in pairs]
        )
    return _table(lines, len(report.labels))


def _labels(report: TableReport, row: Row) -> list[str]:
    labels = [escape(label) for label in row.labels]
    if row.mark:
        labels[report.main_label] += f" <sup>{row.mark}</sup>"
    return labels


def _beside_labels(report: TableReport, title: str) -> list[str]:
    return [f"*{escape(title)}*" if place == report.main_label else "" for place in range(len(report.labels))]


def _cell(cell: Cell) -> str:
    ours = _ranked(cell.ours_text, cell.ours_rank) + (f" {BEATEN}" if cell.beats_blind is False else "")
    below = [text for text in (cell.difference_text, escape(cell.interval_text)) if text]
    first = f"{_ranked(cell.published_text, cell.published_rank)}{_raised(cell.audit)} → {ours}"
    return first + (f"<br><sub>{'<br>'.join(below)}</sub>" if below else "")


def _raised(marks: tuple[str, ...]) -> str:
    return f"<sup>{','.join(marks)}</sup>" if marks else ""


def _ranked(text: str, rank: int) -> str:
    return {1: f"**{text}**", 2: f"<ins>{text}</ins>"}.get(rank, text)


def _protocols(report: TableReport) -> str:
    lines = [
        [escape(label) for label in report.labels]
        + [
            f"{escape(report.columns[place].title)}<br><sub>{name}</sub>"
            for place, name in report.protocol_columns
        ]
    ]
    lines += [_labels(report, row) + report.protocol_texts(row) for row in report.rows]
    for baseline in report.baselines:
        lines.append(_beside_labels(report, baseline.title) + report.protocol_texts(baseline))
    return _table(lines, len(report.labels))
