"""A forked job is the program that it would be by itself, for whoever starts it, stops it, or waits for it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vistok.grid.load import load_study
from vistok.workflow import forkserver, jobs
from vistok.workflow.forkserver import FOLDER, ForkServer
from vistok.workflow.jobs import fork_jobs, prefix

# Tells of itself on standard output, and ends as its first word says.
PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path

EDITION = 1

def main():
    end, *_ = sys.argv[1:]
    ignored = [number for number in (1, 2, 15) if signal.getsignal(number) == signal.SIG_IGN]
    print(json.dumps({
        "words": sys.argv[1:], "folder": os.getcwd(), "umask": os.umask(0o77), "given": os.environ.get("GIVEN"),
        "warm": "colorsys" in sys.modules, "input": sys.stdin.read(), "ignored": ignored, "edition": EDITION,
    }))
    print("an error", file=sys.stderr)
    if end == "fail":
        raise ValueError("failed")
    if end == "say":
        sys.exit("why it ends")
    if end == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "wait":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        Path("waits").write_text(str(os.getpid()))
        time.sleep(60)
    return int(end)

if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    server = ForkServer(["colorsys"])
    yield server
    server.close()
    assert not server.folder.exists()


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(folder: Path, server: ForkServer) -> Start:
    """Starts the program behind some words of a shell, in a fork of a server or by itself."""

    def started(*words: str, before: str = "", where: Path = server.socket) -> subprocess.Popen[str]:
        client = [sys.executable, "-I", "-S", forkserver.__file__, "run", str(where), "program", *words]
        return subprocess.Popen(
            ["bash", "-c", f'{before} exec "$@"', "-", *client],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "GIVEN": "a b"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return started


def told(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str, int]:
    output, errors = process.communicate("some input", timeout=60)
    return json.loads(output), errors, process.returncode


def waiting(process: subprocess.Popen[str], folder: Path) -> int:
    """Returns the number of the process that waits, as soon as it does."""
    assert process.stdin
    process.stdin.close()
    process.stdin = None
    for _ in range(600):
        if (folder / "waits").exists() and (number := (folder / "waits").read_text()):
            return int(number)
        time.sleep(0.05)
    raise AssertionError("nothing waits")


def status(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def gone(process: int) -> bool:
    """Whether a process ends within some seconds; one that nobody has waited for yet has ended."""
    for _ in range(200):
        try:
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_fork_is_the_program_itself(start: Start, folder: Path) -> None:
    forked = told(start("3", "a b", before="umask 027; trap '' HUP;"))
    alone = told(start("3", "a b", before="umask 027; trap '' HUP;", where=folder / "absent"))
    assert forked[0].pop("warm") and not alone[0].pop("warm")
    assert forked == alone
    assert forked[0] == {
        "words": ["3", "a b"], "folder": str(folder), "umask": 0o27, "given": "a b", "input": "some input",
        "ignored": [signal.SIGHUP], "edition": 1,
    }  # fmt: skip
    assert forked[1:] == ("an error\n", 3)


def test_it_imports_what_stands_there_now(start: Start, folder: Path) -> None:
    assert told(start("0"))[0]["edition"] == 1
    (folder / "program.py").write_text(PROGRAM.replace("EDITION = 1", "EDITION = 22"))
    assert told(start("0"))[0]["edition"] == 22


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [("fail", 1, "ValueError: failed"), ("say", 1, "why it ends"), ("die", 137, "an error")],
)
def test_however_it_ends_is_told(start: Start, end: str, status: int, said: str) -> None:
    process = start(end)
    _, errors = process.communicate("", timeout=60)
    assert process.returncode == status and said in errors


def test_told_to_stop_it_stops_itself(start: Start, folder: Path) -> None:
    process = start("wait", before="trap '' TERM;")  # as the shell of a job
    waiting(process, folder)
    process.send_signal(signal.SIGTERM)
    assert status(process) == 7


def test_it_dies_with_whoever_waits_for_it(start: Start, folder: Path) -> None:
    process = start("wait")
    number = waiting(process, folder)
    process.kill()
    assert status(process) == -signal.SIGKILL and gone(number)


def test_without_its_server_it_goes_on(start: Start, folder: Path) -> None:
    server = ForkServer(["colorsys"])
    process = start("wait", where=server.socket)
    number = waiting(process, folder)
    server.close()
    os.kill(number, signal.SIGTERM)
    assert status(process) == 7
    assert told(start("0", where=server.socket))[0]["warm"] is False


def test_a_server_ends_with_the_process_that_started_it(folder: Path) -> None:
    code = (
        "import os, signal; from vistok.workflow.forkserver import ForkServer\n"
        "server = ForkServer(['colorsys']); print(server.folder, server._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout
    where, number = output.split()
    assert gone(int(number)) and not Path(where).exists()


def test_a_job_has_the_threads_that_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import torch\n\ndef main():\n    print(torch.get_num_threads())\n")
    server = ForkServer(["torch"], {**os.environ, "OMP_NUM_THREADS": "1"})
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "3"}
    with (tmp_path / "output").open("w") as output:
        streams = [0, output.fileno(), 2]
        assert forkserver.run(server.socket, "program", [], tmp_path, environment, streams) == 0
    server.close()
    assert (tmp_path / "output").read_text() == "3\n"


def test_jobs_are_forked_where_that_saves_time(mini: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, str]] = []

    class Started(ForkServer):
        def __init__(self, environment: dict[str, str]) -> None:
            started.append(environment)
            super().__init__(["colorsys"], environment)

    monkeypatch.setattr(jobs, "ForkServer", Started)
    monkeypatch.setenv(FOLDER, "restored to nothing afterwards")
    monkeypatch.delenv(FOLDER)
    fork_jobs(mini.study, 1)
    assert FOLDER not in os.environ
    fork_jobs(mini.study, 2)
    folder = Path(os.environ[FOLDER])
    assert started[0]["HF_HUB_OFFLINE"] == "1"
    fork_jobs(mini.study, 2)
    assert len(started) == 1, "there is one already"
    shell = prefix(quiet=False).replace("{{", "{").replace("}}", "}")
    where = subprocess.run(
        ["bash", "-c", f"{shell} command -v vistok"], capture_output=True, text=True, check=True
    )
    assert where.stdout == f"{folder}/vistok\n"


def test_no_job_of_a_gpu_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    fork_jobs(load_study("paper"), 2)
    assert FOLDER not in os.environ
