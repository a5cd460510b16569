"""What the three trainings share: a single writer, an identity, and no repeated work."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vistok.chain.checkpoints import checkpoint_name
from vistok.files import digest_value
from vistok.grid.paths import Paths
from vistok.locks import only_writer
from vistok.provenance import Stopwatch, is_finished
from vistok.steps.decided import report_finished
from vistok.training.devices import device_of
from vistok.training.processes import is_first, join


@dataclass(frozen=True)
class Training:
    """One training to run.

    Attributes:
        out: the folder of its checkpoint.
        name: what the checkpoint calls itself.
        state: the folder of its resumable state.
        identity: the digest of everything that decides its result.
    """

    out: Path
    name: str
    state: Path
    identity: str

    def about(self, stopwatch: Stopwatch, inputs: Mapping[str, str]) -> dict[str, Any]:
        """Returns what provenance.json says."""
        return stopwatch.provenance(inputs, name=self.name, identity=self.identity)


@contextmanager
def training(paths: Paths, out: Path, decided_by: object, *, gpus: int = 0) -> Iterator[Training | None]:
    """Yields the training of a checkpoint, whose output it locks meanwhile; None if it is already done.

    The state outlives the training, as the output may still be lost after the step. It is removed once a job of the
    workflow has found the checkpoint complete, see `forget_state`.

    Args:
        paths: of the study.
        out: the folder of the checkpoint.
        decided_by: everything that decides the result, as a JSON-like value.
        gpus: how many its job asks for.

    Raises:
        VistokError: another process is at it, or its GPU is not there.
    """
    join()
    work = Training(out, checkpoint_name(paths, out), paths.state(out), digest_value(decided_by))
    with only_writer(out) if is_first() else nullcontext():
        if not is_finished(out, work.identity):
            device_of(gpus)  # before anything is loaded
            yield work
            return
        report_finished(paths, out)
        yield None
