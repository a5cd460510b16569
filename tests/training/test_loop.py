"""The training loop: stopped and resumed at any step, shared out over processes, and what it says meanwhile."""

import contextlib
import os
import pty
import re
import runpy
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tests.forking import run_together
from torch import Tensor

from vistok.errors import VistokError
from vistok.training.batches import Batch
from vistok.training.learner import Learner
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.progress import Progress
from vistok.training.schedule import rate_at
from vistok.training.state import Curves

Make = Callable[..., Learner]


def run(learner: Learner, plan: Plan, state: Path, identity: str = "a") -> Curves:
    torch.manual_seed(7)
    return train(learner, plan, state=state, identity=identity, name="toy")


def content(file: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """Returns what a saved state says and holds; safetensors writes what it says in any order."""
    with safe_open(file, "pt") as saved:
        return saved.metadata(), {name: saved.get_tensor(name).numpy().tobytes() for name in saved.keys()}  # noqa: SIM118


def digest(learner: Learner) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in learner.state_dict().items()}


@pytest.fixture(scope="module")
def undisturbed(
    make_learner: Make, plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], Curves, dict[int, object]]:
    """Final weights, curves, and the state after each step (optimiser included) of a training left alone."""
    learner, states = make_learner(), {}
    file = tmp_path_factory.mktemp("undisturbed") / "state.safetensors"

    def keep(step: int) -> None:
        if step:
            states[step] = content(file)

    learner.before_step = keep
    curves = run(learner, replace(plan, save_every=1), file.parent)
    return digest(learner), curves, states


def once_at(wanted: int, do: Callable[[int], object]) -> Callable[[int], None]:
    return lambda step: None if step != wanted else do(step) and None


class TestResuming:
    """Whatever ended a training, the next start ends in the bytes of one that was left alone."""

    def test_training_changes_what_it_should(self, make_learner: Make, undisturbed) -> None:
        fresh, (weights, curves, states) = digest(make_learner()), undisturbed
        changed = {name.partition(".")[0] for name in fresh if fresh[name] != weights[name]}
        assert changed == {"student", "teacher"}
        assert [point["step"] for point in curves] == [3, 6, 9, 12]
        assert sorted(states) == [*range(1, 12)]
        kept = {"optimiser.0.momentum", "optimiser.1.exp_avg"}
        assert all(kept <= tensors.keys() for _, tensors in states.values())

    @pytest.mark.parametrize("last", range(1, 12))
    def test_after_a_stop(
        self, make_learner: Make, plan: Plan, state: Path, undisturbed, stop, last: int
    ) -> None:
        weights, curves, states = undisturbed
        learner = make_learner()
        learner.before_step = once_at(last - 1, stop)
        with pytest.raises(
            VistokError, match=f"toy: stopped at step {last} on request; the next start goes on"
        ):
            run(learner, plan, state)
        assert content(state / "state.safetensors") == states[last]
        learner = make_learner(seed=3)
        learner.backbone.load_state_dict(make_learner().backbone.state_dict())
        assert run(learner, plan, state) == curves
        assert digest(learner) == weights

    @pytest.mark.parametrize("last", [0, 4, 5, 11])
    def test_after_an_error(
        self, make_learner: Make, plan: Plan, state: Path, undisturbed, last: int
    ) -> None:
        def fail(step: int) -> None:
            raise OSError("the disk is gone")

        learner = make_learner()
        learner.before_step = once_at(last, fail)
        with pytest.raises(OSError, match="the disk is gone"):
            run(learner, plan, state)
        assert (state / "state.safetensors").is_file() == (last >= 5)
        learner = make_learner()
        assert run(learner, plan, state) == undisturbed[1]
        assert digest(learner) == undisturbed[0]

    def test_after_many_stops(self, make_learner: Make, plan: Plan, state: Path, undisturbed, stop) -> None:
        for step in (1, 2, 6, 10):
            learner = make_learner()
            learner.before_step = once_at(step, stop)
            with pytest.raises(VistokError, match=f"stopped at step {step + 1}"):
                run(learner, plan, state)
        learner = make_learner()
        assert run(learner, plan, state) == undisturbed[1]
        assert digest(learner) == undisturbed[0]

    def test_a_stop_in_the_last_step_is_an_end(
        self, make_learner: Make, plan: Plan, state: Path, undisturbed, stop
    ) -> None:
        learner = make_learner()
        learner.before_step = once_at(11, stop)
        assert run(learner, plan, state) == undisturbed[1]
        assert digest(learner) == undisturbed[0]

    def test_a_finished_training_that_starts_again_ends_the_same(
        self, make_learner: Make, plan: Plan, state: Path, undisturbed
    ) -> None:
        for _ in range(2):
            learner = make_learner()
            assert run(learner, plan, state) == undisturbed[1]
            assert digest(learner) == undisturbed[0]

    def test_a_state_of_another_identity_is_passed_over(
        self, make_learner: Make, plan: Plan, state: Path, undisturbed, stop
    ) -> None:
        learner = make_learner(seed=4)
        learner.before_step = once_at(6, stop)
        with pytest.raises(VistokError):
            run(learner, plan, state, identity="another")
        learner = make_learner()
        assert run(learner, plan, state) == undisturbed[1]
        assert digest(learner) == undisturbed[0]

    def test_a_truncated_state_is_passed_over(
        self, make_learner: Make, plan: Plan, state: Path, undisturbed, stop
    ) -> None:
        learner = make_learner()
        learner.before_step = once_at(6, stop)
        with pytest.raises(VistokError):
            run(learner, plan, state)
        file = state / "state.safetensors"
        file.write_bytes(file.read_bytes()[:-10])
        learner = make_learner()
        assert run(learner, plan, state) == undisturbed[1]
        assert digest(learner) == undisturbed[0]


def test_a_stop_is_heard_only_while_training(make_learner: Make, plan: Plan, state: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run(make_learner(), plan, state)
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_curves_tell_the_rate_of_each_step(make_learner: Make, plan: Plan, state: Path) -> None:
    for point in run(make_learner(), plan, state):
        wanted = plan.optimiser.learning_rate * rate_at(int(point["step"]) - 1, plan.steps, plan.optimiser)
        assert point["rate"] == wanted


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_one_clear_error(
    make_learner: Make, plan: Plan, state: Path, value: float
) -> None:
    learner = make_learner()

    def spoil(step: int) -> None:
        with torch.no_grad():
            learner.backbone.weight.fill_(value)

    learner.before_step = once_at(4, spoil)
    with pytest.raises(VistokError, match=r"toy: the loss is (nan|inf) at step 6\. Lower the learning rate"):
        run(learner, plan, state)


class TestProgress:
    """A bar on a terminal, a line now and then in a file."""

    @pytest.fixture
    def on_terminal(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], str]:
        """Does something with a real terminal as standard error; returns what the terminal was given."""

        def watch(do: Callable[[], object]) -> str:
            ours, theirs = pty.openpty()
            with os.fdopen(theirs, "w") as stream, monkeypatch.context() as patch:
                patch.setattr(sys, "stderr", stream)
                do()
            said = b""
            with contextlib.suppress(OSError):  # Linux ends a terminal that nobody writes to with an error
                while more := os.read(ours, 1 << 16):
                    said += more
            os.close(ours)
            return said.decode()

        return watch

    def test_a_bar_fills_on_a_terminal(
        self, on_terminal: Callable[..., str], make_learner: Make, plan: Plan, state: Path
    ) -> None:
        output = on_terminal(lambda: run(make_learner(), plan, state))
        drawn = re.findall(r"\rtoy \[(#*) *\] (\d+)/12 loss \d+\.\d{3} +", output)
        assert [(len(bar), step) for bar, step in drawn] == [(7, "3"), (15, "6"), (22, "9"), (30, "12")]
        assert output.count("\n") == 1 and output.endswith("\r\n")

    def test_the_bar_is_seen_before_it_is_full(self, on_terminal: Callable[..., str]) -> None:
        assert "5/10" in on_terminal(lambda: Progress("toy", 10, 0, quiet=False).show(5, 1.0))

    def test_a_shorter_bar_leaves_nothing_of_a_longer_one(self, on_terminal: Callable[..., str]) -> None:
        def draw() -> None:
            progress = Progress("toy", 10, 0, quiet=False)
            progress.show(5, 10.123)
            progress.show(6, 9.876)

        first, second = on_terminal(draw).split("\r")[1:]
        assert len(second) >= len(first)

    def test_plain_lines_in_a_file(
        self, make_learner: Make, plan: Plan, state: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(make_learner(), replace(plan, steps=100, note_every=1), state)
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 10
        assert all(re.fullmatch(r"toy: step \d+0 of 100, loss \d+\.\d{4}", line) for line in lines)

    def test_the_last_line_is_never_missing(self, capsys: pytest.CaptureFixture[str]) -> None:
        progress = Progress("toy", 95, 0, quiet=False)
        for step in range(1, 96):
            progress.show(step, 0.5)
        assert capsys.readouterr().err.splitlines()[-1] == "toy: step 95 of 95, loss 0.5000"

    def test_where_it_goes_on_is_said_first(
        self, make_learner: Make, plan: Plan, state: Path, stop, capsys: pytest.CaptureFixture[str]
    ) -> None:
        learner = make_learner()
        learner.before_step = once_at(6, stop)
        with pytest.raises(VistokError):
            run(learner, plan, state)
        capsys.readouterr()
        run(make_learner(), plan, state)
        assert capsys.readouterr().err.splitlines()[0] == "toy: goes on from step 7 of 12"

    def test_one_process_of_many_speaks(self, capsys: pytest.CaptureFixture[str]) -> None:
        Progress("toy", 10, 5, quiet=True).show(10, 1.0)
        assert capsys.readouterr().err == ""


class Indexed(Learner):
    """Learns nothing but which batches it was given, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.seen: list[list[float]] = []

    def batch(self, step: int, process: int, processes: int) -> Batch:
        return {"inputs": torch.arange(3.0) + 10 * step}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        self.seen.append(batch["inputs"].tolist())
        return (self.weight * batch["inputs"]).sum(), torch.tensor(3.0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_workers_make_the_same_batches(plan: Plan, state: Path) -> None:
    learners = [Indexed(), Indexed()]
    curves = [
        run(learner, replace(plan, steps=7, workers=workers), state / str(workers))
        for learner, workers in zip(learners, (0, 2), strict=True)
    ]
    assert (
        learners[0].seen
        == learners[1].seen
        == [[10.0 * step + index for index in range(3)] for step in range(7)]
    )
    assert curves[0] == curves[1]
    assert digest(learners[0]) == digest(learners[1])


def test_the_loss_is_a_mean_by_weight(plan: Plan, state: Path) -> None:
    class Weighted(Indexed):
        def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
            return (self.weight * 0 + torch.tensor([1.0, 2.0, 30.0])).sum(), torch.tensor(11.0)

    assert [point["loss"] for point in run(Weighted(), plan, state)] == [3.0] * 4


def test_deterministic_runs_are_seeded_and_single_threaded() -> None:
    before = torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(2)
    try:
        make_deterministic(3)
        first = torch.rand(4)
        make_deterministic(3)
        assert torch.equal(torch.rand(4), first)
        assert torch.are_deterministic_algorithms_enabled() and torch.get_num_threads() == 1
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(before)


SHARED = """
import os
import signal
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from torch import nn
from vistok.errors import VistokError
from vistok.grid.recipes import Optimiser
from vistok.training.learner import Learner
from vistok.training.loop import Plan, train

class Words(Learner):
    # Says words after words; rows differ in length, and so do the weights of what a process learns.
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.norm, self.out = nn.Embedding(9, 6), nn.LayerNorm(6), nn.Linear(6, 9)

    def batch(self, step, process, processes):
        rows = [torch.Generator().manual_seed(place) for place in range(8 * step + process, 8 * step + 8, processes)]
        ids = torch.stack([torch.randint(9, (7,), generator=row) for row in rows])
        weights = torch.stack([5.0 * torch.rand(6, generator=row).round() for row in rows])
        mask = torch.arange(7) < torch.tensor([[4], [7], [2], [6], [6], [3], [7], [5]])[process::processes]
        weights = weights * mask[:, 1:] * (torch.arange(8)[process::processes, None] + 1)
        return {"ids": ids, "weights": torch.cat([torch.zeros(len(ids), 1), weights], 1), "mask": mask.long()}

    def forward(self, batch):
        said = self.out(self.norm(self.words(batch["ids"][:, :-1])))
        losses = nn.functional.cross_entropy(said.flatten(0, 1), batch["ids"][:, 1:].flatten(), reduction="none")
        return (losses * batch["weights"][:, 1:].flatten()).sum(), batch["weights"].sum()

class StoppedWords(Words):
    # The last process alone is asked to stop; no step may be left half-taken by the others.
    def after_step(self, step):
        if step == 3 and int(os.environ.get("RANK", 0)) == int(os.environ.get("WORLD_SIZE", 1)) - 1:
            signal.raise_signal(signal.SIGTERM)

torch.set_num_threads(1)
out = Path(sys.argv[1])
optimiser = Optimiser(learning_rate=1e-2, warmup_steps=1, clip_norm=0.5)
plan = Plan(6, optimiser, save_every=50, note_every=1, positions=int(sys.argv[2]), workers=int(sys.argv[3]))
try:
    train(StoppedWords(), plan, state=out / "state", identity="a", name="toy")
except VistokError as error:
    print(error)
curves = train(learner := Words(), plan, state=out / "state", identity="a", name="toy")
process = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
tensors = learner.state_dict() | {"losses": torch.tensor([point["loss"] for point in curves])}
save_file(tensors, out / f"{process}.safetensors")
"""


def test_two_processes_stop_together_and_take_the_steps_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them has a worker, and takes its four examples of a step in parts of two, cut by length."""
    script, alone, both = tmp_path / "shared.py", tmp_path / "alone", tmp_path / "both"
    script.write_text(SHARED)
    for folder in (alone, both):
        folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", [str(script), str(alone), "56", "0"])
        runpy.run_path(str(script))
    run_together(script, 2, str(both), "14", "1", log=both / "log")
    log = (both / "log").read_text()
    assert log.count("toy: stopped at step 4 on request") == 2, "all stop at the same step"
    assert re.findall(r"toy: (?:step|goes on from step) (\d)", log) == [*"1234", "4", *"56"], "one speaks"
    expected = load_file(alone / "0.safetensors")
    first, second = load_file(both / "0.safetensors"), load_file(both / "1.safetensors")
    for name, tensor in expected.items():
        assert torch.equal(first[name], second[name]), name
        assert torch.allclose(first[name], tensor, atol=1e-5), name
