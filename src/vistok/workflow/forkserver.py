"""A fork server: jobs on this machine are forks of one process that has imported the packages that they import.

Importing PyTorch and transformers takes five seconds of a processor, and a build of mini starts two hundred jobs. A
fork has the arguments, folder, environment, streams and ignored signals of whoever asks for it; signals are passed on
to it, and it dies with whoever asked. It imports vistok itself, so that an edit is never missed. Where no server
answers, a job starts by itself.

    python forkserver.py serve DESCRIPTOR MODULE...   serves a listening socket until its standard input ends
    python forkserver.py run SOCKET MODULE WORD...    runs MODULE's `main` in a fork, or by itself, and ends as it does

No import from this package: each job starts with it.
"""

import atexit
import gc
import json
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

FOLDER: Final = "VISTOK_FORKS"  # names, in the environment, the folder of a `vistok` that runs in forks
# What the steps import besides vistok, with the language model that mini trains.
PACKAGES: Final = (
    *("accelerate", "jinja2", "numpy", "pandas", "PIL.Image", "pyarrow.parquet", "pydantic", "scipy.special"),
    *("timm", "torch", "torchvision.ops", "transformers.modeling_utils"),
    *("transformers.models.llama.modeling_llama", "yaml"),
)
_VISTOK: Final = "vistok.__main__"
_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_DEFAULT: Final = {signal.SIGINT: signal.default_int_handler}
_LONGEST: Final = 200_000  # bytes of a request; a longer one cannot be sent
_STANDARD: Final = (0, 1, 2)


class ForkServer:
    """A server that takes requests until it is closed, or this process has ended."""

    def __init__(
        self, modules: Sequence[str] = PACKAGES, environment: Mapping[str, str] = os.environ
    ) -> None:
        """Starts a process that imports `modules`; whoever asks it sooner has to wait.

        Args:
            modules: what it imports.
            environment: where it imports them; a fork has that of whoever asks for it.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="vistok-"))
        self.socket = self.folder / "socket"
        program = shlex.join([sys.executable, "-I", "-S", __file__, "run", str(self.socket), _VISTOK])
        script = self.folder / "vistok"
        script.write_text(f'#!/bin/sh\nexec {program} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(self.socket))
            listener.listen(64)
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, "serve", str(listener.fileno()), *modules],
                env={**environment},
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )

    def close(self) -> None:
        """Ends the server, which removes its folder; its forks go on."""
        self._process.communicate()


def run(
    server: Path | str,
    module: str,
    arguments: Sequence[str],
    root: Path | str,
    environment: Mapping[str, str],
    streams: Sequence[int] = _STANDARD,
) -> int | None:
    """Runs a module's `main` in a fork, to which signals are passed on; returns its exit status, as a shell tells it.

    Returns None where no server answers: nothing has run.
    """
    request = {
        "module": module,
        "arguments": [*arguments],
        "root": str(root),
        "environment": {**environment},
        "umask": _umask(),
        "ignored": [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_IGN],
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, _passing_on() as job:
        try:
            connection.connect(str(server))
            socket.send_fds(connection, [json.dumps(request).encode()], streams)
            job.append(int(connection.recv(_LONGEST)))
        except (OSError, ValueError):
            return None
        status = int(connection.recv(_LONGEST) or -signal.SIGKILL)
        return status if status >= 0 else 128 - status


def _umask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask


@contextmanager
def _passing_on() -> Iterator[list[int]]:
    """Passes signals on to the process that the block names; before it has, they end the block."""
    job: list[int] = []

    def pass_on(number: int, _: object) -> None:
        if not job:
            sys.exit(128 + number)
        if number != signal.SIGINT:  # Ctrl-C reaches every process of a terminal's group by itself
            with suppress(ProcessLookupError):
                os.kill(job[0], number)

    before = {number: signal.signal(number, pass_on) for number in _SIGNALS}
    try:
        yield job
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(descriptor: int, modules: Sequence[str]) -> None:
    """Forks for each request until standard input ends, which whoever started this holds open."""
    for number in _SIGNALS:  # they are for the forks
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for module in modules:
        import_module(module)
    gc.freeze()
    listener = socket.socket(fileno=descriptor)
    while 0 not in select.select([listener.fileno(), 0], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(connection)
        connection.close()
    shutil.rmtree(Path(listener.getsockname()).parent, ignore_errors=True)
    os._exit(0)


def _answer(connection: socket.socket) -> NoReturn:
    """Runs what is asked for in a fork, and waits for it here; neither returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams, *_ = socket.recv_fds(connection, _LONGEST, len(_STANDARD))
    if select.select([connection], [], [], 0)[0]:  # whoever asked has gone while the server was not ready
        os._exit(0)
    if (job := os.fork()) == 0:
        connection.close()
        _become(streams=streams, **json.loads(request))
    for stream in streams:
        os.close(stream)
    with suppress(OSError):
        connection.sendall(str(job).encode())
    ended = os.pidfd_open(job)
    if ended not in select.select([connection.fileno(), ended], [], [])[0]:  # whoever asked has gone
        os.kill(job, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
    with suppress(OSError):
        connection.sendall(str(status).encode())
    os._exit(0)


def _become(
    module: str,
    arguments: list[str],
    root: str,
    environment: dict[str, str],
    umask: int,
    ignored: list[int],
    streams: Sequence[int],
) -> NoReturn:
    """Runs a module's `main` as a process would that has just started."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN if number in ignored else _DEFAULT.get(number, signal.SIG_DFL))
    for standard, stream in zip(_STANDARD, streams, strict=True):
        os.dup2(stream, standard)
        os.close(stream)
    os.chdir(root)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = [module, *arguments]
    if (threads := environment.get("OMP_NUM_THREADS", "")).isdigit() and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(threads))  # which it read when it was imported
    status: object = 1
    try:
        status = import_module(module).main()
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    _end(status)


def _end(status: object) -> NoReturn:
    """Ends this process as an interpreter would, but for taking its modules apart: with torch, half a second."""
    if not isinstance(status, int | None):
        print(status, file=sys.stderr)
        status = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status or 0)


def main(arguments: Sequence[str]) -> int:
    """Serves, or runs a module's `main`; returns the exit status."""
    if arguments[0] == "serve":
        _serve(int(arguments[1]), arguments[2:])
        return 0
    _, server, module, *words = arguments
    status = run(server, module, words, Path.cwd(), os.environ)
    if status is None:
        os.execv(sys.executable, [sys.executable, "-m", module, *words])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
