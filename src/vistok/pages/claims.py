"""The entry point of the claims: `vistok claims` writes their verdicts as a table, a figure and JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from vistok.claims.evaluate import Cells, Outcome, evaluate_claims
from vistok.claims.measured import published_cells
from vistok.claims.values import StudyClaims
from vistok.errors import unknown
from vistok.files import write_json, write_text
from vistok.pages.claims_figure import page_figures
from vistok.pages.templating import paragraphs, render, rounded
from vistok.published.tables import PublishedTable


def write_claims(
    tables: Mapping[int, PublishedTable],
    study: StudyClaims,
    results: Mapping[str, Cells],
    out: Path,
    paper: Literal["gvt", "ett"] = "gvt",
) -> None:
    """Writes claims.md, claims.html, claims.json and claims.svg to `out`.

    Args:
        tables: the paper's, by number.
        study: its claims.
        results: a scale's id -> its cells, (table, published row id, column) -> measured, None where the scale leaves
            a cell out.
        out: the folder.
        paper: whose claims they are.

    Raises:
        VistokError: a cell names a table or row that the paper does not have, or a column that it cannot have.
    """
    for name, measured in results.items():
        _check_names(name, measured, tables, study)
    cells: dict[str, Cells] = {"published": published_cells(tables, study.questions)}
    own = [claim.on_own_cells for claim in study.claims]
    outcomes = {"published": evaluate_claims(study.claims, cells["published"])} | {
        name: evaluate_claims(own, measured) for name, measured in results.items()
    }
    figures = page_figures(outcomes)
    page = _page(study, outcomes) | {"training_noise": training_noise({**cells, **results}), "paper": paper}
    write_text(out / "claims.svg", figures["figure"])
    write_json(out / "claims.json", claims_json(outcomes))
    write_text(out / "claims.md", render("claims.md.j2", **page))
    write_text(out / "claims.html", render("claims.html.j2", **figures, **page))


def _check_names(name: str, cells: Cells, tables: Mapping[int, PublishedTable], study: StudyClaims) -> None:
    for number, row, column in cells:
        if number not in tables:
            raise unknown(f"table in the results {name!r}", str(number), map(str, tables))
        if row not in tables[number].row_ids:
            raise unknown(f"row of Table {number} in the results {name!r}", row, tables[number].row_ids)
        if column not in (legal := study.columns(tables[number])):
            raise unknown(f"column of Table {number} in the results {name!r}", column, legal)


def training_noise(cells: Mapping[str, Cells]) -> str:
    """Returns whether intervals hold what another training seed would change, in words for the pages."""
    known = [
        name
        for name, measured in cells.items()
        if any(cell and cell.training_freedom for cell in measured.values())
    ]
    unknown = [name for name in cells if name not in known]
    return "".join(paragraphs("training-noise.txt.j2", known=known, unknown=unknown))


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
                        "noise": difference.noise,
                    }
                    for difference in outcome.differences
                ],
            }
            for outcome in judged
        }
        for source, judged in outcomes.items()
    }


def _page(study: StudyClaims, outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, object]:
    claims = [
        {"claim": claim, "outcomes": {source: judged[index] for source, judged in outcomes.items()}}
        for index, claim in enumerate(study.claims)
    ]
    return {"claims": claims, "sources": list(outcomes), "questions": study.questions}
