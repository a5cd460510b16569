"""Fixtures that every room's tests share."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# A suite that is started in the background may inherit an ignored Ctrl-C, and would hand it on to what it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# One thread each, as the jobs of a workflow have it: those of two workers on two cores wait for each other, spinning.
os.environ["OMP_NUM_THREADS"] = "1"

# Until all tests are imported, and what they import with them: to look for garbage meanwhile doubles the time.
gc.disable()

REPOSITORY = Path(__file__).resolve().parents[1]
pytest_plugins = ["tests.small_study"]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real excerpts in official formats, which is not part of the project."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real excerpts are not here ({folder.name} folder beside the checkout)")
    return folder


@pytest.fixture(autouse=True)
def default_signals() -> Iterator[None]:
    """Takes back the handlers that the command line sets: a pool's processes inherit them, and may then never end."""
    yield
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs unit tests first, for the workflow's build a study, which takes minutes; of these the longest first.

    The second of them does not wait for that build.
    """
    last = [item for item in items if "test_workflow" in item.path.parts]
    for item in last:
        item.add_marker(pytest.mark.slow)
    longest = ("test_versioning", "test_rehearsal")
    items.sort(key=lambda item: (item in last, [item.path.stem != name for name in longest]))
    gc.freeze()
    gc.enable()
