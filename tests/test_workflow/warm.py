"""Programs that are started often, run in forks of one process that has imported what they import.

Importing Snakemake or PyTorch takes longer than most of what tests have them do. A fork is the program itself, with
the arguments, folder, environment and output of whoever started it; only what happens as a process starts is not tried.

python warm.py serve SOCKET MODULE...      imports the modules, then forks for each start, until its input ends
python warm.py run SOCKET MODULE WORD...   has MODULE's `main` run so, and ends as it does
"""

import gc
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

_LONGEST = 200_000
_STANDARD = (0, 1, 2)


class Warm:
    """A process that has imported some modules; `environment` and `root` are those that it starts with."""

    def __init__(self, root: Path, environment: Mapping[str, str], *modules: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vistok-")
        self.socket = Path(self._folder.name) / "socket"
        self._process = subprocess.Popen(
            [sys.executable, __file__, "serve", str(self.socket), *modules],
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout and self._process.stdout.readline() == b"ready\n"

    def run(
        self, module: str, arguments: Sequence[str], root: Path, environment: Mapping[str, str]
    ) -> tuple[int, str]:
        """Runs a module's `main`; returns its exit status and all that it printed."""
        with tempfile.TemporaryFile("w+") as output, Path(os.devnull).open() as nothing:
            streams = [nothing.fileno(), output.fileno(), output.fileno()]
            status = _ask(self.socket, module, arguments, str(root), environment, streams)
            output.seek(0)
            return status, output.read()

    def command(self, name: str, module: str) -> dict[str, str]:
        """Returns the environment in which bash runs a module's `main` so where it is told a command's name.

        Behind `env`, too, which finds no function itself.
        """
        client = f"{sys.executable} -S -E {__file__} run {self.socket} {module}"
        return {f"BASH_FUNC_{name}%%": f'() {{ {client} "$@"; }}', "BASH_FUNC_env%%": '() { "$@"; }'}

    def close(self) -> None:
        self._process.communicate()
        self._folder.cleanup()


def _ask(
    path: Path | str,
    module: str,
    arguments: Sequence[str],
    root: str,
    environment: Mapping[str, str],
    streams: Sequence[int],
) -> int:
    request = {"module": module, "arguments": [*arguments], "root": root, "environment": {**environment}}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(str(path))
        socket.send_fds(connection, [json.dumps(request).encode()], streams)
        return int(connection.recv(_LONGEST) or 1)


def _serve(path: str, modules: Sequence[str]) -> None:
    for module in modules:
        import_module(module)
    if sources := sys.modules.get("vistok.sources"):  # what a text says stays true, whatever is edited later
        for file in sources.PACKAGE.rglob("*.py"):
            sources._parsed(file.read_bytes())
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            request, streams, *_ = socket.recv_fds(connection, _LONGEST, len(_STANDARD))
            if os.fork() == 0:
                listener.close()
                _wait_for(connection, json.loads(request), streams)
            connection.close()
            for stream in streams:
                os.close(stream)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _wait_for(connection: socket.socket, request: dict[str, object], streams: Sequence[int]) -> None:
    """Forks the program itself, and tells how it ended to whoever asked."""
    if (child := os.fork()) == 0:
        connection.close()
        _become(streams=streams, **request)  # type: ignore[arg-type]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(str(status if status >= 0 else 128 - status).encode())
    os._exit(0)


def _become(
    module: str, arguments: list[str], root: str, environment: dict[str, str], streams: Sequence[int]
) -> None:
    for standard, stream in zip(_STANDARD, streams, strict=True):
        os.dup2(stream, standard)
        os.close(stream)
    os.chdir(root)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.argv = [module, *arguments]
    sys.exit(import_module(module).main())


if __name__ == "__main__":
    verb, where, *words = sys.argv[1:]
    if verb == "serve":
        _serve(where, words)
    else:
        sys.exit(_ask(where, words[0], words[1:], str(Path.cwd()), os.environ, _STANDARD))
