"""Whoever waits is told what for; whoever does not is told nothing."""

import time

import pytest

from vistok.progress import reporting, stage


def test_long_work_tells_its_innermost_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting("vistok score", patience=0.05), stage("reading"), stage("scoring 3 answers"):
        time.sleep(0.5)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "vistok score: scoring 3 answers, 0 s so far"
    assert 1 <= len(lines) <= 4, "ever more seldom"


def test_short_work_and_work_that_is_not_shown_tell_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting("vistok score"):
        pass
    with reporting("vistok tabulate", shown=False, patience=0.01):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_work_outside_any_stage_is_at_work(capsys: pytest.CaptureFixture[str]) -> None:
    with stage("over"):
        pass
    with reporting("x", patience=0.05):
        time.sleep(0.2)
    assert capsys.readouterr().err.startswith("x: at work, 0 s so far\n")
