"""How long a training takes to start again, and how much memory it takes, at the paper scale's size of data.

The shards have as many rows, row groups, files and bytes as the paper's mixture, and none of their own: every file is
a link to one that is real. What is read is therefore whole and compared with its checksums, while the disk's own
speed is not measured. The model is a small one, so that its weights count for nothing; the training is stopped as a
cluster stops it (SIGTERM), and started again.

    .venv/bin/python benchmarks/training_start.py --out benchmarks/results/training-start-YYYY-MM-DD.json
"""

import argparse
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from vistok.datasets.manifest import MANIFEST, Manifest
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import write_rows
from vistok.files import digest_file

ROWS: Final = 15_000_000
SECONDS: Final = 60.0
GIB: Final = 16.0
_PHOTOGRAPHS: Final = 40  # different ones
_NAMES: Final = 10_000  # of one file: ext4 allows 65,000
_WORDS: Final = (
    "a photograph of",
    "one",
    "two",
    "three",
    "red",
    "green",
    "small",
    "large",
    "dogs",
    "cats",
    "trees",
)


def main() -> int:
    """Prints both numbers with their targets; returns 1 where one is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--share", type=int, default=1024, help="images a step of this process")
    parser.add_argument("--workers", type=int, default=7)
    parser.add_argument("--out", type=Path, metavar="FILE", help="a JSON file with what was measured")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="for the shards: make them there, or use them"
    )
    parser.add_argument("--train", nargs=2, metavar=("SHARDS", "STATE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train:
        train_once(Path(args.train[0]), Path(args.train[1]), args.share, args.workers)
        return 0
    folder = args.keep or Path(tempfile.mkdtemp(prefix="training-start-"))
    try:
        shards = folder / "shards"
        if not (shards / MANIFEST).is_file():
            make_shards(shards, args.rows)
        report = about() | {"rows": args.rows, "share": args.share, "workers": args.workers}
        report |= size_of(shards)
        report["first_start"] = started(shards, folder / "state", args)
        report["started_again"] = started(shards, folder / "state", args)
    finally:
        if not args.keep:
            shutil.rmtree(folder)
    if args.out:
        args.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    again = report["started_again"]
    return int(again["seconds_to_first_step"] > SECONDS or again["peak_pss_gib"] > GIB)


def make_shards(out: Path, rows: int) -> None:
    """Writes one real file of photographs, and as many links to it as make up `rows` rows."""
    first = out.with_name("one")
    write_rows(photographs(), first)
    one = Manifest.read(first)
    real = one.files[0]
    groups = np.load(first / "_groups.npy")
    groups = groups[:, groups[1] == 0]
    files = -(-rows // real.rows)
    out.mkdir(parents=True)
    names = [f"part-{number:05d}.parquet" for number in range(files)]
    for number, name in enumerate(names):
        if number % _NAMES:
            os.link(out / names[number - number % _NAMES], out / name)
        else:
            shutil.copy(first / real.name, out / name)
    every = np.arange(files, dtype=np.uint64).repeat(groups.shape[1])
    repeated = np.tile(groups, files)
    repeated[0] += every * np.uint64(real.rows)
    repeated[1] = every
    np.save(out / "_groups.npy", repeated)
    hashes = np.sort(np.random.default_rng(0).integers(0, 2**63, files * real.rows, dtype=np.uint64))
    np.save(out / "_ids.npy", np.stack([hashes, np.arange(len(hashes), dtype=np.uint64)]))
    Manifest(
        rows=files * real.rows,
        rows_with={name: count * files for name, count in one.rows_with.items()},
        categories=(),
        sources={},
        files=tuple(real.model_copy(update={"name": name}) for name in names),
        indexes={name: digest_file(out / name) for name in ("_groups.npy", "_ids.npy")},
    ).write(out)


def photographs() -> Iterator[ImageRow]:
    """Yields rows of some 70 KB, as many as fill a file and start a second one."""
    chance = np.random.default_rng(0)
    images = [photograph(chance) for _ in range(_PHOTOGRAPHS)]
    written = number = 0
    while written < 1 << 26:
        data = images[number % len(images)]
        caption = " ".join([f"number {number}", *chance.choice(_WORDS, 8)])
        yield ImageRow(str(number), data, captions=(caption,))
        written, number = written + len(data), number + 1


def photograph(chance: np.random.Generator) -> bytes:
    """Returns a JPEG of 570 x 480 pixels with as much detail as a photograph of COCO has."""
    coarse = chance.integers(0, 256, (24, 28, 3), dtype=np.uint8)
    smooth = np.asarray(
        Image.fromarray(coarse).resize((570, 480), Image.Resampling.BICUBIC), dtype=np.float32
    )
    noisy = np.clip(smooth + chance.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, "JPEG", quality=75)
    return stream.getvalue()


def size_of(shards: Path) -> dict[str, Any]:
    manifest = Manifest.read(shards)
    return {
        "shards": {
            "files": len(manifest.files),
            "rows": manifest.rows,
            "terabytes": round(sum(file.bytes for file in manifest.files) / 1e12, 3),
            "index_megabytes": round(sum((shards / name).stat().st_size for name in manifest.indexes) / 1e6),
        }
    }


def started(shards: Path, state: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Starts the training, asks it to stop once its first step has begun, and returns what was measured."""
    command = [sys.executable, __file__, "--train", str(shards), str(state)]
    command += ["--share", str(args.share), "--workers", str(args.workers)]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as training:
        assert training.stdout is not None
        peak, first, said = 0.0, None, list[str]()
        os.set_blocking(training.stdout.fileno(), False)
        while training.poll() is None:
            time.sleep(1.0)
            peak = max(peak, pss_of(training.pid))
            said += training.stdout.readlines()
            if first is None and any(line.startswith("step ") for line in said):
                first = time.monotonic() - began
            # Once every worker has made what it may make ahead, there is no more to come.
            if first is not None and sum(line.startswith("step ") for line in said) >= 3:
                training.send_signal(signal.SIGTERM)
    if first is None:
        raise SystemExit("".join(said))
    parts = next(line for line in said if line.startswith("parts "))
    return {
        "seconds_to_first_step": round(first, 1),
        **json.loads(parts.removeprefix("parts ")),
        "peak_pss_gib": round(peak / 2**20, 2),
        "goes_on": next((line.strip() for line in said if "goes on from step" in line), None),
    }


def pss_of(pid: int) -> float:
    """Returns the proportional set size of a process and all below it, in KiB; shared pages are counted once."""
    total = 0.0
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            for task in Path(f"/proc/{each}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, StopIteration):
            continue  # it has ended
    return total


def now() -> tuple[float, float]:
    """Returns the clock's time and this process's processor time, in seconds."""
    return time.monotonic(), time.process_time()


def differences(moments: dict[str, float]) -> dict[str, float]:
    """Returns how long after the moment before each moment was."""
    pairs = pairwise(moments.items())
    return {name: round(after - before, 1) for (_, before), (name, after) in pairs}


def train_once(folder: Path, state: Path, share: int, workers: int) -> None:
    """What `vistok tune-mllm` does with its shards, and a small model: digests, mixture, training loop."""
    moments = {"start": now()}
    import torch

    from vistok.datasets.mixture import Mixture
    from vistok.datasets.shards import Shards
    from vistok.evaluation.turns import TurnDraw
    from vistok.grid.connectors import Resampler
    from vistok.grid.load import load_study
    from vistok.grid.tokenizers import Encoder
    from vistok.mllm.language_models.causal import CausalLanguageModel
    from vistok.mllm.model import MultimodalModel
    from vistok.mllm.words import make_word_tokenizer
    from vistok.steps.inputs import input_digests
    from vistok.tokenizers.base import build_tokenizer
    from vistok.training.batches import Batch
    from vistok.training.loop import Plan, make_deterministic, train
    from vistok.training.mllm import MultimodalLearner

    class Watched(MultimodalLearner):
        """Says when each step begins."""

        def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
            if batch["images"].shape[0] and not getattr(self, "at_work", False):
                self.at_work = True
                moments["first batch"] = now()
                told = {
                    "seconds": differences({name: wall for name, (wall, _) in moments.items()}),
                    "processor_seconds": differences({name: own for name, (_, own) in moments.items()}),
                }
                print("parts " + json.dumps(told), flush=True)
            return super().forward(batch)

        def after_step(self, step: int) -> None:
            print(f"step {step}", flush=True)

    moments["imports"] = now()
    make_deterministic(0)
    size = load_study("smoke").scale.language_model["causal"]
    encoder = Encoder(
        library="timm", name="vit_tiny_patch16_224", weights="random", image_size=224, normalisation="clip",
        arguments={"patch_size": 32, "embed_dim": 32, "depth": 1, "num_heads": 2}, tokens=50, width=32,
        parameters_m=0.1, source="small",
    )  # fmt: skip
    words = [
        *" ".join(_WORDS).split(),
        "number",
        "what",
        "does",
        "the",
        "image",
        "describe?",
        *map(str, range(2000)),
    ]
    model = MultimodalModel(
        build_tokenizer(encoder),
        CausalLanguageModel.build(size, make_word_tokenizer(words)),
        Resampler(latents=4, depth=1, heads=2, head_width=8, feedforward_multiple=2),
        trains=("connector",),
    )
    recipe = load_study("paper").recipe("frozen").model_copy(update={"batch": share})
    moments["small model"] = now()
    digests = input_digests([folder])
    moments["digest of shards"] = now()
    mixture = Mixture(
        [Shards(folder)],
        draw=TurnDraw(recipe.turns, recipe.prompts, recipe.turns_a_sample),
        reader=model.tokenizer.reads(),
        seed=0,
        horizontal_flip=recipe.horizontal_flip,
        crop_scale=recipe.crop_scale,
    )
    moments["mixture"] = now()
    plan = Plan(
        recipe.steps, recipe.optimiser, save_every=500, note_every=1, workers=workers, positions=8 * 560
    )
    train(
        Watched(model, mixture, recipe),
        plan,
        state=state,
        identity=next(iter(digests.values())),
        name="start",
    )


def about() -> dict[str, Any]:
    """Returns what was measured, and where."""
    info = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]

    def told(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": told("git", "rev-parse", "HEAD"),
        "changed": bool(told("git", "status", "--porcelain", "src", "benchmarks")),
        "command": " ".join([".venv/bin/python benchmarks/training_start.py", *sys.argv[1:]]),
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())
