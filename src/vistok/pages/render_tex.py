"""Renders a table as a LaTeX fragment for plain pdflatex with booktabs."""

from collections.abc import Iterable

from vistok.pages.latex import escape, prose
from vistok.tables.notes import BAR, BEATEN
from vistok.tables.values import Baseline, Cell, Row, TableReport

_NEEDED = r"""% Needs in the preamble: \usepackage{booktabs,amssymb,graphicx}
"""
_READING = "In each cell: ours; below it published (difference); below that the 95 % interval of ours."


def render_tex(report: TableReport) -> str:
    """Returns one `table` for the cells and one for the other protocols, if there are any."""
    notes = [*(rf"\textsuperscript{{{mark}}} {prose(text)}" for mark, text in report.footnotes.items())]
    notes += [
        rf"\textsuperscript{{{note.mark}}} Audit: {escape(note.title)} ({escape(note.anchor)})."
        for note in report.audit
    ]
    notes += [prose(note) for note in report.notes]
    banner = rf"\textbf{{{prose(report.banner)}}} " if report.banner else ""
    caption = f"{escape(report.title)} {banner}{escape(_READING)}"
    name = f"tab:{report.results}-{report.id}"
    text = _NEEDED + _float(caption, name, _main(report), notes)
    if report.protocol_columns:
        caption = f"Table {report.number} ({escape(report.results)}): the same answers under every scorer."
        text += "\n" + _float(caption, f"{name}-scorers", _protocols(report), [])
    return text


def _float(caption: str, name: str, tabular: str, notes: Iterable[str]) -> str:
    below = "".join(rf"\par {note}" + "\n" for note in notes)
    return (
        "\\begin{table}[p]\n\\centering\\scriptsize\\setlength{\\tabcolsep}{3pt}\n"
        f"\\caption{{{caption}}}\n\\label{{{name}}}\n"
        f"\\resizebox{{\\textwidth}}{{!}}{{%\n{tabular}}}\n"
        + (f"\\par\\medskip\\raggedright\\scriptsize\n{below}" if below else "")
        + "\\end{table}\n"
    )


def _main(report: TableReport) -> str:
    heads = [escape(label) for label in report.labels]
    heads += [escape(column.title) + _raised(column.audit) for column in report.columns]
    below = [""] * len(report.labels) + [rf"\tiny {escape(column.measure)}" for column in report.columns]
    counts = [""] * len(report.labels) + [rf"\tiny {escape(column.count_text)}" for column in report.columns]
    body = [_line(heads) + _line(below) + _line(counts) + "\\midrule\n"]
    for place, row in enumerate(report.rows):
        body.append(("\\midrule\n" if place in report.group_starts else "") + _row(report, row))
    body.append("\\midrule\n")
    body += [_line(_beside(report, baseline) + _baseline(report, baseline)) for baseline in report.baselines]
    return _tabular(report, len(report.columns), body)


def _protocols(report: TableReport) -> str:
    columns = report.protocol_columns
    heads = [*map(escape, report.labels), *(escape(report.columns[place].title) for place, _ in columns)]
    body = [
        _line(heads)
        + _line([""] * len(report.labels) + [escape(name) for _, name in columns])
        + "\\midrule\n"
    ]
    body += [_line(_labels(report, row) + report.protocol_texts(row)) for row in report.rows] + [
        "\\midrule\n"
    ]
    body += [
        _line(_beside(report, baseline) + report.protocol_texts(baseline)) for baseline in report.baselines
    ]
    return _tabular(report, len(columns), body)


def _tabular(report: TableReport, values: int, body: list[str]) -> str:
    shape = "l" * len(report.labels) + "r" * values
    return f"\\begin{{tabular}}{{{shape}}}\n\\toprule\n{''.join(body)}\\bottomrule\n\\end{{tabular}}"


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + " \\\\\n"


def _row(report: TableReport, row: Row) -> str:
    """Returns three lines of the tabular: ours, published with the difference, interval."""
    blank = [""] * len(report.labels)
    ours = [
        _ranked(cell.ours_text, cell.ours_rank) + (escape(BEATEN) if cell.beats_blind is False else "")
        for cell in row.cells
    ]
    published = [rf"\tiny {_published(cell)}" for cell in row.cells]
    intervals = [rf"\tiny {cell.interval_text}" for cell in row.cells]
    lines = [_labels(report, row) + ours, blank + published, blank + intervals]
    return "".join(_line(line) for line in lines).removesuffix("\n") + "[2pt]\n"


def _published(cell: Cell) -> str:
    text = _ranked(cell.published_text, cell.published_rank) + _raised(cell.audit)
    return f"{text} ({escape(cell.difference_text)})" if cell.difference_text else text


def _labels(report: TableReport, row: Row) -> list[str]:
    labels = [escape(label) for label in row.labels]
    if row.mark:
        labels[report.main_label] += rf"\textsuperscript{{{row.mark}}}"
    return labels


def _beside(report: TableReport, baseline: Baseline) -> list[str]:
    title = escape(baseline.title)
    return [title if place == report.main_label else "" for place in range(len(report.labels))]


def _baseline(report: TableReport, baseline: Baseline) -> list[str]:
    pairs = zip(report.texts(baseline), baseline.best, strict=True)
    return [text + (escape(BAR) if best else "") for text, best in pairs]


def _raised(marks: tuple[str, ...]) -> str:
    return rf"\textsuperscript{{{','.join(marks)}}}" if marks else ""


def _ranked(text: str, rank: int) -> str:
    return {1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}.get(rank, text)
