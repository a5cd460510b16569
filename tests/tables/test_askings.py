"""One model asked in two ways: its rows stand beside each other, and the paired difference under them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vistok.evaluation.pairs import ByImage
from vistok.grid.load import load_study
from vistok.grid.runs import Released
from vistok.pages.askings import askings_in_words
from vistok.tables.askings import askings
from vistok.tables.report import Row
from vistok.tables.values import AVERAGE, Cell, Column

COLUMNS = (
    Column("coco-oc", "COCO-OC", "accuracy", "released", {}, 1),
    Column(AVERAGE, "Avg", "mean", "", {}, 1),
)


def row(model: str, values: np.ndarray, even: str = "") -> Row:
    cell = Cell(1, ours=float(values.mean()), by_image=ByImage(values[None], np.ones(len(values))))
    return Row((model,), (Released(model=model),), (cell, Cell(1)), even=even)


def test_the_difference_is_paired_over_images() -> None:
    hard = np.random.default_rng(0).normal(50, 30, 200)
    gain = np.random.default_rng(1).normal(-4, 1, 200)
    (found,) = askings([row("a", hard), row("b", hard + gain, "released/a"), row("c", hard)], COLUMNS)
    (change, average) = found.changes
    assert (found.row.labels, found.even.labels, average) == (("b",), ("a",), None)
    assert change and change.difference == pytest.approx(gain.mean())
    error = gain.std(ddof=1) / 200**0.5
    assert change.low == pytest.approx(gain.mean() - 1.96 * error, rel=0.01)
    assert change.high == pytest.approx(gain.mean() + 1.96 * error, rel=0.01)


def test_a_row_without_the_other_asking_in_its_table_is_set_beside_nothing() -> None:
    values = np.random.default_rng(0).normal(50, 30, 50)
    assert askings([row("b", values, "released/a"), row("c", values)], COLUMNS) == ()


def test_the_change_is_told_with_its_sign() -> None:
    values = np.linspace(0, 100, 50)
    rows = (row("a", values), row("b", values - np.linspace(1, 3, 50), "released/a"))
    (told,) = askings_in_words(SimpleNamespace(rows=rows, columns=COLUMNS, main_label=0))  # type: ignore[arg-type]
    assert told.name == "a" and told.changes[0].startswith("\N{MINUS SIGN}2.0 [")
    (told,) = askings_in_words(  # the other way round
        SimpleNamespace(  # type: ignore[arg-type]
            rows=(replace(rows[0], even="released/b"), replace(rows[1], even="")),
            columns=COLUMNS,
            main_label=0,
        )
    )
    assert told.name == "b" and told.changes[0].startswith("+2.0 [")


def test_the_table_of_released_models_asks_each_as_gvt_is_asked_and_as_its_code_asks(
    repository: Path,
) -> None:
    study = load_study("paper", root=repository)
    shown = [subject.model for subject in study.subjects("table-5-released") if isinstance(subject, Released)]
    asked = {name: study.released_model(name) for name in shown}
    assert {name: entry.even for name, entry in asked.items() if entry.even} == {
        "llava-as-asked": "llava",
        "blip-2-as-asked": "blip-2",
    }
    even = [entry for entry in asked.values() if not entry.even]
    assert all(not entry.prompts and not entry.decoding for entry in even), "the tasks' own"
    for entry in filter(lambda entry: entry.even, asked.values()):
        other = study.released_model(entry.even or "")
        assert (entry.weights, entry.parameters_m) == (other.weights, other.parameters_m)
    assert not any(isinstance(subject, Released) for subject in study.subjects()), (
        "built where it is asked for"
    )
    sampled = study.released_model("llava-as-asked").decoding
    assert {kind: own.temperature for kind, own in sampled.items()} == {
        "caption": 0.7,
        "vqa": None,
        "counting": 0.7,
        "identification": 0.7,
    }
