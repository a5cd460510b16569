"""What is computed from the published numbers, and the numbers themselves, change only on purpose.

After a change that is meant: pytest tests/test_published --force-regen, and read the difference.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pytest_regressions.data_regression import DataRegressionFixture
from pytest_regressions.file_regression import FileRegressionFixture

from vistok.audit.checks import table_findings
from vistok.audit.claims import claim_findings
from vistok.claims import Outcome, evaluate_claims, published_cells, read_claims
from vistok.files import digest_file
from vistok.pages.audit import findings_json
from vistok.published.tables import read_all_published


@pytest.fixture(scope="module")
def outcomes(repository: Path) -> tuple[Outcome, ...]:
    study = read_claims(
        repository / "workflow/grid/claims.yaml", read_all_published(repository / "paper_tables/published")
    )
    tables = read_all_published(repository / "paper_tables/published")
    return evaluate_claims(study.claims, published_cells(tables, study.questions))


def test_published_tables_are_pinned(repository: Path, data_regression: DataRegressionFixture) -> None:
    folder = repository / "paper_tables/published"
    data_regression.check({path.name: digest_file(path) for path in sorted(folder.glob("*.csv"))})


def test_audit_of_the_published_tables(
    repository: Path, outcomes: tuple[Outcome, ...], file_regression: FileRegressionFixture
) -> None:
    tables = read_all_published(repository / "paper_tables/published")
    value = findings_json((*table_findings(tables), *claim_findings(outcomes)), [])
    file_regression.check(
        json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", extension=".json"
    )


def test_verdicts_on_the_published_numbers(
    outcomes: tuple[Outcome, ...], data_regression: DataRegressionFixture
) -> None:
    verdicts: dict[str, Any] = {
        outcome.claim.id: f"{outcome.verdict} "
        f"({outcome.count('holds')} hold, {outcome.count('within noise')} within "
        f"noise, {outcome.count('contradicted')} contradict)"
        for outcome in outcomes
    }
    data_regression.check(
        {"verdicts": verdicts, "counts": dict(Counter(outcome.verdict for outcome in outcomes))}
    )


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("self-supervised-is-consistently-better-at-detail", "contradicted"),
        ("mae-is-best-at-detail", "contradicted"),
        ("distillation-improves-both", "contradicted"),
        ("tuning-loses-semantics", "within noise"),
        ("freezing-keeps-semantics", "contradicted"),
        ("masks-make-poor-tokenizers", "contradicted"),
        ("clip-and-dinov2-lose-semantics", "within noise"),
        ("distillation-helps-seed-bench-detail", "within noise"),
        ("gvt-surpasses-larger-models", "holds"),
        ("distilled-tokenizer-improves-detail", "holds"),
        ("no-extra-parameters", "not measured"),
    ],
)
def test_known_verdicts(outcomes: tuple[Outcome, ...], claim: str, verdict: str) -> None:
    assert {outcome.claim.id: outcome.verdict for outcome in outcomes}[claim] == verdict
