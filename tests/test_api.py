"""vistok as a library: what it returns is what the command line writes, with numpy alone and nothing heavy imported."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vistok
from vistok.cli import main
from vistok.commands.parser import GROUPS

IMAGES, EACH = 40, 3
SAYS = {
    "score": "accuracy 75.00 ",
    "compare": "accuracy 75.00 ",
    "flips": "accuracy 75.00 under corrected",
    "blind": "constant answer: accuracy 100.00",
    "overlap": "20 of 40",
    "curate": "2 identification questions",
}
# Nothing but Python itself, numpy and vistok can be imported behind this.
BARE = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        first = name.partition(".")[0]
        if first not in sys.stdlib_module_names and first not in ("numpy", "vistok", "mkl", "cython_runtime"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Refused())
from vistok.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def references(tmp_path: Path) -> Path:
    """Counting questions, three about an image, whose answers are all 2."""
    rows = [
        {
            "image_id": image,
            "text_in": f"How many {name}s are there in the image?",
            "text_out": "2",
            "n_obj_exist": 6,
        }
        for image in range(IMAGES)
        for name in ("cat", "dog", "cup")
    ]
    path = tmp_path / "oc.json"
    path.write_text(json.dumps(rows))
    return path


def answers(errs: int) -> dict[int | str, Any]:
    """Returns answers that are wrong about every so many images."""
    return {index: "3" if index // EACH % errs == 0 else "two" for index in range(IMAGES * EACH)}


def written(path: Path, given: dict[int | str, Any]) -> Path:
    path.write_text("".join(json.dumps({"id": key, "answer": said}) + "\n" for key, said in given.items()))
    return path


def test_a_score_is_what_the_command_line_writes(
    references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, out = written(tmp_path / "p.jsonl", answers(4)), tmp_path / "m.json"
    files = ["--references", str(references), "--predictions", str(predictions)]
    assert main(["score", "counting", *files, "--out", str(out)]) == 0
    result = vistok.score("counting", references, str(predictions))
    assert result.report == json.loads(out.read_text())
    assert capsys.readouterr().out == f"{out}: {result}\n"
    assert (result.value, result.metric, result.n, result.protocol) == (75.0, "accuracy", 120, "corrected")
    assert result.interval is not None
    assert result.interval[0] < 75 < result.interval[1]
    assert (result.values.mean(), len(result.images), result.ids[:2]) == (75.0, 120, (0, 1))
    assert f"{result}".startswith(
        f"accuracy 75.00 [{result.interval[0]:.2f}, {result.interval[1]:.2f}] of 120 "
    )


def test_answers_need_no_file(references: Path) -> None:
    assert vistok.score("counting", references, answers(4), protocol="released").metrics["MAE"] == 0.25
    assert vistok.score("counting", references, {"3": "2"}, only_answered=True).n == 1
    with pytest.raises(
        vistok.VistokError, match="the answers given does not answer the 120 questions: 119 questions"
    ):
        vistok.score("counting", references, {3: "2"})
    with pytest.raises(vistok.VistokError, match="1 ids that are no question's"):
        vistok.score("counting", references, answers(4) | {"x": "2"})


def test_a_comparison_is_what_the_command_line_writes(
    references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = vistok.compare("counting", references, answers(8), answers(2))
    assert (result.difference, result.n, result.images) == (37.5, 120, 40)
    assert result.interval is not None
    assert result.interval[0] < 37.5 < result.interval[1]
    first, second = written(tmp_path / "a", answers(8)), written(tmp_path / "b", answers(2))
    files = [
        "--references",
        str(references),
        "--predictions",
        str(first),
        "--against",
        str(second),
        "--out",
        "-",
    ]
    assert main(["compare", "counting", *files]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == {
        **json.loads(output.out),
        "difference": 37.5,
        "interval": [*result.interval],
    }
    assert output.err == f"{result} (another training of either is not in it)\n"


def test_standard_streams_are_files_called_dash(references: Path, tmp_path: Path) -> None:
    given = "".join(json.dumps({"id": key, "answer": said}) + "\n" for key, said in answers(4).items())
    words = ["score", "counting", "--references", str(references), "--predictions", "-", "--out", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "vistok", *words],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout)["metrics"]["accuracy"] == 75.0
    assert done.stderr.startswith("accuracy 75.00 [")
    assert not (tmp_path / "-").exists()


def test_standard_input_is_read_once(references: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "counting", "--references", "-", "--predictions", "-"]) == 1
    assert "standard input (-) is named twice" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [*GROUPS["your files"]])
def test_numpy_is_enough_for_every_verb_on_your_files(verb: str, references: Path, tmp_path: Path) -> None:
    files = {
        name: str(tmp_path / name) for name in ("p.jsonl", "image_data.json", "instances.json", "made.json")
    }
    written(tmp_path / "p.jsonl", answers(4))
    training = [{"image_id": 1000 + image, "coco_id": image} for image in range(0, IMAGES, 2)]
    (tmp_path / "image_data.json").write_text(json.dumps(training))
    box = {"bbox": [0, 0, 3, 3], "iscrowd": 0, "area": 9}
    objects = {
        "images": [{"id": key, "file_name": f"{key}.jpg", "height": 9, "width": 9} for key in range(8)],
        "annotations": [{"id": key, "image_id": key, "category_id": key % 2} | box for key in range(8)],
        "categories": [{"id": 0, "name": "cup"}, {"id": 1, "name": "cat"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(objects))
    ask = [verb, "counting", "--references", str(references), "--predictions", files["p.jsonl"]]
    words = {
        "compare": [*ask, "--against", files["p.jsonl"]],
        "flips": [*ask, "--protocols", "corrected", "released"],
        "overlap": [*ask, "--training", files["image_data.json"]],
        "curate": [verb, "identification", "--questions", "2", "--out", files["made.json"]]
        + ["--instances", files["instances.json"]],
    }.get(verb, ask)
    done = subprocess.run([sys.executable, "-c", BARE, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert SAYS[verb] in done.stdout


def test_numpy_is_enough_for_images_of_prompts(tmp_path: Path) -> None:
    asked = {
        "tag": "single_object",
        "include": [{"class": "bench", "count": 1}],
        "prompt": "a photo of a bench",
    }
    box = {"class": "bench", "score": 0.9, "box": [0, 0, 9, 9]}
    image = {"prompt": 0, "image": "00000/samples/0000.png", "detections": [box]}
    for name, row in (("prompts", asked), ("detections", image)):
        (tmp_path / name).write_text(json.dumps(row))
    words = [f"--{name}={tmp_path / name}" for name in ("prompts", "detections")]
    done = subprocess.run(
        [sys.executable, "-c", BARE, "score", "geneval", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "score 100.00 of 1 geneval prompt, 1 image, official protocol, from detections\n"
    )
    assert "\n  single_object 100.00 of 1 prompt; retrieval 89\n" in done.stdout


@pytest.mark.parametrize("words", [["plan"], ["audit"], ["tabulate", "table-2"]])
def test_what_numpy_is_not_enough_for_names_the_package(words: list[str], repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BARE, *words], capture_output=True, text=True, check=False, cwd=repository
    )
    assert done.returncode == 1
    assert "is not installed, and this needs it: pip install '" in done.stderr
    assert done.stderr.count("\n") == 1


def test_importing_vistok_imports_nothing_else() -> None:
    code = (
        "import sys, vistok; print(*(name for name in sys.modules if name.startswith(('vistok.', 'numpy'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    assert {"score", "compare", "__version__"} <= {*dir(vistok)}
    with pytest.raises(AttributeError, match="no attribute 'scroe'"):
        vistok.scroe  # type: ignore[attr-defined]  # noqa: B018


def test_the_stub_names_what_is_public() -> None:
    stub = Path(vistok.__file__).with_suffix(".pyi").read_text()
    assert [name for name in vistok.__all__ if name not in stub] == []
