"""No start runs beside another, or beside the cluster jobs of one that was killed."""

import errno
import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.workflow import earlier

Put = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".snakemake/slurm").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def submitted(checkout: Path) -> Path:
    """What is noted when jobs of two starts have been submitted."""
    runs = checkout / ".snakemake/slurm/runs"
    runs.write_text("run-1\nrun-2\nbad; name\n")
    return runs


def test_a_second_start_is_refused_until_the_first_has_ended() -> None:
    held = earlier.hold("mini")
    other = "from vistok.workflow.earlier import hold; hold('mini')"
    ended = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "another snakemake is running on this scale" in ended.stderr
    held.close()
    subprocess.run([sys.executable, "-c", other], check=True)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def flock(file: object, operation: int) -> None:
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(VistokError, match=r"mini.lock keeps no locks \(No locks available\)"):
        earlier.hold("mini")


def test_where_nothing_was_submitted_nobody_is_asked(checkout: Path, programs: Put) -> None:
    programs("squeue", f"touch {checkout}/asked; sleep 100")
    earlier.check_no_jobs()
    assert not (checkout / "asked").exists()


def test_own_jobs_stop_a_start(checkout: Path, submitted: Path, programs: Put) -> None:
    programs("squeue", f'echo "$@" > {checkout}/asked; echo 7; echo 12')
    with pytest.raises(VistokError, match="still queued or running here: 7 12") as error:
        earlier.check_no_jobs()
    assert "scancel 7 12." in str(error.value)
    assert (checkout / "asked").read_text() == "--me --noheader --format=%A --name=run-1,run-2\n"
    assert submitted.exists()


def test_what_is_no_number_is_no_job(submitted: Path, programs: Put) -> None:
    programs("squeue", r"printf '99; touch PWNED\n\351\n\342\200\257\n'")
    assert earlier.left_behind() == []
    assert not submitted.exists(), "no job is left of what was submitted"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo no controller >&2; exit 1", "cannot ask whether earlier jobs still run: no controller"),
        ("exec sleep 30", "squeue does not answer within 1 s"),
    ],
)
def test_a_cluster_that_does_not_tell(
    submitted: Path, programs: Put, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    monkeypatch.setattr(earlier, "_TIMEOUT", 1)
    programs("squeue", script)
    with pytest.raises(VistokError) as error:
        earlier.check_no_jobs()
    assert message in str(error.value) and f"remove {submitted.relative_to(Path.cwd())}" in str(error.value)


def test_a_machine_without_slurm(submitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VistokError, match="this machine has no squeue to tell whether they still run"):
        earlier.check_no_jobs()
