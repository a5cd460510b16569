"""Two models are compared on the same questions, image by image."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vistok.cli import main
from vistok.errors import VistokError
from vistok.evaluation.score.compare import compare_files

IMAGES, EACH = 60, 5


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Counting questions, five about an image; `good` errs on every tenth image, `bad` on every other one."""
    references = [
        {
            "image_id": image,
            "text_in": f"How many {name}s are there in the image?",
            "text_out": "2",
            "n_obj_exist": 9,
        }
        for image in range(IMAGES)
        for name in ("cat", "dog", "car", "bus", "cup")
    ]
    assert len(references) == IMAGES * EACH
    paths = {name: tmp_path / f"{name}.jsonl" for name in ("references", "good", "bad")}
    paths["references"].write_text(json.dumps(references))
    for name, errs in (("good", 10), ("bad", 2)):
        said = ["3" if index // EACH % errs == 0 else "2" for index in range(IMAGES * EACH)]
        write(paths[name], dict(enumerate(said)))
    return paths


def write(path: Path, answers: dict[int, str]) -> None:
    path.write_text("".join(json.dumps({"id": key, "answer": said}) + "\n" for key, said in answers.items()))


def compared(
    files: dict[str, Path], first: str = "good", second: str = "bad", **options: Any
) -> dict[str, Any]:
    return compare_files(
        "counting", references=files["references"], predictions=files[first], against=files[second], **options
    )


def test_the_difference_has_an_interval_over_images(files: dict[str, Path]) -> None:
    result = compared(files)
    assert (result["n"], result["images"], result["metric"], result["protocol"]) == (
        300,
        60,
        "accuracy",
        "corrected",
    )
    assert (result["predictions"], result["against"], result["difference"]) == (90.0, 50.0, 40.0)
    error = 100 * np.sqrt(0.4 * 0.6 / IMAGES)  # of an image's difference, 0 or 100
    assert result["interval"] == pytest.approx([40 - 1.96 * error, 40 + 1.96 * error], abs=1.0)
    assert result["p_value"] < 0.001
    back = compared(files, "bad", "good")
    assert (back["difference"], back["p_value"]) == (-40.0, result["p_value"])


def test_a_model_is_as_good_as_itself(files: dict[str, Path]) -> None:
    result = compared(files, "good", "good")
    assert (result["difference"], result["interval"], result["p_value"]) == (0.0, None, 1.0)


def test_only_what_both_answer_is_compared_where_it_is_asked_for(files: dict[str, Path]) -> None:
    write(files["bad"], dict.fromkeys(range(100, 300), "3"))
    with pytest.raises(VistokError, match=r"bad.jsonl does not answer .* 100 questions without an answer"):
        compared(files)
    write(files["good"], dict.fromkeys(range(200), "2"))
    result = compared(files, only_answered=True)
    assert (result["n"], result["images"], result["difference"], result["interval"]) == (100, 20, 100.0, None)
    write(files["good"], dict.fromkeys(range(100), "2"))
    with pytest.raises(VistokError, match=r"good.jsonl and .*bad.jsonl answer no question in common"):
        compared(files, only_answered=True)


def test_a_few_images_are_no_test(files: dict[str, Path]) -> None:
    for name in ("good", "bad"):
        write(files[name], dict.fromkeys(range(45), "2"))
    with pytest.raises(
        VistokError, match="both answer questions about 9 images, too few for a test: 10 are needed"
    ):
        compared(files, only_answered=True)


def test_the_verb_prints_a_line_and_writes_a_file(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--references", files["references"], "--predictions", files["good"], "--against", files["bad"]]
    out = tmp_path / "compared.json"
    assert main(["compare", "counting", *map(str, given), "--protocol", "released", "--out", str(out)]) == 0
    result = json.loads(out.read_text())
    low, high = result["interval"]
    assert capsys.readouterr().out == (
        f"accuracy 90.00 against 50.00: +40.00 [{low:+.2f}, {high:+.2f}], p = {result['p_value']:.4f}, 300 counting "
        "questions about 60 images, released protocol (another training of either is not in it)\n"
    )
    assert main(["compare", "counting", *map(str, given), "--out", str(files["bad"])]) == 1
    assert "another file of the same command is there" in capsys.readouterr().err


def test_comparing_imports_no_torch() -> None:
    code = "import sys, vistok.evaluation.score.compare; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
