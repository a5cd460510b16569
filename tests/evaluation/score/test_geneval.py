"""GenEval's scorer: its rule against a reference written from its description, its score, and bad files.

The description: evaluate_images.py and summary_scores.py of djghosh13/geneval.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import hypot
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

import vistok
from vistok.cli import main
from vistok.datasets.geneval import read_prompts
from vistok.datasets.geneval_images import CLASSES, COLOURS, Detection
from vistok.errors import VistokError
from vistok.evaluation.score.geneval import (
    OFFICIAL_PROMPTS,
    PROMPTS,
    RETRIEVAL,
    counted,
    digest_of_prompts,
    score_generated,
    stands,
)

Row = dict[str, Any]


def prompt(tag: str, *include: Row, exclude: Sequence[Row] = ()) -> Row:
    """A record of evaluation_metadata.jsonl; its text says what it includes."""
    row = {"tag": tag, "include": [*include]} | ({"exclude": [*exclude]} if exclude else {})
    return row | {"prompt": f"a photo of {json.dumps(include)}"}


def wanted(category: str, count: int = 1, **more: Any) -> Row:
    return {"class": category, "count": count, **more}


def seen(category: str, score: float = 0.95, box: Sequence[float] = (0, 0, 100, 100), **more: Any) -> Row:
    return {"class": category, "score": score, "box": [*box], **more}


SINGLE = prompt("single_object", wanted("bench"))
TWO = prompt("two_object", wanted("bench"), wanted("tv remote"))
COUNTING = prompt("counting", wanted("zebra", 3), exclude=[wanted("zebra", 4)])
COLOUR = prompt("colors", wanted("bus", color="red"))
POSITION = prompt("position", wanted("bear"), wanted("bench", position=["left of", 0]))
ABOVE = prompt("position", wanted("bear"), wanted("bench", position=["above", 0]))
BINDING = prompt("color_attr", wanted("cup", color="blue"), wanted("orange", color="black"))
CASES: Final = {
    "one": (SINGLE, [seen("bench")], True),
    "another": (SINGLE, [seen("chair")], False),
    "unsure": (SINGLE, [seen("bench", 0.3)], False),  # the threshold itself is not above it
    "barely": (SINGLE, [seen("bench", 0.301)], True),
    "nothing": (SINGLE, [], False),
    "both": (TWO, [seen("tv remote"), seen("bench")], True),
    "one of two": (TWO, [seen("bench"), seen("bench")], False),
    "three": (COUNTING, [seen("zebra", 0.91)] * 3, True),
    "two": (COUNTING, [seen("zebra", 0.91)] * 2, False),
    "four": (COUNTING, [seen("zebra", 0.91)] * 4, False),
    "three and an unsure one": (COUNTING, [seen("zebra")] * 3 + [seen("zebra", 0.9)], True),
    "three of them unsure": (COUNTING, [seen("zebra", 0.85)] * 3, False),
    "red": (COLOUR, [seen("bus", color="red")], True),
    "blue": (COLOUR, [seen("bus", color="blue")], False),
    "the surest is blue": (COLOUR, [seen("bus", 0.8, color="red"), seen("bus", 0.9, color="blue")], False),
    "equally sure, the later counts": (
        COLOUR,
        [seen("bus", color="red"), seen("bus", color="blue")],
        False,
    ),
    "the surest is red": (COLOUR, [seen("bus", 0.8), seen("bus", 0.9, color="red")], True),
    "left": (POSITION, [seen("bear", box=(200, 0, 300, 100)), seen("bench")], True),
    "right": (POSITION, [seen("bench", box=(200, 0, 300, 100)), seen("bear")], False),
    # Centres 20 apart, a tenth of both widths: no side. 41 apart, 21 are left, more than half; 40 apart, 20 are not.
    "hardly left": (POSITION, [seen("bear", box=(20, 0, 120, 100)), seen("bench")], False),
    "left enough": (POSITION, [seen("bear", box=(41, 0, 141, 100)), seen("bench")], True),
    "not left enough": (POSITION, [seen("bear", box=(40, 0, 140, 100)), seen("bench")], False),
    "left and above": (POSITION, [seen("bear", box=(200, 200, 300, 300)), seen("bench")], True),
    "above and left": (ABOVE, [seen("bear", box=(200, 200, 300, 300)), seen("bench")], True),
    "above": (POSITION, [seen("bear", box=(0, 200, 100, 300)), seen("bench")], False),
    "no target": (POSITION, [seen("bench")], False),
    "the same place": (POSITION, [seen("bear"), seen("bench")], False),
    "the surest is left": (
        POSITION,
        [seen("bear", box=(200, 0, 300, 100)), seen("bench"), seen("bench", 0.5, (400, 0, 500, 100))],
        True,
    ),
    "bound": (BINDING, [seen("cup", color="blue"), seen("orange", color="black")], True),
    "swapped": (BINDING, [seen("cup", color="black"), seen("orange", color="blue")], False),
}


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def detected(index: int, name: int, objects: Sequence[Row]) -> Row:
    return {
        "prompt": index,
        "image": f"{index:05}/samples/{name:04}.png",
        "detections": [*objects],
    }


def files(folder: Path, prompts: Sequence[Row], images: Sequence[Row]) -> tuple[Path, Path]:
    return write(folder / "evaluation_metadata.jsonl", prompts), write(folder / "detections.jsonl", images)


@pytest.mark.parametrize("name", CASES)
def test_an_image_is_right_or_wrong_by_one_thing(tmp_path: Path, name: str) -> None:
    asked, objects, right = CASES[name]
    score = score_generated(*files(tmp_path, [asked], [detected(0, 0, objects)]))
    assert (score.value, bool(score.reasons[0])) == (100.0 * right, not right)
    assert reference(asked, objects) == right


def reference(asked: Row, objects: Sequence[Row]) -> bool:
    """Whether an image shows its prompt, by the description alone: step by step, in whole hundredths of scores."""
    least = 90 if asked["tag"] == "counting" else 30
    by_class: dict[str, list[tuple[int, int, Row]]] = defaultdict(list)
    for number, each in enumerate(objects):
        if (hundredths := round(each["score"] * 1000)) > 10 * least:
            by_class[each["class"]].append((hundredths, number, each))
    ordered = {
        name: [row for _, _, row in sorted(some, key=lambda row: row[:2])][::-1][:16]
        for name, some in by_class.items()
    }
    groups: list[list[Row] | None] = []
    for each in asked["include"]:
        found = ordered.get(each["class"], [])[: each["count"]]
        fits = len(found) == each["count"]
        fits = fits and all(row.get("color") == each.get("color", row.get("color")) for row in found)
        if fits and "position" in each:
            side, target = each["position"]
            others = groups[target]
            fits = others is not None and all(
                side in sides(row["box"], other["box"]) for row in found for other in others
            )
        groups.append(found if fits else None)
    too_many = any(len(ordered.get(each["class"], [])) >= each["count"] for each in asked.get("exclude", ()))
    return None not in groups and not too_many


def sides(box: Sequence[float], other: Sequence[float]) -> set[str]:
    """Where a box is of another one: the distance of centres, less a tenth of both sizes, along either axis."""
    distances = [(box[axis] + box[axis + 2] - other[axis] - other[axis + 2]) / 2 for axis in (0, 1)]
    sizes = [box[axis + 2] - box[axis] + other[axis + 2] - other[axis] for axis in (0, 1)]
    rest = [max(0.0, abs(far) - size / 10) for far, size in zip(distances, sizes, strict=True)]
    whole = hypot(*distances)
    names = [("left of", "right of"), ("above", "below")]
    return {
        pair[far > 0]
        for pair, far, left in zip(names, distances, rest, strict=True)
        if left > 1e-3 and left / whole > 0.5 + 1e-6
    }


def test_the_rule_is_the_references_on_random_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    names, colours = ("bench", "bear", "zebra"), COLOURS[:2]
    prompts: list[Row] = []
    for first, second in (("bench", "bear"), ("bear", "zebra")):
        prompts += [
            prompt("single_object", wanted(first)),
            prompt("two_object", wanted(first), wanted(second)),
        ]
        prompts += [prompt("counting", wanted(first, n), exclude=[wanted(first, n + 1)]) for n in (2, 3, 4)]
        prompts += [prompt("colors", wanted(first, color=colour)) for colour in colours]
        prompts += [
            prompt("position", wanted(first), wanted(second, position=[side, 0]))
            for side in ("left of", "right of", "above", "below")
        ]
        prompts.append(prompt("color_attr", wanted(first, color="red"), wanted(second, color="orange")))

    def random_object(scores: Sequence[float]) -> Row:
        x, y, width, height = (int(number) for number in rng.integers(1, 300, 4))
        color = colours[rng.integers(2)]
        return seen(
            names[rng.integers(3)], float(rng.choice(scores)), (x, y, x + width, y + height), color=color
        )

    images, right = [], []
    for index, asked in enumerate(prompts):
        scores = (0.9, 0.91, 0.97) if asked["tag"] == "counting" else (0.2, 0.3, 0.31, 0.5, 0.77)
        for number in range(40):
            objects = [random_object(scores) for _ in range(rng.integers(0, 12))]
            images.append(detected(index, number, objects))
            right.append(reference(asked, objects))
    score = score_generated(*files(tmp_path, prompts, images))
    wrong = {name for reasons in score.reasons for name in reasons}
    assert [row["image"] not in wrong for row in images] == right
    shares = np.array(right).reshape(-1, 40).mean(axis=1)
    assert score.values == pytest.approx(100 * shares)
    by_tag = defaultdict(list)
    for asked, share in zip(prompts, shares, strict=True):
        by_tag[asked["tag"]].append(share)
    assert score.value == pytest.approx(100 * np.mean([np.mean(some) for some in by_tag.values()]))
    assert 0.1 < np.mean(right) < 0.9


def test_sixteen_of_a_class_count() -> None:
    many = [Detection("bench", 0.5, (0, 0, 1, 1))] * 20 + [Detection("bear", 0.4, (0, 0, 1, 1))]
    assert [each.category for each in counted("single_object", many)] == ["bench"] * 16 + ["bear"]
    assert counted("counting", many) == []


def test_a_side_is_one_of_four_or_two_or_none() -> None:
    def box(x: float, y: float) -> Detection:
        return Detection("bench", 1.0, (x, y, x + 10, y + 10))

    for there, named in (((30, 0), {"right of"}), ((0, -30), {"above"}), ((-30, 30), {"left of", "below"})):
        assert {
            side for side in ("left of", "right of", "above", "below") if stands(side, box(*there), box(0, 0))
        } == named


@pytest.fixture
def suite(tmp_path: Path) -> tuple[Path, Path]:
    """Twelve prompts of two kinds, four images each: all of one kind are right, of the other those of even prompts."""
    prompts = [prompt("single_object", wanted(name)) for name in CLASSES[:12]]
    prompts += [prompt("colors", wanted(name, color="red")) for name in CLASSES[:12]]
    images = [
        detected(
            index,
            number,
            [seen(CLASSES[index % 12], color="red" if index < 12 or index % 2 == 0 else "blue")],
        )
        for index in range(24)
        for number in range(4)
    ]
    return files(tmp_path, prompts, images)


def test_the_score_has_intervals_over_prompts_and_the_baseline_beside_it(
    suite: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, each = tmp_path / "metrics.json", tmp_path / "each.jsonl"
    words = ["score", "geneval", "--prompts", str(suite[0]), "--detections", str(suite[1])]
    assert main([*words, "--out", str(out), "--per-question", str(each)]) == 0
    report, printed = json.loads(out.read_text()), capsys.readouterr().out
    assert (report["n"], report["images"], report["official_prompts"]) == (24, 96, False)
    assert report["metrics"] == {"score": 75.0, "images": 75.0, "prompts": 75.0}
    assert report["by_type"] == {
        "single_object": {"score": 100.0, "n": 12},
        "colors": {"score": 50.0, "n": 12},
    }
    low, high = report["intervals"]["score"]
    assert 55 < low < 70 and 80 < high < 95  # half of the width of the kind that varies
    cells = {kind: cell["intervals"]["score"] for kind, cell in report["cells"].items()}
    assert cells["single_object"] == pytest.approx([75.75, 100], abs=0.01)  # Wilson's: no resample differs
    assert 15 < cells["colors"][0] < 35 and 65 < cells["colors"][1] < 85
    assert report["baselines"]["retrieval"]["score"] == 35.0
    lines = printed.splitlines()
    assert (
        lines[0]
        == f"{out}: score 75.00 [{low:.2f}, {high:.2f}] of 24 geneval prompts, 96 images, official protocol, "
        "from detections"
    )
    assert report["seen_by"] == "detections"
    assert lines[1] == "  single_object 100.00 [75.75, 100.00] of 12 prompts; retrieval 89"
    assert lines[-2] == "  images 75.00, prompts with an image that is right 75.00"
    assert lines[-1].startswith("  retrieval 35: by CLIP, which generates nothing, as published")
    assert lines[-1].endswith(", for GenEval's own prompts, which these are not")
    rows = [json.loads(line) for line in each.read_text().splitlines()]
    assert rows[12] == {"id": 12, "image": "00012", "value": 100.0, "wrong": {}}
    assert rows[13]["value"] == 0.0
    assert rows[13]["wrong"]["00013/samples/0002.png"] == "bicycle: red needed, blue found"
    result = vistok.score("geneval", *suite)
    assert (result.report, result.n, result.metric) == (report, 24, "score")
    assert main(["score", "geneval", "--references", str(suite[0]), "--predictions", str(suite[1])]) == 0


def test_the_official_results_give_the_official_numbers(suite: tuple[Path, Path], tmp_path: Path) -> None:
    asked = [json.loads(line) for line in suite[0].read_text().splitlines()]
    generated = score_generated(*suite)
    rows = []
    for line in suite[1].read_text().splitlines():
        row = json.loads(line)
        wrong = row["image"] in generated.reasons[row["prompt"]]
        mine = asked[row["prompt"]]
        rows.append(
            {
                "filename": f"out/{row['image']}",
                "tag": mine["tag"],
                "prompt": mine["prompt"],
                "correct": not wrong,
                "reason": "expected red bus>=1, found 0 red; and 1 blue" if wrong else "",
                "metadata": json.dumps(mine),
                "details": "{}",
            }
        )
    judged = score_generated(suite[0], write(tmp_path / "results.jsonl", rows[::-1]))
    assert judged.report == {**generated.report, "seen_by": "results"}
    assert "96 images, official protocol, from the results of GenEval's tool\n" in str(judged)
    assert judged.reasons[13]["out/00013/samples/0000.png"].startswith("expected red bus")


def test_missing_images_are_refused_scored_as_wrong_or_left_out(suite: tuple[Path, Path]) -> None:
    lines = suite[1].read_text().splitlines(keepends=True)
    suite[1].write_text("".join(lines[:-1]))
    with pytest.raises(VistokError, match=r"of 24 prompts 1 has 3, 23 have 4 \(first with fewer: prompt 23,"):
        score_generated(*suite)
    suite[1].write_text("".join(lines[1:-4]))
    with pytest.raises(VistokError, match="of 24 prompts 1 has 0, 1 has 3, 22 have 4"):
        score_generated(*suite)
    score = score_generated(*suite, allow_missing=True)
    assert score.report["missing"] == {"count": 5, "first": 0, "scored": "as wrong"}
    assert (score.values[0], score.report["images"]) == (75.0, 96)
    assert "96 images, 5 of them missing" in str(score)
    suite[1].write_text("".join(lines[:-4]))
    score = score_generated(*suite, only_answered=True)
    assert (score.n, score.report["of"]) == (23, 24)
    assert str(score).startswith("score 77.27 ") and "of 23 of 24 geneval prompts, 92 images" in str(score)
    suite[1].write_text("")
    with pytest.raises(VistokError, match="no image of the 24 prompts"):
        score_generated(*suite, only_answered=True)


FINE: Final = detected(0, 0, [seen("bench")])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (FINE | {"detections": [seen("mouse")]}, "record 2: unknown class of GenEval's detector 'mouse'"),
        (FINE | {"detections": [seen("bench", color="grey")]}, "record 2: unknown colour of GenEval 'grey'"),
        (FINE | {"detections": [seen("bench", color=["red"])]}, "record 2: unknown colour of GenEval"),
        (FINE | {"detections": [seen("bench", colour="red")]}, "and at most a color are needed"),
        (FINE | {"detections": [seen("bench", 1.5)]}, "a score from 0 to 1"),
        (FINE | {"detections": [seen("bench", box=(9, 0, 1, 1))]}, "a box"),
        (FINE | {"detections": [seen("bench", float("nan"))]}, "a score from 0 to 1"),
        (FINE | {"prompt": 1}, "record 2: prompt 1 is not there: only 0 is"),
        (FINE | {"prompt": -1}, "prompt -1 is not there"),
        (FINE | {"prompt": True}, "the position of a prompt"),
        ({"prompt": 0}, "record 2: the position of a prompt"),
        (FINE, r"1 image stands there more than once \(first: 00000/samples/0000.png\)"),
        ({"correct": 1}, "record 2: a tag, a prompt, `correct`"),
        (
            {"tag": "colors", "prompt": "a red bus", "correct": True, "filename": "x"},
            "'a red bus' .* is not one of 1 prompt",
        ),
    ],
)
def test_a_wrong_record_is_refused(tmp_path: Path, row: Row, said: str) -> None:
    with pytest.raises(VistokError, match=said):
        score_generated(*files(tmp_path, [SINGLE], [FINE, row]))


def test_detections_and_results_are_not_scored_together(suite: tuple[Path, Path]) -> None:
    prompts = [json.loads(line) for line in suite[0].read_text().splitlines()]
    rows = [json.loads(line) for line in suite[1].read_text().splitlines()]
    of_tool = {"tag": prompts[1]["tag"], "prompt": prompts[1]["prompt"], "correct": True, "filename": "x"}
    for mixed, said in (
        (
            [*rows[:4], of_tool, *rows[5:]],
            "95 records of detections and 1 of a results.jsonl .record 5 is the",
        ),
        ([of_tool, *rows[4:8]], "4 records of detections and 1 of a results.jsonl .record 2 is the"),
        ([rows[0], of_tool], "1 record of detections and 1 of a results.jsonl"),
    ):
        with pytest.raises(VistokError, match=said):
            score_generated(suite[0], write(suite[1], mixed), allow_missing=True)


@pytest.mark.parametrize("name", ["00000/samples/0000.png", "out/00000/samples/0000.png", "0/samples/a.png"])
def test_an_image_in_the_folder_of_another_prompt_is_refused(tmp_path: Path, name: str) -> None:
    rows = [FINE | {"image": name, "prompt": position} for position in (1, 0)]
    with pytest.raises(
        VistokError, match=r"record 1: the image .* in the folder of prompt 0, .* of prompt 1"
    ):
        score_generated(*files(tmp_path, [SINGLE, TWO], rows[:1]), only_answered=True)
    assert score_generated(*files(tmp_path, [SINGLE, TWO], rows[1:]), only_answered=True).value == 100.0
    for free in ("a.png", "images/a.png", "x7/samples/a.png", "00000/a.png"):  # which name no prompt
        paths = files(tmp_path, [SINGLE, TWO], [rows[0] | {"image": free}])
        assert score_generated(*paths, only_answered=True).n == 1
    judged = {"tag": TWO["tag"], "prompt": TWO["prompt"], "correct": True, "filename": name}
    assert score_generated(*files(tmp_path, [SINGLE, TWO], [judged]), only_answered=True).value == 100.0


@pytest.mark.parametrize("exclude", [5, None, {}, "bench", True])
def test_what_a_prompt_excludes_is_a_list(tmp_path: Path, exclude: Any) -> None:
    with pytest.raises(
        VistokError, match=r"record 1: a tag .* and of what it excludes, if anything, are needed"
    ):
        score_generated(*files(tmp_path, [SINGLE | {"exclude": exclude}], [FINE]))


def test_other_bad_input_is_refused(suite: tuple[Path, Path], tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_text(suite[1].read_text()[:-30])
    with pytest.raises(VistokError, match=r"line 96,? is not valid JSON.*truncated"):
        score_generated(suite[0], torn)
    with pytest.raises(VistokError, match="asks for a colour, and a bus has none"):
        score_generated(*files(tmp_path, [COLOUR], [detected(0, 0, [seen("bus")])]))
    with pytest.raises(VistokError, match="record 1: unknown class of GenEval 'ring'"):
        score_generated(*files(tmp_path, [prompt("single_object", wanted("ring"))], [FINE]))
    with pytest.raises(VistokError, match="record 1: unknown colour of GenEval 'grey'"):
        score_generated(*files(tmp_path, [prompt("colors", wanted("bus", color="grey"))], [FINE]))
    with pytest.raises(VistokError, match="2 prompts, 1 of them different"):
        score_generated(*files(tmp_path, [SINGLE, SINGLE], [FINE]))
    with pytest.raises(VistokError, match=r"has no prompts\. Name the evaluation_metadata\.jsonl"):
        score_generated(*files(tmp_path, [], [FINE]))
    with pytest.raises(VistokError, match="unknown geneval protocol 'released'"):
        score_generated(*suite, protocol="released")
    with pytest.raises(VistokError, match="is read from a file"):
        score_generated(suite[0], {0: "bench"})


def test_images_of_prompts_have_no_captions_and_are_no_kind_of_question(
    suite: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["geneval", "--references", str(suite[0]), "--predictions", str(suite[1])]
    assert main(["score", *words, "--caption-metrics", "CIDEr"]) == 1
    assert "are metrics of captions" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["flips", *words])


def official_prompts() -> list[Row]:
    """GenEval's own prompts, as its create_prompts.py draws them with its seed, without those drawn twice."""
    rng = np.random.default_rng(43)

    def some(count: int | None = None, nobody: bool = False) -> Any:
        """Draws classes; people have no colours."""
        first = int(nobody)
        return rng.choice(len(CLASSES) - first, size=count, replace=False) + first

    def article(name: str) -> str:
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"

    def record(tag: str, text: str, *include: Row, **more: Any) -> Row:
        return {"tag": tag, "include": [*include], **more, "prompt": f"a photo of {text}"}

    rows = [record("single_object", article(CLASSES[index]), wanted(CLASSES[index])) for index in some(80)]
    for _ in range(100):
        one, two = (CLASSES[index] for index in some(2))
        rows.append(record("two_object", f"{article(one)} and {article(two)}", wanted(one), wanted(two)))
    for _ in range(100):
        name, number = CLASSES[rng.choice(80)], int(rng.integers(2, 5))
        text = f"{('two', 'three', 'four')[number - 2]} {name}{'es' if name[-1] == 's' else 's'}"
        rows.append(record("counting", text, wanted(name, number), exclude=[wanted(name, number + 1)]))
    for _ in range(100):
        name, colour = CLASSES[some(nobody=True)], COLOURS[rng.choice(10)]
        rows.append(record("colors", f"{article(colour)} {name}", wanted(name, color=colour)))
    for _ in range(100):
        one, two = (CLASSES[index] for index in some(2))
        side = ("left of", "right of", "above", "below")[rng.choice(4)]
        rows.append(
            record(
                "position",
                f"{article(one)} {side} {article(two)}",
                wanted(two),
                wanted(one, position=[side, 0]),
            )
        )
    for _ in range(100):
        names = [CLASSES[index] for index in some(2, nobody=True)]
        colours = [COLOURS[index] for index in rng.choice(10, size=2, replace=False)]
        pairs = [*zip(colours, names, strict=True)]
        text = " and ".join(f"{article(colour)} {name}" for colour, name in pairs)
        rows.append(record("color_attr", text, *(wanted(name, color=colour) for colour, name in pairs)))
    return [json.loads(text) for text in dict.fromkeys(map(json.dumps, rows))]


def test_classes_and_colours_are_those_that_geneval_s_own_prompts_are_drawn_from(tmp_path: Path) -> None:
    asked = official_prompts()
    counts = Counter(row["tag"] for row in asked)
    assert counts == PROMPTS and len(asked) == 553  # which another class or order would not give
    firsts = {row["tag"]: row["prompt"].removeprefix("a photo of ") for row in asked[::-1]}
    assert [*firsts.values()][::-1] == [
        "a bench",
        "a bench and a sports ball",
        "two clocks",
        "a blue fire hydrant",
        "a dog right of a teddy bear",
        "a purple wine glass and a black apple",
    ]
    nothing = [detected(index, number, []) for index in range(553) for number in range(4)]
    score = score_generated(*files(tmp_path, asked, nothing))
    assert (score.value, score.report["official_prompts"], score.report["images"]) == (0.0, True, 2212)
    assert score.interval is not None and score.interval == pytest.approx((0.0, 0.69), abs=0.01)
    assert str(score).endswith("retrieval 35: by CLIP, which generates nothing, as published")
    assert digest_of_prompts(read_prompts(tmp_path / "evaluation_metadata.jsonl")) == OFFICIAL_PROMPTS
    assert score_generated(*files(tmp_path, asked[::-1], nothing)).report["official_prompts"] is True
    other = [row | {"prompt": f"{row['prompt']} {row['tag'] == 'colors'}"} for row in asked]
    score = score_generated(*files(tmp_path, other, nothing))  # as many of each kind
    assert score.report["official_prompts"] is False
    assert str(score).endswith(", for GenEval's own prompts, which these are not")


def test_the_published_numbers_are_geneval_s() -> None:
    assert (sum(PROMPTS.values()), len(CLASSES), len(COLOURS)) == (553, 80, 10)
    kinds = [share for kind, share in RETRIEVAL.items() if kind != "overall"]
    assert abs(sum(kinds) / 6 - RETRIEVAL["overall"]) < 0.01
