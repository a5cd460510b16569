"""A new task kind is one file, and an entry of the grid: nothing else of the package names it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import vistok
from vistok.files import write_json

KIND = '''
"""Yes-or-no questions of a table of one line each: `{"image": ..., "question": ..., "answer": ...}`."""

from vistok.datasets.gvtbench import identification_question
from vistok.evaluation.kind import CONSTANT, PRIOR, TaskKind
from vistok.reading import read_json


class Row:
    def __init__(self, number, row):
        self.number, self.image_id = number, row["image"]
        self.question, self.answer = row["question"], row["answer"]


class YesNo(TaskKind[Row]):
    """Whether something is so; an answer starts with yes or no."""

    name = "yes-no"
    reads = "a JSON list of yes-or-no questions"
    tokens = 12
    baselines = {CONSTANT: "constant answer"}
    protocols = {"first-word": "the first word of an answer, whatever its case"}

    def read(self, path):
        return tuple(Row(number, row) for number, row in enumerate(read_json(path, what="questions")))

    def key(self, record):
        return record.number

    def truth(self, record):
        return (record.answer,)

    def score(self, records, answers, protocol, *, full_set, metrics=()):
        import numpy as np

        from vistok.evaluation.score.base import Scored, check

        check(self.name, protocol, self.protocols, records, answers)
        heard = [(answer or "").lower().split(maxsplit=1)[:1] for answer in answers]
        values = np.array([100.0 * (said == [record.answer]) for said, record in zip(heard, records)])
        images = tuple(record.image_id for record in records)
        return Scored("accuracy", {"accuracy": float(values.mean())}, values, images, {})

    def blind(self, questions, training):
        from vistok.evaluation.score.blind import fitted_by_fold

        records = questions.records
        texts, images = [record.answer for record in records], [record.image_id for record in records]
        return {CONSTANT: fitted_by_fold([""] * len(records), texts, images)[CONSTANT]}

    def turns(self, annotations, most, generator):
        for entry in annotations.objects[:most]:
            yield identification_question(entry.category), "yes"


KIND = YesNo()
'''
ENTRY = {
    "label": "Yes or no", "kind": "yes-no", "suite": "yes-no", "prompt": "{question}",
    "decoding": {"max_new_tokens": 4}, "metric": "accuracy", "protocol": "first-word",
    "protocols": ["first-word"], "source": "for tests",
}  # fmt: skip
IN_THE_STUDY = """
from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.questions import Annotations
from vistok.evaluation.kind import Questions
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import load_references
from vistok.evaluation.tasks import check_tasks
from vistok.evaluation.turns import draw_turns
from vistok.grid.load import load_study
from vistok.grid.steps import STEPS
from vistok.workflow.code import code
import numpy, pathlib

study = load_study("mini")
check_tasks(study)
for step, ids in (("answer-blind", ("vicuna-7b", "gvt")), ("score-run", ("clip/frozen/vicuna-7b/seed-0", "gvt"))):
    print(code(STEPS[step], *STEPS[step].modules(study, *ids)))
if "yes-no" in study.tasks:
    known = Annotations((), (ObjectAnnotation("cat", (0, 0, 1, 1), False),), (), ("cat",))
    print(draw_turns(known, {"yes-no": 1}, {"yes-no": "{question}"}, numpy.random.default_rng(0)))
    records = load_references("yes-no", pathlib.Path("questions.json")).records
    print(task_kind("yes-no").blind(Questions(records, [""] * 12), None))
"""


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """A copy of the package and the grid, and twelve questions."""
    shutil.copytree(
        Path(vistok.__file__).parent, tmp_path / "src/vistok", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    answers = ["yes", "no", "yes"] * 4
    rows = [{"image": number, "question": "Is it?", "answer": said} for number, said in enumerate(answers)]
    write_json(tmp_path / "questions.json", rows)
    return tmp_path


def python(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_a_file_and_an_entry_are_all_that_a_new_kind_needs(checkout: Path) -> None:
    before = python(checkout, "-c", IN_THE_STUDY)
    assert before.returncode == 0, before.stderr
    (checkout / "src/vistok/evaluation/kinds/yes_no.py").write_text(KIND.lstrip())
    tasks = checkout / "workflow/grid/tasks.yaml"
    tasks.write_text(tasks.read_text() + yaml.safe_dump({"yes-no": ENTRY}))

    after = python(checkout, "-c", IN_THE_STUDY)
    assert after.returncode == 0, after.stderr
    *digests, turns, blind = after.stdout.splitlines()
    assert digests == before.stdout.splitlines(), "no answer or score of another suite is made again"
    assert "Does cat exist in the image?" in turns and "answer='yes'" in turns
    assert blind == str({"constant": ["yes"] * 12})

    lines = [json.dumps({"id": number, "answer": "Yes it is."}) for number in range(12)]
    (checkout / "p.jsonl").write_text("\n".join(lines))
    asked = [
        "score",
        "yes-no",
        "--references",
        "questions.json",
        "--predictions",
        "p.jsonl",
        "--out",
        "metrics.json",
    ]
    scored = python(checkout, "-c", f"import sys; from vistok.cli import main; sys.exit(main({asked}))")
    assert scored.returncode == 0, scored.stderr
    assert json.loads((checkout / "metrics.json").read_text())["metrics"] == {
        "accuracy": pytest.approx(66.666667)
    }
