"""The door to claims: `vistok claims` writes their verdicts as a table, a figure and JSON."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from vistok.errors import VistokError, unknown
from vistok.files import read_json, write_json, write_text
from vistok.reporting.claims.evaluate import Cells, Outcome, evaluate_claims
from vistok.reporting.claims.figure import page_figures
from vistok.reporting.claims.measured import Cell, Measured, published_cells
from vistok.reporting.claims.values import StudyClaims, read_claims
from vistok.reporting.published import PUBLISHED, PublishedTable, read_all_published
from vistok.reporting.rendering import render, rounded

CLAIMS = Path("workflow/grid/claims.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok claims`."""
    parser.add_argument(
        "--published", type=Path, default=PUBLISHED, help="the folder of the published tables"
    )
    parser.add_argument("--claims", type=Path, default=CLAIMS)
    parser.add_argument(
        "--results",
        type=Path,
        help="a scale's cells: a JSON list of {table, row, column, value, low, high, training_error, "
        "training_freedom}, row being the id of the published row",
    )
    parser.add_argument("--name", default="measured", help="what to call the results: the scale's id")
    parser.add_argument(
        "--out", type=Path, required=True, help="the folder to write claims.{md,html,json,svg} to"
    )


def run(args: argparse.Namespace) -> int:
    """Evaluates the claims on the published numbers and on the results; returns the exit status."""
    results = {args.name: read_cells(args.results)} if args.results else {}
    write_claims(args.published, args.claims, results, args.out)
    return 0


def write_claims(published: Path, claims: Path, results: Mapping[str, Cells], out: Path) -> None:
    """Writes claims.md, claims.html, claims.json and claims.svg to `out`.

    `results` maps a scale's id to its cells, (table, published row id, column) -> measured, None where the
    scale leaves a cell out.
    """
    tables = read_all_published(published)
    study = read_claims(claims, tables)
    for name, found in results.items():
        _check_names(name, found, tables)
    cells: dict[str, Cells] = {"published": published_cells(tables, study.questions)}
    outcomes = {name: evaluate_claims(study.claims, found) for name, found in {**cells, **results}.items()}
    figures = page_figures(outcomes)
    page = _page(study, outcomes) | {"training_noise": training_noise({**cells, **results})}
    write_text(out / "claims.svg", figures["figure"])
    write_json(out / "claims.json", claims_json(outcomes))
    write_text(out / "claims.md", render("claims.md.j2", **page))
    write_text(out / "claims.html", render("claims.html.j2", **figures, **page))


def _check_names(name: str, cells: Cells, tables: Mapping[int, PublishedTable]) -> None:
    for number, row, column in cells:
        if number not in tables:
            raise unknown(f"table in the results {name!r}", str(number), map(str, tables))
        if row not in tables[number].row_ids:
            raise unknown(f"row of Table {number} in the results {name!r}", row, tables[number].row_ids)
        if column not in tables[number].numeric_columns:
            raise unknown(
                f"column of Table {number} in the results {name!r}", column, tables[number].numeric_columns
            )


def training_noise(cells: Mapping[str, Cells]) -> str:
    """Returns whether intervals hold what another training seed would change, in words for the pages."""
    known = {
        name for name, found in cells.items() if any(cell and cell.training_error for cell in found.values())
    }
    unsure = [name for name in cells if name not in known]
    parts = [
        f"The intervals of {name} hold how far trainings with other seeds lie apart, pooled over its rows with "
        "several."
        for name in cells
        if name in known
    ]
    if unsure:
        parts.append(
            f"Of {' and '.join(unsure)} it is not known how far another training would change a cell: those verdicts "
            "are about these trainings."
        )
    return " ".join(parts)


def claims_json(outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, object]:
    """Returns the verdicts for machines: source -> claim id -> verdict and differences."""
    return {
        source: {
            outcome.claim.id: {
                "section": outcome.claim.section,
                "quote": outcome.claim.quote,
                "verdict": outcome.verdict,
                "not_measured": outcome.not_measured,
                "differences": [
                    {
                        "label": difference.label,
                        "points": rounded(difference.value),
                        "low": rounded(difference.low),
                        "high": rounded(difference.high),
                        "verdict": difference.verdict,
                    }
                    for difference in outcome.differences
                ],
            }
            for outcome in found
        }
        for source, found in outcomes.items()
    }


def read_cells(path: Path) -> dict[Cell, Measured | None]:
    """Returns the cells of a results file; a cell whose value or interval is null is not measured.

    `training_error` and `training_freedom` may be left out: no row of the column was trained with several seeds.

    Raises:
        VistokError: the file is missing, or an entry lacks a field.
    """
    found: dict[Cell, Measured | None] = {}
    for entry in read_json(path, what="results for the claims"):
        match entry:
            case {"table": int() as table, "row": str() as row, "column": str() as column, "value": None} | {
                "table": int() as table,
                "row": str() as row,
                "column": str() as column,
                "low": None,
            }:
                found[table, row, column] = None
            case {
                "table": int() as table,
                "row": str() as row,
                "column": str() as column,
                "value": int() | float() as value,
                "low": int() | float() as low,
                "high": int() | float() as high,
            }:
                error, freedom = entry.get("training_error", 0.0), entry.get("training_freedom", 0)
                if (
                    not isinstance(error, int | float)
                    or not isinstance(freedom, int)
                    or (error and freedom < 1)
                ):
                    raise VistokError(
                        f"{path}: a training_error is a number, and with it training_freedom is 1 or more, found "
                        f"{str(entry)[:160]}."
                    )
                found[table, row, column] = Measured(
                    float(value), float(low), float(high), float(error), freedom
                )
            case _:
                raise VistokError(
                    f"{path}: table, row, column, value, low and high are needed, found {str(entry)[:120]}."
                )
    return found


def _page(study: StudyClaims, outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, object]:
    claims = [
        {"claim": claim, "outcomes": {source: found[place] for source, found in outcomes.items()}}
        for place, claim in enumerate(study.claims)
    ]
    return {"claims": claims, "sources": list(outcomes), "questions": study.questions}
