"""`vistok score` from official files and anybody's predictions to metrics.json."""

import argparse
import gzip
import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from vistok.commands.score import add_arguments, run
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import load_references
from vistok.evaluation.score.files import score_answers_to
from vistok.evaluation.score.scoring import protocol_of, score_answers, score_questions


def score(*arguments: str | Path) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run(parser.parse_args([str(argument) for argument in arguments]))


def written(path: Path, answers: dict[Any, Any]) -> Path:
    path.write_text("".join(json.dumps({"id": key, "answer": said}) + "\n" for key, said in answers.items()))
    return path


@pytest.fixture
def paths(shared_data: Path) -> dict[str, Path]:
    return {
        "vqa": shared_data / "vqa" / "vqav2_60k_annotations_test.json.gz",
        "caption": shared_data / "coco" / "annotations" / "captions_val2017.json",
        "counting": shared_data / "gvtbench" / "coco_oc.json",
        "identification": shared_data / "gvtbench" / "vcr_mci.json",
        "choice": shared_data / "seedbench" / "SEED-Bench-1_examples.json",
    }


@pytest.mark.parametrize(
    ("kind", "said", "metric", "value"),
    [
        ("counting", "1", "accuracy", 54.27),
        ("identification", "yes", "accuracy", 50.42),
        ("choice", "B", "accuracy", 50.0),
    ],
)
def test_metrics_file_of_a_constant_answer(
    kind: str,
    said: str,
    metric: str,
    value: float,
    paths: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = load_references(kind, paths[kind]).ids
    predictions = written(tmp_path / "p.jsonl", dict.fromkeys(ids, said))
    out = tmp_path / "new" / "metrics.json"
    score(kind, "--references", paths[kind], "--predictions", predictions, "--out", out)
    result = json.loads(out.read_text())
    assert set(result) == {"task", "protocol", "n", "metrics", "intervals", "by_type"}
    assert (result["task"], result["protocol"], result["n"]) == (kind, protocol_of(kind, None), len(ids))
    assert result["metrics"][metric] == pytest.approx(value, abs=0.01)
    ends = result["intervals"][metric]
    between = f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else ""
    told = f"{out}: {metric} {value:.2f}{between} of {len(ids)} {kind} questions, {protocol_of(kind, None)} protocol\n"
    assert capsys.readouterr().out == told
    if kind == "choice":  # four questions about four images
        assert result["intervals"] == {metric: None}
        return
    low, high = result["intervals"][metric]
    assert low <= result["metrics"][metric] <= high
    assert sum(metrics["n"] for metrics in result["by_type"].values()) == len(ids)


def test_vqa_answers_from_files(paths: dict[str, Path], tmp_path: Path) -> None:
    packed = paths["vqa"].with_name("vqa_pred_test_stress_format.json.gz").read_bytes()
    answers = {row["question_id"]: row["answer"] for row in json.loads(gzip.decompress(packed))}
    expected = json.loads(paths["vqa"].with_name("reference_scores.json").read_text())["test/stress_format"]
    out = tmp_path / "metrics.json"
    arguments: list[str | Path] = [
        "--references",
        paths["vqa"],
        "--predictions",
        written(tmp_path / "p.jsonl", answers),
    ]
    score("vqa", *arguments, "--out", out, "--protocol", "lavis")
    result = json.loads(out.read_text())
    by_type = {kind: round(metrics["accuracy"], 2) for kind, metrics in result["by_type"].items()}
    assert by_type == expected["lavis_port"]["perAnswerType"]
    assert round(result["metrics"]["accuracy"], 2) == expected["lavis_port"]["overall"]
    assert (result["protocol"], result["n"]) == ("lavis", 2962)


def test_captions_from_files(paths: dict[str, Path], tmp_path: Path) -> None:
    questions = load_references("caption", paths["caption"])
    answers = {row.image_id: row.captions[0] for row in questions.records}
    out = tmp_path / "metrics.json"
    arguments: list[str | Path] = [
        "--references",
        paths["caption"],
        "--predictions",
        written(tmp_path / "p.jsonl", answers),
    ]
    score("caption", *arguments, "--out", out, "--caption-metrics", "BLEU", "--protocol", "full-set")
    result = json.loads(out.read_text())
    assert set(result["metrics"]) == {"CIDEr", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"}
    assert (result["protocol"], result["n"], result["by_type"]) == ("full-set", 74, {})
    assert result["metrics"]["BLEU-1"] == pytest.approx(100.0)


def test_losses_choose_the_option(paths: dict[str, Path], tmp_path: Path) -> None:
    rows = {"101669": [0, 1, 1, 1], "v1738": [1, 0, 1, 1], "v1962": "B", "v4397": [9, 9, 1, 9]}
    out = tmp_path / "metrics.json"
    arguments: list[str | Path] = [
        "--references",
        paths["choice"],
        "--predictions",
        written(tmp_path / "p.jsonl", rows),
    ]
    score("choice", *arguments, "--out", out)
    assert json.loads(out.read_text())["metrics"]["accuracy"] == 100.0
    written(tmp_path / "p.jsonl", rows | {"v1962": [1, 2]})
    with pytest.raises(VistokError, match=r"1 answers are not a text, or four losses.*first: id v1962"):
        score("choice", *arguments, "--out", out)


def test_missing_answers_are_an_error_or_said_in_the_file(
    paths: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "metrics.json"
    predictions = written(tmp_path / "p.jsonl", dict.fromkeys(range(9990), "1"))
    arguments: list[str | Path] = [
        "counting",
        "--references",
        paths["counting"],
        "--predictions",
        predictions,
        "--out",
        out,
    ]
    with pytest.raises(VistokError, match=r"10 questions without an answer \(first: 9990\)"):
        score(*arguments)
    assert not out.exists()
    score(*arguments, "--allow-missing")
    result = json.loads(out.read_text())
    assert result["missing"] == {"count": 10, "first": "9990", "scored": "as wrong"}
    assert result["n"] == 10_000
    assert "of 10000 counting questions, 10 of them unanswered, corrected" in capsys.readouterr().out


def test_only_answered_captions_are_scored_with_the_frequencies_of_all(
    paths: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = load_references("caption", paths["caption"])
    answers = {row.image_id: row.captions[0][:30] for row in questions.records[:10]}
    predictions = written(tmp_path / "p.jsonl", answers)
    given: list[str | Path] = [
        "--references",
        paths["caption"],
        "--predictions",
        predictions,
        "--only-answered",
    ]
    found = {}
    for protocol in task_kind("caption").protocols:
        out = tmp_path / f"{protocol}.json"
        score("caption", *given, "--protocol", protocol, "--out", out, "--caption-metrics", "CIDEr")
        found[protocol] = json.loads(out.read_text())
        value = found[protocol]["metrics"]["CIDEr"]
        low, high = found[protocol]["intervals"]["CIDEr"]
        told = (
            f"{out}: CIDEr {value:.2f} [{low:.2f}, {high:.2f}] of 10 caption questions, the answered ones of 74, "
            f"{protocol} protocol\n"
        )
        assert capsys.readouterr().out == told
        assert (found[protocol]["n"], found[protocol]["of"], "missing" in found[protocol]) == (10, 74, False)
    said = {str(key): text for key, text in answers.items()}
    whole = score_questions(questions, said, "official").values[:10]
    assert found["full-set"]["metrics"]["CIDEr"] == pytest.approx(whole.mean(), abs=1e-6)
    assert abs(found["official"]["metrics"]["CIDEr"] - whole.mean()) > 1


@pytest.mark.parametrize(
    ("kind", "said"), [("vqa", "yes"), ("counting", "1"), ("identification", "Yes."), ("choice", "B")]
)
def test_only_answered_questions_are_scored_of_every_kind(
    kind: str, said: str, paths: dict[str, Path], tmp_path: Path
) -> None:
    questions = load_references(kind, paths[kind])
    part = questions.of_questions(questions.ids[1:4])
    out, predictions = tmp_path / "m.json", written(tmp_path / "p.jsonl", dict.fromkeys(part.ids, said))
    given: list[str | Path] = [kind, "--references", paths[kind], "--predictions", predictions, "--out", out]
    score(*given, "--only-answered")
    result = json.loads(out.read_text())
    assert (result["n"], result["of"]) == (3, len(questions.ids))
    scored = score_questions(part, dict.fromkeys(map(str, part.ids), said), protocol_of(kind, None))
    assert result["metrics"] == {name: round(share, 6) for name, share in scored.metrics.items()}


def test_all_answered_is_the_whole_and_none_answered_an_error(
    paths: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids, out = load_references("choice", paths["choice"]).ids, tmp_path / "m.json"
    given: list[str | Path] = [
        "choice",
        "--references",
        paths["choice"],
        "--predictions",
        tmp_path / "p.jsonl",
    ]
    written(tmp_path / "p.jsonl", dict.fromkeys(ids, "B"))
    score(*given, "--out", out, "--only-answered")
    assert "of" not in json.loads(out.read_text())
    assert "of 4 choice questions, official" in capsys.readouterr().out
    out.unlink()
    written(tmp_path / "p.jsonl", {})
    with pytest.raises(VistokError, match=r"p\.jsonl answers none of the 4 choice questions"):
        score(*given, "--out", out, "--only-answered")
    written(tmp_path / "p.jsonl", {ids[0]: "B", "elsewhere": "B"})
    with pytest.raises(VistokError, match=r"1 ids that are no question's \(first: elsewhere\)"):
        score(*given, "--out", out, "--only-answered")
    with pytest.raises(SystemExit):
        score(*given, "--out", out, "--only-answered", "--allow-missing")
    assert "not allowed with argument" in capsys.readouterr().err
    assert not out.exists()


def test_caption_metrics_of_another_kind_are_refused(paths: dict[str, Path], tmp_path: Path) -> None:
    predictions, out = written(tmp_path / "p.jsonl", {}), tmp_path / "metrics.json"
    given: list[str | Path] = ["--references", paths["counting"], "--predictions", predictions, "--out", out]
    with pytest.raises(
        VistokError, match="--caption-metrics BLEU METEOR are metrics of captions, and counting"
    ):
        score("counting", *given, "--caption-metrics", "BLEU", "METEOR")
    assert not out.exists()


def test_a_folder_in_the_place_of_metrics_is_refused_before_work(tmp_path: Path) -> None:
    absent = tmp_path / "absent.json"
    with pytest.raises(VistokError, match=r"cannot write .*: Is a directory.* name another path"):
        score("counting", "--references", absent, "--predictions", absent, "--out", tmp_path)


@pytest.mark.parametrize("read", ["--references", "--predictions"])
def test_what_is_scored_is_not_overwritten(paths: dict[str, Path], tmp_path: Path, read: str) -> None:
    given = {name: tmp_path / f"{name}.json" for name in ("--references", "--predictions")}
    for path in given.values():
        path.write_text("mine")
    with pytest.raises(VistokError, match="another file of the same command is there"):
        score("counting", *chain.from_iterable(given.items()), "--out", given[read])
    assert given[read].read_text() == "mine"


@pytest.mark.parametrize("kind", ["vqa", "counting", "identification"])
def test_losses_answer_nothing_but_multiple_choice(kind: str, paths: dict[str, Path], tmp_path: Path) -> None:
    ids = load_references(kind, paths[kind]).ids
    predictions = written(tmp_path / "p.jsonl", {key: [1.0, 2.0] for key in ids})
    with pytest.raises(VistokError, match=f"{len(ids)} answers are not a text as {kind} needs"):
        score(kind, "--references", paths[kind], "--predictions", predictions, "--out", tmp_path / "m.json")


@pytest.mark.parametrize(("kind", "other"), [("counting", "identification"), ("identification", "counting")])
def test_references_of_another_kind_are_refused(kind: str, other: str, paths: dict[str, Path]) -> None:
    with pytest.raises(VistokError, match=rf"record 0: .*It may be a file of {other}: name the {kind} file"):
        load_references(kind, paths[other])


def test_unknown_kinds_and_protocols_name_the_legal_ones(paths: dict[str, Path], tmp_path: Path) -> None:
    def scored(kind: str, protocol: str | None) -> None:
        predictions = tmp_path / "p.jsonl"
        score_answers_to(kind, references=paths["counting"], predictions=predictions, protocol=protocol)

    with pytest.raises(VistokError, match="Did you mean 'counting'"):
        scored("countin", None)
    with pytest.raises(VistokError, match=r"Did you mean 'released'.*corrected"):
        scored("counting", "relased")


def test_the_same_answers_under_every_protocol_of_a_part(paths: dict[str, Path]) -> None:
    questions = load_references("counting", paths["counting"])
    images = set(questions.images[:20])
    part = questions.of_images(images)
    result = score_answers(part, {str(key): "nine" for key in part.ids}, resamples=200)
    assert set(result) == {"corrected", "released"}
    nines = sum(row.answer == "9" for row in part.records)
    assert result["released"]["metrics"]["accuracy"] == 0.0
    assert result["corrected"]["metrics"]["accuracy"] == pytest.approx(100 * nines / len(part.ids), abs=1e-6)
    assert result["released"]["n"] == len(part.ids) and result["released"]["of"] == 10_000
    assert "missing" not in result["released"]


def test_a_part_of_the_captions_keeps_the_frequencies_of_the_whole(paths: dict[str, Path]) -> None:
    questions = load_references("caption", paths["caption"])
    answers = {str(row.image_id): row.captions[0][:30] for row in questions.records}
    part = questions.of_questions(questions.ids[:10])
    whole, full_set = (score_questions(wanted, answers, "full-set") for wanted in (questions, part))
    assert full_set.values.tolist() == pytest.approx(whole.values[:10].tolist())
    assert score_questions(part, answers, "official").metrics != full_set.metrics


def test_a_part_names_questions_that_there_are(paths: dict[str, Path]) -> None:
    questions = load_references("counting", paths["counting"])
    with pytest.raises(VistokError, match=r"1 of 2 wanted counting questions.*first: 10000"):
        questions.of_questions([0, 10_000])
    assert questions.of_questions([5, 3]).ids == (3, 5)
    assert questions.of_images([]).ids == ()


def test_an_id_that_stands_twice_is_refused(paths: dict[str, Path], tmp_path: Path) -> None:
    content = json.loads(paths["choice"].read_text())
    content["questions"] *= 2
    path = tmp_path / "twice.json"
    path.write_text(json.dumps(content))
    with pytest.raises(VistokError, match="4 ids stand there twice"):
        load_references("choice", path)


@pytest.mark.parametrize("protocol", ["official", "full-set"])
def test_each_captions_value_can_be_had(paths: dict[str, Path], tmp_path: Path, protocol: str) -> None:
    questions = load_references("caption", paths["caption"])
    answers = {str(row.image_id): row.captions[0] for row in questions.records[:20]}
    predictions = written(tmp_path / "p.jsonl", answers)
    out, each = tmp_path / "metrics.json", tmp_path / "each.jsonl"
    given: list[str | Path] = ["--references", paths["caption"], "--predictions", predictions, "--out", out]
    asked = ("--caption-metrics", "CIDEr", "--protocol", protocol)
    score("caption", *given, "--only-answered", *asked, "--per-question", each)
    rows = [json.loads(line) for line in each.read_text().splitlines()]
    assert [row["id"] for row in rows] == [row["image"] for row in rows] == list(questions.ids[:20])
    mean = sum(row["value"] for row in rows) / 20
    assert json.loads(out.read_text())["metrics"]["CIDEr"] == pytest.approx(mean, abs=1e-5)
    with pytest.raises(VistokError, match="another file of the same command is there"):
        score("caption", *given, "--per-question", out)
