"""Multiple choice from an official file to scores: asked of a model that is really trained, ranked and scored."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.small_study import new_checkout

from vistok.datasets.digest_list import DigestList
from vistok.errors import VistokError
from vistok.evaluation.kind import Questions
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import load_references
from vistok.evaluation.score.scoring import score_answers
from vistok.files import write_json
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tables import Row
from vistok.grid.tasks import Task, TaskFiles
from vistok.pages.notes import notes
from vistok.pages.table_csv import render_csv
from vistok.published.tables import PUBLISHED, read_published
from vistok.steps import (
    answer,
    answer_blind,
    fit_blind,
    make_world,
    pretrain_tokenizer,
    score_run,
    train_llm,
    tune_mllm,
    write_shards,
)
from vistok.tables.assemble import assemble
from vistok.tables.checks import check_tables

RUN = "clip/frozen/vicuna-7b/seed-0"
IMAGES, DIMENSIONS = 12, (1, 3, 4)
QUESTIONS = IMAGES * len(DIMENSIONS)
OPTIONS = ("a red ring", "two blue boxes on the left of it", "green", "three small red rings")
SEED = Task(
    id="seed",
    label="SEED-Bench",
    kind="choice",
    suite="seed",
    prompt="Question: {question} Answer:",
    metric="accuracy",
    protocol="official",
    protocols=("official", "released", "mean"),
    source="for tests",
)


def official_file(photographs: list[Path]) -> dict[str, Any]:
    """Returns SEED-Bench questions about some photographs, every option as often right as any other."""
    questions = [
        {
            "question_id": f"{dimension}-{index}",
            "data_id": path.name,
            "data_type": "image",
            "question_type_id": dimension,
            "question": f"What is in the image {'?' if index % 2 else 'on the left ?'}",
            **{f"choice_{letter}": OPTIONS[(place + index) % 4] for place, letter in enumerate("abcd")},
            "answer": "ABCD"[(index + dimension) % 4],
        }
        for (index, path), dimension in product(enumerate(photographs), DIMENSIONS)
    ]
    return {"questions": questions}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Study]:
    """The smoke scale with a multiple-choice task, and one run of it that is trained for a few steps."""
    root = new_checkout(tmp_path_factory.mktemp("choice"), repository)
    loaded = load_study("smoke", root=root)
    table = loaded.table("table-2").model_copy(
        update={"rows": (Row(tokenizer="clip", recipe="frozen", llm="vicuna-7b", published=6),)}
    )
    files = TaskFiles(images=("coco/val2017",), references="seed.json")
    column = table.columns[0].model_copy(update={"task": "seed"})
    study = replace(
        loaded,
        tasks={**loaded.tasks, "seed": SEED},
        tables={"table-2": table.model_copy(update={"columns": (column,)})},
        scale=loaded.scale.model_copy(update={"tasks": {**loaded.scale.tasks, "seed": files}}),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        make_world.run(study, check=False)
        data = Paths(study).data
        write_json(data / "seed.json", official_file(sorted((data / "coco/val2017").iterdir())[:IMAGES]))
        DigestList(data, Paths(study).digest()).write()
        for image_set in (
            "web",
            *study.scale.mixture,
            *([study.scale.probe_set] if study.scale.probe_set else []),
        ):
            write_shards.run(study, image_set)
        pretrain_tokenizer.run(study, study.pretrained("clip/seed-0"))
        for llm in (study.llm("vicuna-7b").base, "vicuna-7b"):
            train_llm.run(study, str(llm))
        tune_mllm.run(study, study.run(RUN))
        yield study


def official(study: Study) -> list[dict[str, Any]]:
    content = json.loads((Paths(study).data / "seed.json").read_text())
    rows: list[dict[str, Any]] = content["questions"]
    return rows


def answered(study: Study, batch: int) -> dict[str, dict[str, Any]]:
    """Returns what the run answers, a number of questions at a time, by the question's id."""
    sized = replace(study, scale=study.scale.model_copy(update={"answer_batch": batch}))
    answer.run(sized, study.run(RUN), "seed")
    lines = Paths(study).predictions(study.run(RUN), "seed").read_text().splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


@pytest.mark.slow
def test_options_are_ranked_and_scored_through_the_steps(study: Study) -> None:
    rows = answered(study, 7)
    assert len(rows) == QUESTIONS
    for row in rows.values():
        assert row["prompt"].startswith("Question: What is in the image") and row["prompt"].endswith(
            " Answer:"
        )
        assert sorted(row["options"]) == sorted(OPTIONS)
        assert all(loss > 0 for loss in row["answer"]) and all(count > 0 for count in row["tokens"])
    assert len({tuple(row["answer"]) for row in rows.values()}) >= IMAGES, "each image has losses of its own"
    score_run.run(study, study.run(RUN), "seed")
    report = json.loads(Paths(study).metrics(study.run(RUN), "seed").read_text())
    assert (report["n"], report["of"], report["decoding"]) == (QUESTIONS, QUESTIONS, None)
    assert set(report["answers"]) == {"official", "released", "mean"}
    truth = {row["question_id"]: row["answer"] for row in official(study)}
    for protocol, divisor in (
        ("official", lambda row: np.ones(4)),
        ("mean", lambda row: np.array(row["tokens"])),
    ):
        letters = {
            key: "ABCD"[int(np.argmin(np.array(row["answer"]) / divisor(row)))] for key, row in rows.items()
        }
        right = 100 * sum(letters[key] == truth[key] for key in truth) / QUESTIONS
        assert report["answers"][protocol]["metrics"]["accuracy"] == pytest.approx(right, abs=1e-5)
    cells = report["answers"]["official"]["cells"]
    assert {name: cell["n"] for name, cell in cells.items()} == {
        "Scene Understanding": IMAGES, "Instance Attributes": IMAGES, "Instance Location": IMAGES,
    }  # fmt: skip
    for name, cell in cells.items():
        low, high = cell["intervals"]["accuracy"]
        assert (
            low
            <= cell["metrics"]["accuracy"]
            == report["answers"]["official"]["by_type"][name]["accuracy"]
            <= high
        )


@pytest.mark.slow
def test_the_batch_changes_no_choice(study: Study) -> None:
    ranked = [answered(study, batch) for batch in (1, 5, 64)]
    for one, other in pairwise(ranked):
        for key, row in one.items():
            assert row["tokens"] == other[key]["tokens"]
            assert np.allclose(row["answer"], other[key]["answer"], rtol=1e-4)
            assert np.argmin(row["answer"]) == np.argmin(other[key]["answer"])


@pytest.mark.slow
def test_blind_baselines_of_multiple_choice_are_scored_too(study: Study) -> None:
    answer_blind.run(study, "vicuna-7b", "seed")
    fit_blind.run(study, "seed")
    report = json.loads(Paths(study).blind("seed").read_text())
    blind = [
        json.loads(line)
        for line in Paths(study).blind_predictions("vicuna-7b", "seed").read_text().splitlines()
    ]
    by_text: dict[tuple[str, ...], set[tuple[float, ...]]] = {}
    for row in blind:
        by_text.setdefault((row["prompt"], *row["options"]), set()).add(tuple(np.round(row["answer"], 3)))
    assert {len(losses) for losses in by_text.values()} == {1}, (
        "nothing but the words decides without the image"
    )
    for name in ("constant", "longest-option"):
        assert set(report[name]) == {"official", "released", "mean"}
    assert set(report["text_only"]["vicuna-7b"]) == {"official", "released", "mean"}
    longest = OPTIONS.index(max(OPTIONS, key=len))
    right = [
        row["answer"] == "ABCD"[[row[f"choice_{letter}"] for letter in "abcd"].index(OPTIONS[longest])]
        for row in official(study)
    ]
    assert report["longest-option"]["official"]["metrics"]["accuracy"] == pytest.approx(
        100 * np.mean(right), abs=1e-5
    )


@pytest.mark.slow
def test_a_tables_columns_are_dimensions_each_with_its_own_interval(study: Study) -> None:
    """Two columns of one task, answered once: each cell is of one dimension's questions alone."""
    answered(study, 7)
    score_run.run(study, study.run(RUN), "seed")
    answer_blind.run(study, "vicuna-7b", "seed")
    fit_blind.run(study, "seed")
    (column,) = study.table("table-2").columns
    parts = ("Scene Understanding", "Instance Attributes")
    columns = tuple(
        column.model_copy(update={"part": part, "published": header})
        for part, header in zip(parts, ("VQA", "COCO-OC"), strict=True)
    )
    table = study.table("table-2").model_copy(update={"columns": columns})
    unbounded = study.scale.model_copy(update={"floors": {}, "ceilings": {}})
    shown = replace(study, tables={"table-2": table}, scale=unbounded)
    report = assemble(shown, "table-2", read_published(PUBLISHED, 2))
    cells = json.loads(Paths(study).metrics(study.run(RUN), "seed").read_text())["answers"]["official"][
        "cells"
    ]
    for part, column_, cell in zip(parts, report.columns, report.rows[0].cells, strict=True):
        assert (column_.n, column_.of, cell.n, cell.of) == (IMAGES, IMAGES, IMAGES, IMAGES)
        assert cell.ours == cells[part]["metrics"]["accuracy"]
        assert [cell.low, cell.high] == cells[part]["intervals"]["accuracy"]
        assert cell.protocols.keys() == set(SEED.protocols)
    blind = {row.name: row for row in report.baselines}
    assert list(blind) == ["constant", "longest-option", "text-only-vicuna-7b"]
    assert blind["longest-option"].title == "Blind: longest option"
    assert all(value is not None for row in report.baselines for value in row.values)
    assert any("the longest option instead of the prior" in note for note in notes(report))
    assert "seed (Instance Attributes)" in render_csv(report)
    wrong = table.model_copy(update={"columns": (column.model_copy(update={"part": "Instance Atributes"}),)})
    with pytest.raises(VistokError, match=r"unknown type of choice questions .*'Instance Attributes'"):
        check_tables(replace(study, tables={"table-2": wrong}))


def question(number: int, answer: str, *options: str) -> dict[str, Any]:
    texts = {f"choice_{letter}": text for letter, text in zip("abcd", options, strict=True)}
    return {
        "question_id": number, "data_id": f"{number}.jpg", "question_type_id": 1, "question": "?", "answer": answer,
        **texts,
    }  # fmt: skip


def test_the_longest_option_is_the_first_of_the_longest(tmp_path: Path) -> None:
    kind, path = task_kind("choice"), tmp_path / "seed.json"
    rows = [question(1, "B", "a", "abc", "xyz", ""), question(2, "A", "long one", "s", "s", "s")]
    write_json(path, {"questions": [*rows, *(question(number, "B", *"abcd") for number in range(3, 12))]})
    records = kind.read(path)
    blind = kind.blind(Questions(records, kind.texts(records, path, None)), None)
    assert blind["longest-option"][:2] == ["B", "A"]
    assert set(blind["constant"]) == {"B"}
    asked = Questions(records[:2], ["?", "?"])
    assert kind.blind(asked, Questions(records[1:2], ["?"]))["constant"] == ["A", "A"]
    assert kind.blind(Questions(records[:1], ["?"]), None).keys() == {"longest-option"}


def test_a_cell_of_one_type_is_what_its_questions_score_alone(shared_data: Path) -> None:
    questions = load_references("choice", shared_data / "seedbench" / "SEED-Bench-1_examples.json")
    said = dict(zip(map(str, questions.ids), ("A", "A", "B", "A"), strict=True))
    whole = score_answers(questions, said, protocols=["official"])["official"]
    for record in questions.records:
        alone = score_answers(questions.of_questions([record.question_id]), said, protocols=["official"])[
            "official"
        ]
        (name,) = alone["by_type"]
        assert whole["cells"][name]["metrics"]["accuracy"] == alone["metrics"]["accuracy"]
