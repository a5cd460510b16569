"""A small study with its page, which the tests of pages share."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.small_study import Small, new_checkout, scored, small_study, write_official_files

from vistok.grid.paths import Paths
from vistok.pages.audit import run_audit
from vistok.published.tables import PUBLISHED
from vistok.steps import count_benchmark, show_study, tabulate, weigh_claims


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Small:
    """A small study with real photographs, its tables, claims, audit and page."""
    root = new_checkout(tmp_path_factory.mktemp("page"), repository)
    study = small_study("mini", root)
    data = root / Paths(study).data
    write_official_files(data, photographs=lambda *_: True)
    for number, path in enumerate(sorted(data.rglob("*.jpg"))):
        pixels = np.full((32, 48, 3), (40 * number) % 256, dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    small = scored(root, study)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        count_benchmark.run(study)
        weigh_claims.run(study)
        run_audit(PUBLISHED, None, [], Paths(study).tables)
        tabulate.run(study, "table-2")
        show_study.run(study)
    (root / Paths(study).curves("table-2")).write_bytes(b"")
    return small


@pytest.fixture
def folder(shown: Small) -> Path:
    return shown.root / Paths(shown.study).tables
