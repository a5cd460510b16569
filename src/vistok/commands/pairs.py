"""`vistok pairs`: which rows of a table differ significantly, over images and trainings, from metrics.json alone."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from vistok.commands.arguments import add_data_root, add_scale, study_of
from vistok.errors import VistokError, unknown
from vistok.evaluation.pairs import Pair
from vistok.files import check_destination, write_json
from vistok.grid.study import Study
from vistok.published.tables import PUBLISHED, read_published
from vistok.tables.assemble import assemble
from vistok.tables.pairs import Family, as_built, as_json, families, family, with_bounds
from vistok.tables.report import Row, TableReport
from vistok.tables.values import Column


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok pairs`."""
    parser.add_argument(
        "rows",
        nargs="*",
        metavar="ROW",
        help="rows of the table as tokenizer/recipe/llm, or the beginning of that (default: the paper's rows that "
        "share a recipe and a language model, each such family by itself)",
    )
    parser.add_argument("--table", required=True, help="an entry of workflow/grid/tables.yaml")
    parser.add_argument(
        "--task", action="append", default=[], help="a task of its columns, also several times (default: all)"
    )
    add_scale(parser)
    add_data_root(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON to write, besides what is printed")


def run(args: argparse.Namespace) -> None:
    """Prints each family's pairs by column.

    Raises:
        VistokError: a name is wrong, a metrics.json is missing, or no two of the rows can be compared.
    """
    study = as_built(with_bounds(study_of(args), args.table), args.table)
    if args.out:
        check_destination(args.out)
    _check_names(study, args.table, args.rows, args.task)
    report = assemble(study, args.table, read_published(PUBLISHED, study.table(args.table).number))
    compared = _families(report, args.rows, _columns(report, args.task))
    if not compared:
        raise VistokError(
            f"no two rows of {args.table!r} can be compared: it takes two rows that were scored on ten images or more."
        )
    if args.out:
        write_json(args.out, {entry.name: as_json(entry) for entry in compared})
    print("\n".join(line for entry in compared for line in _lines(entry)))


def _check_names(study: Study, table: str, rows: Sequence[str], tasks: Sequence[str]) -> None:
    columns = [column.task for column in study.table(table).columns]
    for task in tasks:
        if task not in columns:
            raise unknown(f"task of {table}", task, columns)
    paths = [row.path for row in study.table(table).rows]
    for name in rows:
        if not any(_names(name, path) for path in paths):
            raise unknown(f"row of {table}", name, paths)


def _names(name: str, path: str) -> bool:
    """Whether a name is a row's path, or the beginning of it."""
    return f"{path}/".startswith(f"{name}/")


def _columns(report: TableReport, tasks: Sequence[str]) -> list[Column]:
    return [column for column in report.columns if not tasks or column.task in tasks]


def _families(report: TableReport, names: Sequence[str], columns: Sequence[Column]) -> tuple[Family, ...]:
    indices = [report.columns.index(column) for column in columns]
    rows = [_narrowed(row, indices) for row in report.rows]
    if not names:
        return families(rows, columns)
    chosen: dict[str, Row] = {}
    for name in names:
        chosen |= {row.path: row for row in rows if _names(name, row.path)}
    chosen_family = family("chosen", list(chosen.values()), columns)
    return (chosen_family,) if chosen_family.columns else ()


def _narrowed(row: Row, indices: Sequence[int]) -> Row:
    return Row(row.labels, row.subjects, tuple(row.cells[index] for index in indices))


def _lines(compared: Family) -> list[str]:
    text = [f"{compared.name}: {len(compared.rows)} rows"]
    for column in compared.columns:
        text.append(
            f"  {column.column.title}: {column.count} of {len(column.pairs)} pairs told apart (Holm, 5 %), "
            f"noise of {column.noise}"
        )
        ranked = sorted(zip(column.pairs, column.apart, strict=True), key=lambda entry: entry[0].p_value)
        text += [f"    {_line(pair)}{'' if apart else '  not told apart'}" for pair, apart in ranked]
    return text


def _line(pair: Pair) -> str:
    better, other = (pair.first, pair.second) if pair.difference >= 0 else (pair.second, pair.first)
    return f"{better} over {other}: {abs(pair.difference):.2f} points, error {pair.error:.2f}, p = {pair.p_value:.4f}"
