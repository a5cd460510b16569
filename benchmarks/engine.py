"""Measures training and answering against a plain training loop and two evaluation loops, in one run.

.venv/bin/python benchmarks/engine.py [--sizes mini small] [--data FOLDER] [--out FOLDER]

Both sides have the same random weights, texts and images, and take turns. Losses and answers are compared; a loss that
strays by more than a thousandth fails. On a CPU one thread computes, and times are the processor's: they mean something
on a loaded machine too. The result is one dated JSON file. `small` is ViT-S/16 with the shape of SmolLM2-135M; its
samples have one turn each, as at the paper scale, mini's have seven.
"""

import argparse
import copy
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from clones import told
from engine_baselines import RELEASED_TOKENS, PlainTraining, released_answers
from engine_models import Texts, build, images, read_texts
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import Question
from vistok.grid.recipes import Optimiser
from vistok.grid.tasks import Decoding
from vistok.mllm.model import MultimodalModel
from vistok.training.loop import _step, make_deterministic
from vistok.training.schedule import make_optimiser


@dataclass(frozen=True)
class Work:
    """What is done at a size.

    Attributes:
        rows: of a training step.
        single: whether a sample has one turn.
        images: that are asked about, each as often as `each`.
        batch: of the engine's answers.
        turns: how often each loop answers all; the median counts.
        alone: how many of the questions are asked one by one, too.
    """

    rows: int
    steps: int
    single: bool
    images: int
    each: int
    batch: int
    turns: int
    alone: int


WORK = {
    "mini": Work(16, 12, single=False, images=24, each=5, batch=128, turns=5, alone=120),
    "small": Work(8, 4, single=True, images=32, each=4, batch=128, turns=1, alone=8),
}
# The precisions that both sides train in: mini is exact, larger scales name theirs. In the other one, weights that are
# trained stay in single precision: here by the scale's choice, in the plain loop by autocast.
PRECISIONS = {"mini": ("fp32",), "small": ("fp32", "bf16")}
RATE, DECAY, CLIP = 1e-3, 0.05, 1.0
# How far a loss may be from the plain loop's: bf16 has three digits.
STRAYS = {"fp32": 1e-3, "bf16": 2e-2}


class Vistok(torch.nn.Module):
    """The engine's side of a training step."""

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        self.model = model
        self.accelerator = Accelerator(cpu=device().type == "cpu")
        value = Optimiser(learning_rate=RATE, warmup_steps=0, weight_decay=DECAY, clip_norm=CLIP)
        self.optimiser = make_optimiser(model, value, lambda name: 1.0)
        self.trained = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def forward(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        return self.model.loss(batch["images"], batch["ids"], batch["weights"], batch["mask"])

    def step(self, batch: dict[str, Tensor]) -> float:
        return float(_step(self.accelerator, self, self.optimiser, self.trained, [batch], RATE, CLIP))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", choices=sorted(WORK), default=sorted(WORK))
    parser.add_argument("--data", type=Path, help="a folder with the excerpts of GVTBench and COCO captions")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    make_deterministic(0)
    texts = read_texts(args.data)
    report: dict[str, Any] = about(texts) | {"peak_tflops": peak_tflops()}
    for size in args.sizes:
        report[size] = {
            "training": training(size, texts, report["peak_tflops"]),
            "answering": answering(size, texts),
        }
    args.out.mkdir(parents=True, exist_ok=True)
    out = args.out / f"engine-{report['date']}.json"
    out.write_text(json.dumps(rounded(report), indent=1) + "\n")
    show(report, args.sizes)
    print(f"written: {out}")
    strayed = [
        size
        for size in args.sizes
        for precision, most in report[size]["training"]["loss_strays"].items()
        if most > STRAYS[precision]
    ]
    return 1 if strayed else 0


def training(size: str, texts: Texts, peak: float) -> dict[str, Any]:
    """Trains one connector from the same start in both loops and each precision, step by step in turns."""
    work = WORK[size]
    rows, steps = work.rows, work.steps
    model = build(size, texts).to(device())
    sides = {
        name: side
        for precision in PRECISIONS[size]
        for name, side in sides_of(copy.deepcopy(model), precision).items()
    }
    samples = texts.samples(rows * steps, single=work.single)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    losses: dict[str, list[float]] = {name: [] for name in sides}
    operations: dict[str, int] = {}
    memory: dict[str, float] = {}
    tokens, padded = [], []
    for step in range(steps):
        words = model.llm.words.pad(
            [model.llm.words.pieces(pieces) for pieces in samples[step * rows : (step + 1) * rows]]
        )
        batch = {
            name: tensor.to(device())
            for name, tensor in {"images": images(model, rows), **words.state()}.items()
        }
        front = len(model.llm.words.before_image) + model.see(images(model, 1).to(device())).shape[1]
        tokens.append(int(words.mask.sum()) + rows * front)
        padded.append(words.mask.numel() + rows * front)
        for name, side in sides.items():
            if step == 0:  # to warm up, and to count
                with FlopCounterMode(display=False) as counter:
                    losses[name].append(measured(side.step, batch)[1])
                operations[name] = counter.get_total_flops()
            else:
                peak_memory()
                taken, loss = measured(side.step, batch)
                seconds[name].append(taken)
                losses[name].append(loss)
                memory[name] = peak_memory()
    frozen = sum(entry.numel() for entry in model.llm.parameters())
    result: dict[str, Any] = {
        "batch": rows,
        "steps": steps,
        "positions_a_step": {"real": median(tokens), "padded": median(padded)},
        "loss": losses,
        "loss_strays": {
            precision: max(
                abs(one - other) / other
                for one, other in zip(losses[f"vistok {precision}"], losses["plain fp32"], strict=True)
            )
            for precision in PRECISIONS[size]
        },
    }
    for name, taken in ((name, median(values)) for name, values in seconds.items()):
        result[name] = {
            "seconds_a_step": taken,
            "samples_a_second": rows / taken,
            "tokens_a_second": median(tokens) / taken,
            "share_of_peak_4n": 4 * frozen * median(tokens) / taken / peak / 1e12,
            "share_of_peak_all": operations[name] / taken / peak / 1e12,
            "peak_memory_mb": memory[name],
        }
    own, plain = f"vistok {PRECISIONS[size][-1]}", ("plain fp32", f"plain {PRECISIONS[size][-1]}")
    ratios = {name: result[name]["seconds_a_step"] / result[own]["seconds_a_step"] for name in plain}
    return result | {"ratio_to": ratios}


def sides_of(model: MultimodalModel, precision: str) -> dict[str, Any]:
    """Returns both loops in a precision, with the weights of one model."""
    plain = PlainTraining(copy.deepcopy(model), RATE, DECAY, CLIP, half=precision == "bf16")
    if precision == "bf16":
        model.llm.to(torch.bfloat16)  # as it is loaded
    return {f"vistok {precision}": Vistok(model), f"plain {precision}": plain}


def answering(size: str, texts: Texts) -> dict[str, Any]:
    """Has all loops answer the same questions about the same images, up to as many new tokens, in turns."""
    work = WORK[size]
    model = build(size, texts).to(device()).eval()
    pixels = {str(number): image.to(device()) for number, image in enumerate(images(model, work.images))}
    asked = [
        Question(number, str(number % work.images), texts.questions[number % len(texts.questions)][0])
        for number in range(work.images * work.each)
    ]
    decoding = Decoding(max_new_tokens=RELEASED_TOKENS, beams=1, repetition_penalty=1.0, length_penalty=1.0)

    def ours() -> list[str]:
        answerer = SeeingAnswerer(model, batch=work.batch)
        answerer.look((name, np.asarray(image.cpu())) for name, image in pixels.items())
        return [made.text for made in answerer.answer(asked, decoding)]

    loops: dict[str, Callable[[], list[str]]] = {
        "vistok": ours,
        "released": lambda: released_answers(model, asked, pixels),
        "one by one": lambda: released_answers(model, asked[: work.alone], pixels, batch=1),
    }
    took: dict[str, list[float]] = {name: [] for name in loops}
    said: dict[str, list[str]] = {}
    for _ in range(work.turns):
        for name, loop in loops.items():
            taken, said[name] = measured(loop)
            took[name].append(taken)
    made: dict[str, Any] = {
        name: {
            "questions": len(said[name]),
            "seconds": median(taken),
            "questions_a_second": len(said[name]) / median(taken),
            "same_answers": sum(map(str.__eq__, said[name], said["vistok"])),
        }
        for name, taken in took.items()
    }
    rates = {name: entry["questions_a_second"] for name, entry in made.items()}
    return {
        "images": work.images,
        "different_answers": len(set(said["vistok"])),
        **made,
        "ratio_to": {name: rates["vistok"] / rate for name, rate in rates.items() if name != "vistok"},
    }


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def measured(do: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Returns the seconds that something takes, of the processor where it computes on one, and its result."""
    clock = time.perf_counter if device().type == "cuda" else time.process_time
    if device().type == "cuda":
        torch.cuda.synchronize()
    started = clock()
    result = do(*arguments)
    if device().type == "cuda":
        torch.cuda.synchronize()
    return clock() - started, result


def peak_tflops(size: int = 1024) -> float:
    """Returns the most that one large product in single precision reaches here."""
    one = torch.rand(size, size, device=device())
    return max(2 * size**3 / measured(torch.mm, one, one)[0] for _ in range(6)) / 1e12


def peak_memory() -> float:
    """Returns the greatest memory of this process so far, in MB: the GPU's, where it computes on one."""
    if device().type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 1e6
        torch.cuda.reset_peak_memory_stats()
        return peak
    return _high_water()


def _high_water() -> float:
    """Returns the peak in MB since the last call; since the start, where no system lets it be reset."""
    status = Path("/proc/self/status").read_text() if Path("/proc/self/status").exists() else ""
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return int(peaks[0]) / 1e3 if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def about(texts: Texts) -> dict[str, Any]:
    """Returns what was measured, and where."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    packages = {name: version(name) for name in ("torch", "transformers", "timm", "numpy")}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        **_commit(),
        "command": " ".join(["python3 benchmarks/engine.py", *sys.argv[1:]]),
        "device": torch.cuda.get_device_name() if device().type == "cuda" else "CPU, one thread",
        "processor": names[0] if names else platform.machine(),
        "clock": "wall" if device().type == "cuda" else "processor time",
        "python": platform.python_version(),
        "packages": packages,
        "texts": texts.source,
    }


def _commit() -> dict[str, Any]:
    """Returns the commit, and whether its code was changed; a copy without .git takes it from VISTOK_COMMIT."""
    if commit := os.environ.get("VISTOK_COMMIT"):
        return {"commit": commit}
    changed = bool(told("git", "status", "--porcelain", "src", "benchmarks"))
    return {"commit": told("git", "rev-parse", "HEAD"), "changed": changed}


def rounded(value: Any) -> Any:
    """Returns a report with four digits of each number."""
    match value:
        case dict():
            return {key: rounded(entry) for key, entry in value.items()}
        case list():
            return [rounded(entry) for entry in value]
        case float():
            return float(f"{value:.4g}")
    return value


def show(report: dict[str, Any], sizes: list[str]) -> None:
    """Prints the table that the docs show."""
    print("| size | what | baseline | vistok | ratio | the same |\n|---|---|---|---|---|---|")
    for size in sizes:
        trained, asked = report[size]["training"], report[size]["answering"]
        own = f"vistok {PRECISIONS[size][-1]}"
        for plain, ratio in trained["ratio_to"].items():
            before, now = (trained[name]["samples_a_second"] for name in (plain, own))
            print(
                f"| {size} | training, samples/s, {plain} and {own} | {before:.1f} | {now:.1f} | {ratio:.2f} "
                f"| loss within {trained['loss_strays'][PRECISIONS[size][-1]]:.0e} |"
            )
        for name, ratio in asked["ratio_to"].items():
            before, now = (asked[loop]["questions_a_second"] for loop in (name, "vistok"))
            print(
                f"| {size} | answering, questions/s, {name} | {before:.2f} | {now:.2f} | {ratio:.2f} "
                f"| {asked[name]['same_answers']} of {asked[name]['questions']} answers |"
            )


if __name__ == "__main__":
    sys.exit(main())
