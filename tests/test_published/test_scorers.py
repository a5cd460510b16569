"""What each scorer makes of frozen predictions under each protocol, digit for digit, as metrics.json holds it.

VQA and captions have real predictions; the other kinds are answered by a cycle of answers that the protocols hear
differently. After a change that is meant: pytest tests/test_published --force-regen, and read the difference.
"""

import gzip
import json
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from vistok.cli import main
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import load_references
from vistok.files import write_json, write_jsonl
from vistok.grid.kinds import task_kinds

# Of these there is no excerpt of real data: tests/evaluation/kinds/test_official_questions.py scores them by hand.
WITHOUT_DATA = ("gqa", "mme", "textvqa")
PROTOCOLS = {kind: task_kind(kind).protocols for kind in task_kinds() if kind not in WITHOUT_DATA}
# Of 200 images, so that a protocol's document frequencies show.
ANSWERED_CAPTIONS = 50
CYCLES: dict[str, tuple[Any, ...]] = {
    "counting": (
        "1", "Two.", "There are nine cars.", "None.", "someone holds 2 cups", "There is no one in the image.",
        "no idea", "three", "twenty-one", "1,000", "two dozen", "9" * 30, "",
    ),
    "identification": (
        "Yes.", "No.", "yes", "I don't know", "a snowboard", "Yes, there is no doubt", "no, but yes", "maybe", "",
    ),
    "choice": ("A", "(b)", "The answer is C.", [3.0, 2.0, 2.5, 1.0], "A man", "a"),
}  # fmt: skip
CASES = [
    *(("vqa", f"vqa_pred_test_{rule}", name) for rule in ("question_type_prior", "stress_format")
      for name in PROTOCOLS["vqa"]),
    *((kind, "", name) for kind, names in PROTOCOLS.items() if kind != "vqa" for name in names),
]  # fmt: skip

Rows = list[dict[str, Any]]


def vqa(data: Path, predictions: str) -> tuple[Path, Rows]:
    rows = json.loads(gzip.decompress((data / f"vqa/{predictions}.json.gz").read_bytes()))
    said = [{"id": row["question_id"], "answer": row["answer"]} for row in rows]
    return data / "vqa/vqav2_60k_annotations_test.json.gz", said


def captions(data: Path, folder: Path) -> tuple[Path, Rows]:
    result = json.loads((data / "captioning/capmini200.json").read_text())
    images = [{"id": int(image), "file_name": f"{int(image):012}.jpg"} for image in result["refs"]]
    pairs = [(int(image), text) for image, texts in result["refs"].items() for text in texts]
    rows = [{"id": number, "image_id": pair[0], "caption": pair[1]} for number, pair in enumerate(pairs)]
    write_json(folder / "captions.json", {"images": images, "annotations": rows})
    said = [{"id": int(image), "answer": text} for image, text in result["pred"].items()]
    return folder / "captions.json", said[:ANSWERED_CAPTIONS]


def choice(data: Path, folder: Path) -> Path:
    """The four real questions are of four dimensions alone: each is asked as one of every dimension."""
    rows = json.loads((data / "seedbench/SEED-Bench-1_examples.json").read_text())["questions"]
    every = [
        {**row, "question_id": f"{row['question_id']}-{dimension}", "question_type_id": dimension}
        for dimension in range(1, 13)
        for row in rows
    ]
    write_json(folder / "choice.json", {"questions": every})
    return folder / "choice.json"


def cycled(kind: str, references: Path) -> Rows:
    answers = zip(load_references(kind, references).ids, cycle(CYCLES[kind]), strict=False)
    return [
        {"id": key, "answer": said}
        if isinstance(said, str)
        else {"id": key, "losses": said, "tokens": [3, 1, 2, 2]}
        for key, said in answers
    ]


def frozen(kind: str, predictions: str, data: Path, folder: Path) -> tuple[Path, Rows]:
    """Returns the references of a kind, and what is answered."""
    if kind == "vqa":
        return vqa(data, predictions)
    if kind == "caption":
        return captions(data, folder)
    files = {"counting": "gvtbench/coco_oc.json", "identification": "gvtbench/coco_mci.json"}
    references = choice(data, folder) if kind == "choice" else data / files[kind]
    return references, cycled(kind, references)


@pytest.mark.parametrize(
    ("kind", "predictions", "protocol"), CASES, ids=["-".join(filter(None, case)) for case in CASES]
)
def test_metrics_of_frozen_predictions(
    kind: str,
    predictions: str,
    protocol: str,
    shared_data: Path,
    tmp_path: Path,
    file_regression: FileRegressionFixture,
) -> None:
    references, said = frozen(kind, predictions, shared_data, tmp_path)
    given, out = tmp_path / "predictions.jsonl", tmp_path / "metrics.json"
    write_jsonl(given, said)
    asked = [
        "score",
        kind,
        "--protocol",
        protocol,
        "--references",
        str(references),
        "--predictions",
        str(given),
    ]
    # METEOR alone takes as long as all the rest; it has a test of its own.
    metrics = ["--caption-metrics", "BLEU", "CIDEr", "ROUGE-L"] if kind == "caption" else []
    assert main([*asked, "--only-answered", "--out", str(out), *metrics]) == 0
    file_regression.check(out.read_text(encoding="utf-8"), extension=".json", encoding="utf-8")


def test_every_kind_and_protocol_has_a_golden_file() -> None:
    assert {(kind, protocol) for kind, _, protocol in CASES} == {
        (kind, protocol) for kind, names in PROTOCOLS.items() for protocol in names
    }
