"""The text above and below a table: what a number means, and how to reproduce it."""

from collections import Counter

from vistok.evaluation.pairs import Pair
from vistok.pages.templating import paragraphs
from vistok.tables.pairs import family
from vistok.tables.report import Origin, Row, TableReport
from vistok.tables.values import AVERAGE, Column


def banner(origin: Origin) -> str:
    """Returns the banner of a page: whose models answer, and which split was asked; may be empty."""
    return "".join(paragraphs("banner.txt.j2", origin=origin))


def footnote(row: Row) -> str:
    """Returns the footnote of a row.

    It says what differs in another group's model, what replaces unreleased weights, and what its pretraining failed
    to learn.
    """
    footnotes = []
    if row.otherwise:
        footnotes += paragraphs("otherwise.txt.j2", otherwise=row.otherwise)
    if row.substitute:
        footnotes += paragraphs("footnote.txt.j2", substitute=row.substitute)
    if row.shortfall:
        footnotes += paragraphs("shortfall.txt.j2", shortfall=row.shortfall)
    return " ".join(footnotes)


def notes(report: TableReport) -> list[str]:
    """Returns the notes of a table, in the order in which they are printed."""
    if report.paper == "ett":
        return paragraphs("ett-notes.txt.j2", report=report, differences=_differences(report))
    return paragraphs(
        "notes.txt.j2",
        report=report,
        tasks=[column for column in report.columns if column.task != AVERAGE],
        protocols=_protocols(report),
        tolerated=_tolerated(report),
        partial=_partial(report),
        alone=sum(cell.alone for row in report.rows for cell in row.cells),
        exceeded=_exceeded(report),
        seeds=_repeated(report),
        once=sum(len(row.seeds) == 1 for row in report.rows),
        runs=[run for row in (*report.rows, *report.bounds) for run in row.runs],
    )


def _differences(report: TableReport) -> list[tuple[str, str, list[tuple[str, Pair]]]]:
    """Returns the rows that are compared, the first less the second, with their difference in each column."""
    compared = family("all", report.rows, report.columns)
    names = [", ".join(row.labels) for row in report.rows]
    lines = []
    for first, second in report.pairs:
        paths = report.rows[first].path, report.rows[second].path
        each = [
            (of.column.title, pair if pair.first == paths[0] else pair.turned())
            for of in compared.columns
            for pair in of.pairs
            if {pair.first, pair.second} == {*paths}
        ]
        lines += [(names[first], names[second], each)] if each else []
    return lines


def _protocols(report: TableReport) -> list[tuple[str, str, list[str]]]:
    """Returns each protocol with its meaning, and the columns that it has it in where others give it another."""
    titles: dict[tuple[str, str], list[str]] = {}
    for column in report.columns:
        for name, meaning in column.protocols.items():
            titles.setdefault((name, meaning), []).append(column.title)
    meanings = Counter(name for name, _ in titles)
    return [(name, meaning, of if meanings[name] > 1 else []) for (name, meaning), of in titles.items()]


def _tolerated(report: TableReport) -> list[tuple[Column, float | None, int, int]]:
    """Returns the columns that are held to published cells: how near, how many cells are, of how many."""
    columns = [[row.cells[index] for row in report.rows] for index in range(len(report.columns))]
    return [
        (column, judged[0].tolerance, sum(cell.agrees is True for cell in judged), len(judged))
        for column, cells in zip(report.columns, columns, strict=True)
        if (judged := [cell for cell in cells if cell.agrees is not None])
    ]


def _exceeded(report: TableReport) -> list[str]:
    """Returns the rows some share of which is beyond chance above 100: where their ceiling is none."""
    shares = {
        row.labels[report.main_label]: [cell.share for cell in row.cells if cell.share] for row in report.rows
    }
    return [name for name, row_shares in shares.items() if any(share.exceeds for share in row_shares)]


def _partial(report: TableReport) -> list[tuple[Column, int | None, int | None, str | None]]:
    """Returns each column that does not ask all questions; the rows of a column say the same."""
    columns = {
        (index, cell.n, cell.of, cell.reason): None
        for index in range(len(report.columns))
        for cell in (row.cells[index] for row in report.rows)
        if cell.reason or (cell.n or 0) < (cell.of or 0)
    }
    return [(report.columns[index], n, of, reason) for index, n, of, reason in columns]


def _repeated(report: TableReport) -> list[tuple[tuple[int, ...], list[str]]]:
    """Returns the seeds of rows that are trained several times, with the rows of each, named without their seed."""
    rows: dict[tuple[int, ...], list[str]] = {}
    for row in report.rows:
        if len(row.seeds) > 1:
            rows.setdefault(row.seeds, []).append(row.runs[0].rpartition("/")[0])
    return list(rows.items())
