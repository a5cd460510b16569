"""The audit of ETT finds what its printed numbers hold, and is silent where they are mended."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from scipy.stats import norm

from vistok.audit.ett import check_gains, check_retrieval, check_weights, ett_findings
from vistok.claims import evaluate_claims, published_cells, read_claims
from vistok.pages.wording import worded
from vistok.published.ett import PROMPTS, RETRIEVAL, read_ett
from vistok.published.tables import PublishedTable

Tables = dict[int, PublishedTable]


@pytest.fixture(scope="module")
def tables(repository: Path) -> Tables:
    return read_ett(repository / "paper_tables/published/ett")


def changed(tables: Tables, number: int, row_id: str, cells: Mapping[str, str]) -> Tables:
    rows = [dict(row) for row in tables[number].rows]
    rows[tables[number].row_index(row_id)] |= cells
    return {**tables, number: replace(tables[number], rows=tuple(rows))}


def test_rows_have_the_ids_that_claims_cite(tables: Tables) -> None:
    assert tables[4].row_ids == ("index/frozen", "embedding/frozen", "embedding/tuned")
    assert tables[5].row_ids == ("none", "understanding-only", "weight-0-25", "weight-0-5", "weight-1-0")
    assert tables[5].decimals("ImageNet rFID") == 3 and tables[2].row_ids[-1] == tables[3].row_ids[0] == "ett"


def test_rows_that_two_tables_print_are_the_same(tables: Tables) -> None:
    for ablation, weight in (("embedding/frozen", "none"), ("embedding/tuned", "weight-0-25")):
        for column in ("SEED-I", "GQA", "TextVQA", "MME-P"):
            first, second = (
                table.printed(table.row_index(row), column)
                for table, row in ((tables[4], ablation), (tables[5], weight))
            )
            assert first == second


def test_gains_are_points_and_generation_lost_six_before_it_won_nine(tables: Tables) -> None:
    finding = check_gains(tables[4])
    gains = {str(row["column"]): row for row in finding.rows}
    assert gains["SEED-I"]["points over index"] == 5.2 and gains["SEED-I"]["per cent over index"] == 9.5
    assert gains["MME-P"]["points over index"] == 4.8  # 96 of 2,000
    assert (gains["GenEval"]["points over index"], gains["GenEval"]["points over frozen embedding"]) == (3, 9)
    assert finding.facts["points over index, from 2 to 6"] == 4  # TextVQA's 6.8 is not
    assert finding.facts["per cent over index, from 2 to 6"] == 0
    meaning = worded(finding).meaning
    assert "6 points below the index" in meaning and "9 points over the one are 3 over the other" in meaning


def test_retrieval_beats_the_frozen_embedding_and_the_count(tables: Tables) -> None:
    finding = check_retrieval(tables)
    assert finding.verdict == "doubtful"
    beaten = [
        (row["table"], row["row"], row["column"]) for row in finding.rows if row["printed"] < row["retrieval"]
    ]  # type: ignore[operator]
    assert beaten == [("4", "embedding/frozen", "GenEval"), ("3", "ett", "Counting")]
    assert {(about.table, about.row) for about in finding.about} == {(4, "embedding/frozen"), (3, "ett")}
    counting = next(row for row in finding.rows if row["column"] == "Counting")
    z = 0.12 / ((0.25 * 0.75 + 0.37 * 0.63) / 80) ** 0.5
    assert counting["p"] == pytest.approx(2 * norm.sf(z), rel=0.05)


def test_retrieval_is_silent_about_what_stands_above_it(tables: Tables) -> None:
    mended = changed(tables, 4, "embedding/frozen", {"GenEval": "0.41"})
    mended = changed(mended, 3, "ett", {"Counting": "0.52"})
    finding = check_retrieval(mended)
    assert (finding.verdict, finding.about) == ("clean", ())


def test_retrievals_kinds_have_the_mean_that_its_source_prints() -> None:
    kinds = [RETRIEVAL[kind] for kind in PROMPTS]
    assert abs(sum(kinds) / len(kinds) - RETRIEVAL["Overall"]) < 0.01  # 0.355, printed as 0.35
    assert sum(PROMPTS.values()) == 553


def test_weights_are_read_step_by_step(tables: Tables) -> None:
    finding = check_weights(tables[5])
    assert finding.facts["more, per cent"] == 59.5
    assert finding.details["rises"] == [("Weight 0.25", "Weight 0.5", 0.007)]
    assert finding.details["given_up"] == {"SEED-I": 0.7, "GQA": 0.9, "TextVQA": 1.2, "MME-P": 36.5}
    falling = check_weights(changed(tables, 5, "weight-0-5", {"ImageNet rFID": "1.600"})[5])
    assert falling.details["rises"] == [] and "rises by" not in worded(falling).title


def test_claims_are_weighed_on_the_printed_numbers(tables: Tables, repository: Path) -> None:
    entries = yaml.safe_load((repository / "workflow/grid/ett/tables.yaml").read_text())
    own_columns = {int(name.removeprefix("table-")): entry["columns"] for name, entry in entries.items()}
    study = read_claims(repository / "workflow/grid/ett/claims.yaml", tables, own_columns)
    outcomes = evaluate_claims(study.claims, published_cells(tables, study.questions))
    assert {outcome.claim.id: outcome.verdict for outcome in outcomes} == {
        "ett-gains-in-understanding": "holds",
        "ett-gains-in-generation": "within noise",
        "ett-embeddings-are-no-worse-than-indices": "within noise",
        "ett-preserves-reconstruction": "contradicted",
    }
    generation = outcomes[1].differences
    assert [(round(each.value, 2), each.verdict) for each in generation] == [
        (0.03, "within noise"),
        (0.09, "holds"),
    ]
    # The noise of a share is the binomial one of the row itself.
    half = (generation[0].high - generation[0].low) / 2
    error = ((0.43 * 0.57 + 0.40 * 0.60) / 553) ** 0.5
    assert half == pytest.approx(norm.isf(0.0125) * error, rel=1e-3)


def test_every_finding_has_its_words(tables: Tables) -> None:
    findings = ett_findings(tables)
    assert len({finding.anchor for finding in findings}) == 3
    for finding in findings:
        said = worded(finding)
        assert said.title and said.tested and said.surprise and said.meaning and "{" not in said.title
