"""Measures the scorers at the official sizes, on one core: seconds and peak memory of the real commands.

.venv/bin/python benchmarks/scoring.py

It writes files in the official formats with answers and captions made up of real words, scores them with
`vistok score`, prints a small table and fails if a target is missed.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clones import ROOT
from study import Measure, show, word

VQA_QUESTIONS, VQA_IMAGES = 214_354, 40_504
CAPTIONED = 5000
RESAMPLED = 10_000
SECONDS, RESAMPLE_SECONDS, MIB = 60, 5, 2048
_NOUNS = ("dog", "cat", "man", "train", "bus", "tree", "plate", "table", "street", "wall", "sign", "clock")
_MORE = (
    "red",
    "white",
    "two",
    "2",
    "a",
    "the",
    "left",
    "yes",
    "no",
    "wooden",
    "don't",
    "on.",
    "of,",
    "10:30",
)
_RESAMPLE = """
import time, numpy as np
from vistok.evaluation.statistics import bootstrap_interval
rng = np.random.default_rng(0)
values, groups = 100.0 * rng.integers(0, 2, {n}), rng.integers(0, {n} // 2, {n}).tolist()
started = time.perf_counter()
bootstrap_interval(values, groups, resamples={n})
print(time.perf_counter() - started)
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="vistok-") as folder:
        measures = [*score_vqa(Path(folder)), *score_captions(Path(folder)), resample()]
    show(("what", "measured", "target", ""), [(m.what, m.value, m.target, word(m.kept)) for m in measures])
    return 0 if all(measure.kept for measure in measures) else 1


def score_vqa(folder: Path) -> list[Measure]:
    """Scores answers to as many questions, on as many images, as VQAv2 val has, under each protocol."""
    chance = random.Random(0)
    annotations, said = [], []
    for key in range(VQA_QUESTIONS):
        answers = _answers(chance)
        annotations.append(
            {
                "question_id": key,
                "image_id": key % VQA_IMAGES,
                "question_type": chance.choice(_NOUNS),
                "answer_type": chance.choice(("yes/no", "number", "other")),
                "multiple_choice_answer": answers[0],
                "answers": [{"answer": text} for text in answers],
            }
        )
        said.append({"id": key, "answer": chance.choice(answers + [_phrase(chance)])})
    references = _write(folder / "vqa.json", {"annotations": annotations})
    predictions = _write_lines(folder / "vqa.jsonl", said)
    what = f"vistok score vqa, {VQA_QUESTIONS:,} questions"
    return [
        measure
        for protocol in ("official", "released", "lavis")
        for measure in _scored(f"{what}, {protocol}", "vqa", references, predictions, "--protocol", protocol)
    ]


def score_captions(folder: Path) -> list[Measure]:
    """Scores as many captions as the Karpathy splits have images, five references each, by all metrics but SPICE."""
    chance = random.Random(0)
    images = [{"id": key} for key in range(CAPTIONED)]
    captions = [
        {"id": 5 * key + copy, "image_id": key, "caption": _sentence(chance)}
        for key in range(CAPTIONED)
        for copy in range(5)
    ]
    references = _write(folder / "captions.json", {"images": images, "annotations": captions})
    said = [{"id": key, "answer": _sentence(chance)} for key in range(CAPTIONED)]
    predictions = _write_lines(folder / "captions.jsonl", said)
    return _scored(f"vistok score caption, {CAPTIONED:,} captions", "caption", references, predictions)


def resample() -> Measure:
    """Times the bootstrap over images by itself, after imports."""
    code = _RESAMPLE.format(n=RESAMPLED)
    seconds = float(_one_core([sys.executable, "-c", code])[0])
    return Measure(
        f"{RESAMPLED:,} resamples of {RESAMPLED:,} questions",
        f"{seconds:.1f} s",
        f"at most {RESAMPLE_SECONDS} s",
        seconds <= RESAMPLE_SECONDS,
    )


def _scored(what: str, kind: str, references: Path, predictions: Path, *more: str) -> list[Measure]:
    vistok = str(Path(sys.executable).with_name("vistok"))
    paths = ["--references", str(references), "--predictions", str(predictions)]
    out = ["--out", str(references.with_suffix(".metrics.json"))]
    started = time.monotonic()
    _, seconds, mib = _one_core([vistok, "score", kind, *paths, *out, *more])
    waited = time.monotonic() - started
    return [
        Measure(
            what, f"{seconds:.0f} s ({waited:.0f} s by the clock)", f"at most {SECONDS} s", seconds <= SECONDS
        ),
        Measure("its memory", f"{mib} MiB", f"at most {MIB} MiB", mib <= MIB),
    ]


def _one_core(command: list[str]) -> tuple[str, float, int]:
    """Runs a command on one core; returns what it said, its CPU seconds and its peak memory in MiB.

    On one idle core they are the seconds by the clock. Those of its children are included.
    """
    pinned = {min(os.sched_getaffinity(0))}
    with tempfile.TemporaryFile("w+") as said:
        job = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, pinned),
        )
        _, status, used = os.wait4(job.pid, 0)
        job.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if job.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{text}")
    return text, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def _answers(chance: random.Random) -> list[str]:
    """Returns ten people's answers; in a third of the questions they agree, as in VQAv2."""
    first = _phrase(chance)
    if chance.random() < 1 / 3:
        return [first] * 10
    return [first if chance.random() < 0.6 else _phrase(chance) for _ in range(10)]


def _phrase(chance: random.Random) -> str:
    return " ".join(chance.choices(_MORE + _NOUNS, k=chance.choice((1, 1, 1, 2, 3))))


def _sentence(chance: random.Random) -> str:
    return f"A {chance.choice(_MORE)} {' '.join(chance.choices(_MORE + _NOUNS, k=8))}."


def _write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def _write_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


if __name__ == "__main__":
    sys.exit(main())
