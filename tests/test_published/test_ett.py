"""The published tables of ETT, and what is computed from them, change only on purpose."""

from pathlib import Path

from pytest_regressions.data_regression import DataRegressionFixture

from vistok.audit.ett import ett_findings
from vistok.files import digest_file
from vistok.pages.audit import findings_json
from vistok.published.ett import read_ett


def test_published_tables_of_ett_are_pinned(repository: Path, data_regression: DataRegressionFixture) -> None:
    folder = repository / "paper_tables/published/ett"
    data_regression.check({path.name: digest_file(path) for path in sorted(folder.glob("*.csv"))})


def test_audit_of_ett(repository: Path, data_regression: DataRegressionFixture) -> None:
    data_regression.check(
        findings_json(ett_findings(read_ett(repository / "paper_tables/published/ett")), [])
    )
