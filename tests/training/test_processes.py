"""What `srun` says to its processes, said again to PyTorch."""

import pytest

from vistok.training.processes import is_first, join

STEP = {
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.7",
    "SLURM_JOB_ID": "40123",
}


def test_a_process_of_several_finds_the_others() -> None:
    environment = dict(STEP)
    join(environment)
    assert environment.items() - STEP.items() == {
        ("RANK", "3"),
        ("LOCAL_RANK", "1"),
        ("WORLD_SIZE", "4"),
        ("MASTER_ADDR", "10.0.0.7"),
        ("MASTER_PORT", "20123"),
        ("OMP_NUM_THREADS", "1"),
    }


@pytest.mark.parametrize("own", [{}, STEP | {"SLURM_STEP_NUM_TASKS": "1"}, STEP | {"RANK": "0"}])
def test_a_process_of_its_own_or_of_another_launcher_is_left_alone(own: dict[str, str]) -> None:
    environment = dict(own)
    join(environment)
    assert environment == own


def test_the_first_process_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert is_first()
    monkeypatch.setenv("RANK", "1")
    assert not is_first()
