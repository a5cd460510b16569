"""curves.csv is read as it was written, and refused when it is anything else."""

from pathlib import Path

import pytest

from vistok.errors import VistokError
from vistok.training.curves import read_curves, write_curves

POINTS = [{"step": 20, "loss": 3.141593, "rate": 1e-05}, {"step": 40, "loss": 0.0, "rate": 0.005}]


def test_curves_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_curves(tmp_path, POINTS)
    assert read_curves(tmp_path) == POINTS
    assert (tmp_path / "curves.csv").read_text() == "step,loss,rate\n20,3.141593,1e-05\n40,0.0,0.005\n"
    write_curves(tmp_path, [])
    assert read_curves(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its header is ''"),
        ("step,loss\n1,2\n", "its header is 'step,loss'"),
        ("step,loss,rate\n1,2\n", "not a file of curves"),
        ("step,loss,rate\n1,low,3\n", "could not convert string to float: 'low'"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "curves.csv").write_text(text)
    with pytest.raises(VistokError, match=message):
        read_curves(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match=r"curves of a training not found: .*curves\.csv"):
        read_curves(tmp_path / "nowhere")
