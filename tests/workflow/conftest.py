"""The studies of the checkout's own grid, as the rules open them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.grid.downloads import load_downloads
from vistok.grid.load import load_study
from vistok.workflow.files import Files


@pytest.fixture(scope="session")
def mini(repository: Path) -> Files:
    """A scale that makes its own data and models."""
    return Files(load_study("mini", root=repository), {})


@pytest.fixture(scope="session")
def paper(repository: Path) -> Files:
    """A scale of official files and published weights."""
    return Files(load_study("paper", root=repository), load_downloads(repository))


@pytest.fixture(scope="session")
def excerpt(repository: Path) -> Files:
    """A scale of official files, answered by the models of another."""
    return Files(load_study("excerpt", root=repository), load_downloads(repository))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts shell scripts first on PATH, by name: a cluster's commands that do what a test wants."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(name: str, script: str) -> None:
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return put
