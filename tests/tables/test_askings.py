"""One model asked in two ways: its rows stand beside each other, and the paired difference under them."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vistok.evaluation.pairs import ByImage
from vistok.grid.load import load_study
from vistok.grid.runs import Released
from vistok.grid.tables import ReleasedRow
from vistok.grid.tables import Row as MadeRow
from vistok.grid.tasks import Decoding
from vistok.pages.askings import askings_in_words
from vistok.tables.askings import askings
from vistok.tables.pairs import families
from vistok.tables.report import Row
from vistok.tables.values import AVERAGE, Cell, Column

COLUMNS = (
    Column("coco-oc", "COCO-OC", "accuracy", "released", {}, 1),
    Column(AVERAGE, "Avg", "mean", "", {}, 1),
)


def row(model: str, values: np.ndarray, even: str = "", *, evenly: bool = False) -> Row:
    cell = Cell(1, ours=float(values.mean()), by_image=ByImage(values[None], np.ones(len(values))))
    return Row((model,), (Released(model=model),), (cell, Cell(1)), evenly=evenly, even=even)


def test_the_difference_is_paired_over_images() -> None:
    hard = np.random.default_rng(0).normal(50, 30, 200)
    gain = np.random.default_rng(1).normal(-4, 1, 200)
    (found,) = askings(
        [row("a", hard, evenly=True), row("b", hard + gain, "released/a"), row("c", hard)], COLUMNS
    )
    (change, average) = found.changes
    assert (found.row.labels, found.even.labels, average) == (("b",), ("a",), None)
    assert change and change.difference == pytest.approx(gain.mean())
    error = gain.std(ddof=1) / 200**0.5
    assert change.low == pytest.approx(gain.mean() - 1.96 * error, rel=0.01)
    assert change.high == pytest.approx(gain.mean() + 1.96 * error, rel=0.01)


def test_a_row_without_the_other_asking_in_its_table_is_set_beside_nothing() -> None:
    values = np.random.default_rng(0).normal(50, 30, 50)
    assert askings([row("b", values, "released/a"), row("c", values, evenly=True)], COLUMNS) == ()
    assert askings([row("b", values, "released/a"), row("a", values)], COLUMNS) == ()


def test_one_run_that_is_asked_in_two_ways_stands_beside_itself() -> None:
    values = np.random.default_rng(0).normal(50, 30, 50)
    (found,) = askings([row("a", values), row("a", values + 3, evenly=True)], COLUMNS)
    assert found.changes[0] and found.changes[0].difference == pytest.approx(-3)


def test_where_some_rows_are_asked_evenly_those_alone_are_compared() -> None:
    values = np.random.default_rng(0).normal(50, 30, 50)
    rows = [row("a", values), row("a", values + 3, evenly=True), row("b", values + 9, evenly=True)]
    printed = [
        replace(entry, cells=tuple(replace(cell, published=Decimal(1)) for cell in entry.cells))
        for entry in rows
    ]
    (found,) = families(printed, COLUMNS)
    assert found.rows == ("released/a", "released/b")
    assert found.columns[0].pairs[0].difference == pytest.approx(-6)


def test_the_change_is_told_with_its_sign() -> None:
    values = np.linspace(0, 100, 50)
    rows = (row("a", values, evenly=True), row("b", values - np.linspace(1, 3, 50), "released/a"))
    (told,) = askings_in_words(SimpleNamespace(rows=rows, columns=COLUMNS, main_label=0))  # type: ignore[arg-type]
    assert told.name == "a" and told.changes[0].startswith("\N{MINUS SIGN}2.0 [")
    (told,) = askings_in_words(  # the other way round
        SimpleNamespace(  # type: ignore[arg-type]
            rows=(
                replace(rows[0], evenly=False, even="released/b"),
                replace(rows[1], evenly=True, even=""),
            ),
            columns=COLUMNS,
            main_label=0,
        )
    )
    assert told.name == "b" and told.changes[0].startswith("+2.0 [")


def test_the_table_of_released_models_asks_each_evenly_and_as_gvts_code_asks(repository: Path) -> None:
    study = load_study("paper", root=repository)
    rows = study.table("table-5-released").rows
    shown = {row.model: row for row in rows if isinstance(row, ReleasedRow)}
    asked = {name: study.released_model(name) for name in shown}
    assert {name: entry.even for name, entry in asked.items() if entry.even} == {
        "llava-as-asked": "llava",
        "minigpt-4-as-asked": "minigpt-4",
        "blip-2-as-asked": "blip-2",
    }
    for name, entry in asked.items():
        assert bool(shown[name].instead) == (not entry.even)
        if not entry.even:
            assert not entry.prompts and not entry.decoding, "the tasks' own"
            continue
        other = study.released_model(entry.even)
        assert (entry.weights, entry.parameters_m) == (other.weights, other.parameters_m)
    own = [bool(row.instead) for row in rows if isinstance(row, MadeRow)]
    assert own == [False, True], "GVT, too"
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


def test_evenly_is_one_prompt_a_task_greedily_with_as_many_new_tokens(repository: Path) -> None:
    study = load_study("paper", root=repository)
    table = study.table("table-5-released")
    evenly = {study.measured(table.id, row) for row in table.rows if row.instead}
    (tasks,) = evenly
    assert {study.task(task).decoding for task in tasks} == {Decoding(beams=1, max_new_tokens=32)}
    kinds = {study.task(task).kind: study.task(task).prompt for task in tasks}
    assert len(set(kinds.items())) == 4 and all(
        study.task(t).prompt == kinds[study.task(t).kind] for t in tasks
    )
    asked_as_printed = [column.task for column in table.columns]
    assert [study.task(task).kind for task in tasks] == [study.task(task).kind for task in asked_as_printed]
    assert [study.task_files(task) for task in tasks] == [study.task_files(task) for task in asked_as_printed]
