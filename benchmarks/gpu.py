"""Measures the paper scale's trainings and answers at their real sizes on one GPU, with random weights.

python3 benchmarks/gpu.py [--only alignment distillation answering] [--data FOLDER] [--small] [--out FOLDER]

`alignment`: optimiser steps of rows of Table 2, Vicuna-7B in bf16 and CLIP's ViT-B/16, a batch cut as the scale cuts
it. `distillation`: steps of EVA-CLIP-FD's feature distillation, and of a plain ViT-L's. `answering`: questions about
images to the same 7-B model, which with random weights writes as many words as it may. The code is that of the steps;
images are there already. Trainings are measured as they are and with compiled layers (`exact: false` of a scale).
Shares are of what one large product reaches in the same run. `--small` tries the script out on a CPU.
The result is one dated JSON file.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from engine import about, device, peak_memory, rounded
from engine_models import Texts, read_texts
from PIL import Image
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards, write_rows
from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import Question
from vistok.grid.connectors import Connector
from vistok.grid.load import load_study
from vistok.grid.recipes import Optimiser
from vistok.grid.tasks import Decoding
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import Pretraining
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.supervision.base import Setup, make_objective
from vistok.supervision.data import PretrainingData
from vistok.supervision.learner import PretrainingLearner
from vistok.tokenizers.base import build_tokenizer
from vistok.training.batches import Batch, by_length
from vistok.training.compiled import compile_layers
from vistok.training.devices import device_of
from vistok.training.loop import _step, make_deterministic
from vistok.training.schedule import make_optimiser


@dataclass(frozen=True)
class Size:
    """How large everything is.

    Attributes:
        batch: samples of an optimiser step.
        positions: of a micro-batch, each of which is measured.
        images: of a step of distillation.
    """

    width: int
    feedforward: int
    layers: int
    heads: int
    vocabulary: int
    batch: int
    positions: tuple[int, ...]
    images: int
    questions: int
    batches: tuple[int, ...]
    words: tuple[int, ...]
    side: int


VICUNA_7B = Size(
    4096, 11008, 32, 32, 32_000, batch=512, positions=(4560,), images=256, questions=1024,
    batches=(32, 128, 256), words=(10, 32), side=8192,
)  # fmt: skip
TINY = Size(
    64, 128, 2, 2, 500, batch=16, positions=(300,), images=4, questions=8, batches=(4,), words=(3,), side=256
)
OPTIMISER = Optimiser(learning_rate=1e-4, warmup_steps=0, weight_decay=0.05)
STEPS = 4  # the first one is a warm-up
POSITIONS = 56  # of a sample of the paper's mixture, image and text, without padding


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {"alignment": alignment, "distillation": distillation, "answering": answering}
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--data", type=Path, help="a folder with the excerpts of GVTBench and COCO captions")
    parser.add_argument("--small", action="store_true", help="tiny models")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    device_of(torch.cuda.device_count())
    make_deterministic(0, exact=device().type == "cpu")
    size, texts = TINY if args.small else VICUNA_7B, read_texts(args.data)
    report: dict[str, Any] = about(texts)
    report["command"] = " ".join(["python3 benchmarks/gpu.py", *sys.argv[1:]])
    report["peak_tflops_bf16"] = peak_tflops(size.side)
    for part in args.only:
        report[part] = parts[part](size, texts, report["peak_tflops_bf16"])
        print(json.dumps({part: rounded(report[part])}, indent=1), flush=True)
        write(report, args.out)
    return 0


def write(report: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"gpu-{report['date']}.json").write_text(json.dumps(rounded(report), indent=1) + "\n")


def alignment(size: Size, texts: Texts, peak: float) -> dict[str, Any]:
    """Takes optimiser steps of a row with a frozen tokenizer, and of one with a tuned, before and after compiling."""
    results: dict[str, Any] = {}
    for recipe in ("frozen", "tuned"):
        model = multimodal(size, texts, recipe)
        learner, shares = Row(model), batches(model, size, texts)
        # Counted first: what is traced while operations are counted is never compiled.
        flops = operations_of_a_sample(learner, shares[0], size.positions[0])
        words = int(shares[0]["mask"].sum()) / size.batch + front_of(model)
        results[recipe] = {"tflops_a_sample": flops / 1e12, "positions_a_sample": words}
        for compiled in (False, True):
            if compiled:
                compile_layers(model, dynamic=True)
            for positions in size.positions:
                name = f"{positions} positions at a time, {'compiled' if compiled else 'eager'}"
                results[recipe][name] = steps(learner, shares, positions, flops, peak)
                print(recipe, name, rounded(results[recipe][name]), flush=True)
        del model, learner
        release()
    return results


class Row(nn.Module):
    """A row's training without its mixture: the images of all steps are the same."""

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.model.loss(batch["images"], batch["ids"], batch["weights"], batch["mask"])


def batches(model: MultimodalModel, size: Size, texts: Texts) -> list[Batch]:
    """Returns the batches of some steps on one process, as a learner gives them; only images are the same."""
    rows = [model.llm.words.pieces(pieces) for pieces in texts.samples(size.batch * STEPS, single=True)]
    images = pixels(model.tokenizer.encoder, size.batch)
    return [
        {"images": images, **model.llm.words.pad(rows[first : first + size.batch]).state()}
        for first in range(0, len(rows), size.batch)
    ]


def steps(learner: Row, shares: Sequence[Batch], positions: int, flops: float, peak: float) -> dict[str, Any]:
    """Takes steps as the training loop does, each on a batch of other shapes, and returns what they cost.

    Args:
        flops: operations of a sample.
    """
    front, step = front_of(learner.model), stepper(learner)
    cut = [by_length(batch, front, positions) for batch in shares]
    first, _ = timed(step, cut[0])
    peak_memory()
    taken = [timed(step, micro_batches)[0] for micro_batches in cut[1:]]
    samples = sum(len(batch["ids"]) for batch in shares[1:])
    words = sum(int(batch["mask"].sum()) for batch in shares[1:]) + samples * front
    seconds = sum(taken)
    return {
        "micro_batches": len(cut[0]),
        "seconds_of_first_step": first,
        "seconds_a_step": taken,
        "samples_a_second": samples / seconds,
        "positions_a_second": words / seconds,
        "samples_a_second_of_56_positions": words / POSITIONS / seconds,
        "tflops": flops * samples / seconds / 1e12,
        "share_of_peak_all": flops * samples / seconds / peak / 1e12,
        "share_of_peak_4n": 4 * parameters(learner.model.llm) * words / seconds / peak / 1e12,
        "peak_memory_mb": peak_memory(),
    }


def operations_of_a_sample(learner: Row, batch: Batch, positions: int) -> float:
    step, micro_batches = stepper(learner), by_length(batch, front_of(learner.model), positions)
    with operations() as counted:
        step(micro_batches)
    return counted() / len(batch["ids"])


def front_of(model: MultimodalModel) -> int:
    with torch.no_grad():
        seen = model.see(pixels(model.tokenizer.encoder, 1).to(device()))
    return len(model.llm.words.before_image) + int(seen.shape[1])


def stepper(learner: nn.Module) -> Callable[[Sequence[Batch]], Tensor]:
    accelerator = Accelerator(cpu=device().type == "cpu")
    optimiser = make_optimiser(learner, OPTIMISER, lambda name: 1.0)
    trained = [parameter for parameter in learner.parameters() if parameter.requires_grad]

    def step(micro_batches: Sequence[Batch]) -> Tensor:
        return _step(accelerator, learner, optimiser, trained, micro_batches, 1e-4, None)

    return step


def distillation(size: Size, texts: Texts, peak: float) -> dict[str, Any]:
    """Takes steps of feature distillation, student and teacher of one architecture, before and after compiling."""
    results: dict[str, Any] = {}
    eva = load_study("paper").encoder("eva-clip-fd")
    plain = {"name": "vit_large_patch16_224", "tokens": 197, "parameters_m": 303.3}
    encoders = {"ViT-L/16": eva.model_copy(update=plain), "EVA-02-L/14": eva}
    if size is TINY:
        small = {"name": "vit_tiny_patch16_224", "tokens": 197, "width": 192, "parameters_m": 5.5}
        encoders = {"ViT-Ti/16": eva.model_copy(update=small)}
    for name, encoder in encoders.items():
        learner = distiller(encoder.model_copy(update={"weights": "random"}), size.images)
        batch = {key: tensor.to(device()) for key, tensor in learner.batch(0, 0, 1).items()}
        learner.to(device())
        step = stepper(learner)
        with operations() as counted:
            step([batch])
        flops = counted()
        results[name] = {"images": size.images, "tflops_an_image": flops / size.images / 1e12}
        for compiled in (False, True):
            if compiled:
                compile_layers(learner.objective)
            first, _ = timed(step, [batch])
            step([batch])
            peak_memory()
            taken = [timed(step, [batch])[0] for _ in range(5)]
            results[name]["compiled" if compiled else "eager"] = {
                "seconds_of_first_step": first,
                "seconds_a_step": taken,
                "images_a_second": size.images / median(taken),
                "share_of_peak": flops / median(taken) / peak / 1e12,
                "peak_memory_mb": peak_memory(),
            }
        del learner, step
        release()
    return results


def distiller(encoder: Encoder, images: int) -> PretrainingLearner:
    """Returns feature distillation on images of noise, with a teacher of random weights."""
    with TemporaryDirectory() as folder:
        write_rows(noise(encoder.image_size, 64), Path(folder) / "noise")
        data = PretrainingData(Shards(Path(folder) / "noise"), encoder.image_size)
        pretraining = Pretraining(steps=100, batch=images, optimiser=OPTIMISER, options={"drop_path": 0.1})
        teacher = build_tokenizer(encoder.model_copy(update={"final_norm": True}))
        objective = make_objective(
            "feature-distillation", Setup(encoder, pretraining, data, 0, teacher=teacher)
        )
        return PretrainingLearner(objective, data, half=True)


def noise(side: int, count: int) -> Iterator[ImageRow]:
    chance = np.random.default_rng(0)
    for number in range(count):
        stream = io.BytesIO()
        Image.fromarray(chance.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(stream, "JPEG")
        yield ImageRow(str(number), stream.getvalue())


def answering(size: Size, texts: Texts, peak: float) -> dict[str, Any]:
    """Has the model answer questions, four about each image; with random weights it writes all words that it may."""
    model = multimodal(size, texts, "frozen").eval()
    names = [str(number) for number in range(size.questions // 4)]
    shown = dict(zip(names, np.asarray(pixels(model.tokenizer.encoder, len(names))), strict=True))
    asked = [
        Question(number, names[number % len(names)], texts.questions[number % len(texts.questions)][0])
        for number in range(size.questions)
    ]
    results: dict[str, Any] = {"questions": len(asked), "images": len(names)}
    said: dict[int, list[str]] = {}
    for batch in size.batches:
        answerer = SeeingAnswerer(model, batch=batch)
        answerer.look(iter(list(shown.items())[:batch]))
        looking, _ = timed(answerer.look, iter(shown.items()))
        for most in size.words:
            decoding = Decoding(beams=1, max_new_tokens=most, repetition_penalty=1.0, length_penalty=1.0)
            list(answerer.answer(asked[:batch], decoding))
            peak_memory()
            seconds, made = timed(_all, answerer, asked, decoding)
            answers = [answer.text for answer in made]
            first = said.setdefault(most, answers)
            name = f"batch {batch}, {most} words"
            results[name] = {
                "seconds": seconds,
                "seconds_of_images": looking,
                "questions_a_second": len(asked) / (seconds + looking),
                "same_as_first": sum(map(str.__eq__, answers, first)),
                "peak_memory_mb": peak_memory(),
            }
            print(name, rounded(results[name]), flush=True)
    return results


def _all(answerer: SeeingAnswerer, asked: list[Question], decoding: Decoding) -> list[Any]:
    return list(answerer.answer(asked, decoding))


def multimodal(size: Size, texts: Texts, recipe: str) -> MultimodalModel:
    """Returns the paper scale's model of a recipe with CLIP's encoder, random weights in place of published ones."""
    study = load_study("paper")
    encoder = study.encoder("clip").model_copy(update={"weights": "random"})
    connector: Connector = study.recipe(recipe).connector
    words = [*texts.captions, *(f"{question} {answer}" for question, answer in texts.questions)]
    fill = [f"x{number}" for number in range(size.vocabulary)]
    tokenizer = make_word_tokenizer([*words, " ".join(fill)])
    config = LlamaConfig(
        vocab_size=max(size.vocabulary, len(tokenizer)), hidden_size=size.width, intermediate_size=size.feedforward,
        num_hidden_layers=size.layers, num_attention_heads=size.heads, bos_token_id=1, eos_token_id=2,
        pad_token_id=2, max_position_embeddings=2048,
    )  # fmt: skip
    torch.set_default_dtype(torch.bfloat16)
    with device():
        network = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    llm = CausalLanguageModel(network, tokenizer).requires_grad_(False).eval()
    model = MultimodalModel(build_tokenizer(encoder), llm, connector, trains=study.recipe(recipe).trains)
    return model.to(device())


def pixels(encoder: Encoder, count: int) -> Tensor:
    chance = torch.Generator().manual_seed(1)
    return torch.randint(
        0, 256, (count, 3, encoder.image_size, encoder.image_size), generator=chance, dtype=torch.uint8
    )


def parameters(module: nn.Module) -> int:
    return sum(entry.numel() for entry in module.parameters())


@contextmanager
def operations() -> Iterator[Callable[[], float]]:
    with FlopCounterMode(display=False) as counter:
        yield counter.get_total_flops


def timed(do: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Returns the seconds that something takes, of the wall, and its result."""
    _finish()
    started = time.perf_counter()
    result = do(*arguments)
    _finish()
    return time.perf_counter() - started, result


def _finish() -> None:
    if device().type == "cuda":
        torch.cuda.synchronize()


def release() -> None:
    if device().type == "cuda":
        torch.cuda.empty_cache()


def peak_tflops(side: int) -> float:
    """Returns the most that one large product in bf16 reaches here, on random numbers."""
    one = torch.randn(side, side, device=device(), dtype=torch.bfloat16)
    for _ in range(3):
        one @ one

    def ten() -> None:
        for _ in range(10):
            one @ one

    return 10 * 2 * side**3 / min(timed(ten)[0] for _ in range(3)) / 1e12


if __name__ == "__main__":
    sys.exit(main())
