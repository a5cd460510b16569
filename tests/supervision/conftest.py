"""A tiny encoder, a tiny labelled and captioned image set, and a ten-line training loop."""

import io
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest
import torch
from PIL import Image
from tests.small_models import small_encoder

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import Shards, write_rows
from vistok.grid.recipes import Optimiser
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import Pretraining
from vistok.supervision.base import Objective, Setup, make_objective
from vistok.supervision.data import PretrainingData
from vistok.supervision.heads import Heads
from vistok.supervision.text import IMAGE_PROJECTION, TEXT_ENCODER, TEXT_PROJECTION, TextEncoder, Words
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer

SIZE = 24
# A small set and few steps: small heads, and crops that leave the patterns to see.
_DISTILLATION = {
    "prototypes": 16, "global_size": 24, "global_least": 0.7, "local_crops": 0, "teacher_momentum": 0.9,
    "jitter": 0.1, "hue": 0.0, "grey": 0.0, "solarise": 0.0,
}  # fmt: skip
SMALL_OPTIONS: dict[str, dict[str, float]] = {
    "supervised": {"window_least": 2, "window_greatest": 3},
    "masked-pixels": {"decoder_width": 16, "decoder_heads": 1},
    "dino": _DISTILLATION,
    "dinov2": _DISTILLATION,
    "contrastive": {"embedding": 16, "text_width": 16, "text_layers": 1, "text_heads": 1},
    "feature-distillation": {},
    "masked-features": {"crop_least": 0.7},
    "region-proposals": {},
    "owl-vit": {},
    "region-clip": {"regions": 3},
}
TAUGHT = ("feature-distillation", "masked-features", "region-clip")
FROM_CLIP = ("owl-vit", "region-clip")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """A ViT of 9 patches and width 32, which trains in a second."""
    return small_encoder(pixels=SIZE, width=32, depth=2, normalisation="imagenet")


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def patterns() -> Iterator[ImageRow]:
    """Four kinds of image, six of each: stripes or checks, of two colours, under some noise."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIZE, :SIZE] // 4
    words = ("red checks", "red stripes", "blue checks", "blue stripes, all across")
    for number, label in enumerate((0, 1, 2, 3) * 6):
        pattern = (rows if label % 2 else rows + columns) % 2
        colour = np.array([220, 60, 40]) if label < 2 else np.array([40, 90, 220])
        pixels = pattern[..., None] * colour + rng.integers(0, 30, (SIZE, SIZE, 3))
        box = ObjectAnnotation("check", (6.0, 0.0, 12.0, 6.0), False)
        crowd = ObjectAnnotation("stripe", (0.0, 0.0, 1.0, 1.0), True)
        yield ImageRow(
            str(number), png(pixels.clip(0, 255).astype(np.uint8)), label, (words[label],), (box, crowd)
        )


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """The patterns with labels, texts and boxes, as shards."""
    folder = tmp_path_factory.mktemp("shards") / "patterns"
    categories = ("check", "stripe", "blue check", "blue stripe")
    write_rows(patterns(), folder, categories=categories, rows_per_file=10)
    return Shards(folder)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> PretrainingData:
    """The patterns without anything that supervises."""
    folder = tmp_path_factory.mktemp("shards") / "bare"
    write_rows((ImageRow(row.image_id, row.image) for row in patterns()), folder)
    return PretrainingData(Shards(folder), SIZE)


@pytest.fixture(scope="session")
def data(shards: Shards) -> PretrainingData:
    return PretrainingData(shards, SIZE)


@pytest.fixture(scope="session")
def teacher(encoder: Encoder) -> VisualTokenizer:
    """Another encoder than the student, of random weights that differ from patch to patch."""
    torch.manual_seed(7)
    wider = {**encoder.arguments, "embed_dim": 48, "num_heads": 3}
    changes = {"arguments": wider, "width": 48, "normalisation": "clip", "final_norm": True}
    return build_tokenizer(encoder.model_copy(update=changes))


def clip_heads(width: int, words: Words) -> Heads:
    """Returns a text tower, and projections to 16 numbers from an image's width and from a text's."""
    torch.manual_seed(width)
    modules = {
        IMAGE_PROJECTION: torch.nn.Linear(width, 16, bias=False),
        TEXT_PROJECTION: torch.nn.Linear(8, 16, bias=False),
        TEXT_ENCODER: TextEncoder(len(words), 20, 8, 1, 1),
    }
    shape = {"context": 20, "width": 8, "layers": 1, "heads": 1}
    norm = {"norm.weight": torch.ones(width), "norm.bias": torch.zeros(width)}
    return Heads(norm).with_modules(modules, words=[*words.numbers], **shape)


@pytest.fixture(scope="session")
def words(data: PretrainingData) -> Words:
    """The words of the texts, and those of the names of categories."""
    return Words([*data.texts(), "a check", "a stripe"])


@pytest.fixture(scope="session")
def teacher_heads(words: Words) -> Heads:
    return clip_heads(48, words)


@pytest.fixture(scope="session")
def clip(encoder: Encoder) -> VisualTokenizer:
    """What an objective goes on from that needs a base."""
    torch.manual_seed(13)
    return build_tokenizer(encoder)


@pytest.fixture(scope="session")
def base_heads(words: Words) -> Heads:
    return clip_heads(32, words)


@pytest.fixture(scope="session")
def proposer(encoder: Encoder, data: PretrainingData) -> tuple[VisualTokenizer, Heads]:
    """A proposer before its first step."""
    plain = Pretraining(steps=1, batch=2, optimiser=Optimiser(learning_rate=1e-3, warmup_steps=0))
    objective = make_objective("region-proposals", Setup(encoder, plain, data, 5))
    tokenizer = build_tokenizer(encoder)
    states = objective.encoder.state_dict()
    tokenizer.trunk.load_state_dict({name: states[name] for name in tokenizer.trunk.state_dict()})
    return tokenizer, objective.heads()


@pytest.fixture(scope="session")
def setup_of(
    encoder: Encoder,
    data: PretrainingData,
    teacher: VisualTokenizer,
    teacher_heads: Heads,
    clip: VisualTokenizer,
    base_heads: Heads,
    proposer: tuple[VisualTokenizer, Heads],
) -> Callable[..., Setup]:
    """Returns the setup of an objective by its id, with what it is made from."""

    def build(name: str, pretraining: Pretraining, **changes: object) -> Setup:
        given: dict[str, object] = {"encoder": encoder, "pretraining": pretraining, "data": data, "seed": 0}
        heads: dict[str, Heads] = {}
        if name in TAUGHT:
            given["teacher"], heads["teacher"] = teacher, teacher_heads
        if name in FROM_CLIP:
            given["base"], heads["base"] = clip, base_heads
        if name == "region-clip":
            given["proposer"], heads["proposer"] = proposer
        return Setup(**{**given, "heads": heads, **changes})

    return build


@pytest.fixture(scope="session")
def make(setup_of: Callable[..., Setup]) -> Callable[..., Objective]:
    """Makes a small objective by its id; keyword arguments are options."""

    def build(
        name: str,
        seed: int = 0,
        steps: int = 40,
        base: VisualTokenizer | None = None,
        heads: Mapping[str, Heads] | None = None,
        **options: float,
    ) -> Objective:
        pretraining = Pretraining(
            steps=steps,
            batch=12,
            optimiser=Optimiser(learning_rate=3e-3, warmup_steps=0),
            options={**SMALL_OPTIONS[name], **options},
        )
        changes = {"base": base, "heads": heads}
        given = {role: part for role, part in changes.items() if part is not None}
        return make_objective(name, setup_of(name, pretraining, seed=seed, **given))

    return build


@pytest.fixture(scope="session")
def trainer(data: PretrainingData) -> Callable[[Objective], "Trainer"]:
    return lambda objective: Trainer(objective, data)


class Trainer:
    """The least training loop: AdamW at a constant rate."""

    def __init__(self, objective: Objective, data: PretrainingData, rate: float = 3e-3) -> None:
        self.objective, self.data = objective, data
        trained = [parameter for parameter in objective.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.AdamW(trained, lr=rate)

    def run(self, start: int, stop: int) -> list[float]:
        losses = []
        for step in range(start, stop):
            loss = self.objective(self.objective.batch(self.data, step), step)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.objective.after_step(step)
            losses.append(loss.item())
        return losses
