"""Learning to see: an MLLM on a real mixture, what it is asked, and a training that is stopped and goes on."""

import io
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from tests.devices import left_behind
from tests.small_models import small_encoder, small_language_model

from vistok.datasets.coco import ObjectAnnotation
from vistok.datasets.mixture import Mixture
from vistok.datasets.preprocessing import Preprocessing
from vistok.datasets.reader import PixelReader
from vistok.datasets.rows import ImageRow, QuestionAnswer
from vistok.datasets.shards import Shards, write_rows
from vistok.errors import VistokError
from vistok.evaluation.turns import TurnDraw
from vistok.grid.connectors import Resampler
from vistok.grid.fields import Part
from vistok.grid.recipes import Optimiser, Recipe
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer
from vistok.training.batches import Batch
from vistok.training.loop import Plan, train
from vistok.training.mllm import MultimodalLearner
from vistok.training.schedule import make_optimiser

OPTIMISER = Optimiser(learning_rate=1e-2, warmup_steps=2)
SIZE = small_language_model(width=16, layers=1, context=128)
TRAINS: list[tuple[Part, ...]] = [
    ("connector",),
    ("connector", "tokenizer"),
    ("connector", "tokenizer", "llm"),
    ("connector", "tokenizer-last-block"),
]
RATES: dict[Part, float] = {"tokenizer": 0.2, "tokenizer-last-block": 0.3, "llm": 0.5}
PROMPTS = {
    "caption": "what does the image describe?",
    "vqa": "Question: {question} Answer:",
    "counting": "{question}",
    "identification": "{question}",
}
ENCODER = small_encoder(depth=2)
CORPUS = [
    "How many cats dogs are in the image? 1 2 3", "Does cat dog exist in the image? Yes. No.",
    "Question: what is it? Answer: red blue", "what does the image describe? a cat and dog",
]  # fmt: skip


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """Eight images with one, two or three cats, a caption and a question."""
    folder = tmp_path_factory.mktemp("shards") / "eight"
    rows = [
        ImageRow(
            str(index),
            png(index),
            captions=("a cat and a dog",),
            objects=(ObjectAnnotation("cat", (1, 1, 2, 2), False),) * (1 + index % 3),
            questions=(QuestionAnswer("what is it?", "red" if index % 2 else "blue"),),
        )
        for index in range(8)
    ]
    write_rows(rows, folder, categories=("cat", "dog"))
    return Shards(folder)


def recipe(trains: tuple[Part, ...]) -> Recipe:
    return Recipe(
        id="test",
        label="test",
        trains=trains,
        rates={part: rate for part, rate in RATES.items() if part in trains},
        connector=Resampler(latents=3, depth=1, heads=2, head_width=8, feedforward_multiple=2),
        optimiser=OPTIMISER,
        steps=8,
        batch=6,
        turns={"caption": 1, "vqa": 1, "counting": 1, "identification": 1},
        prompts=PROMPTS,
        short_answer_weight=5.0,
    )


@pytest.fixture
def make(shards: Shards) -> Callable[..., MultimodalLearner]:
    def build(trains: tuple[Part, ...] = ("connector",)) -> MultimodalLearner:
        torch.manual_seed(0)
        words = make_word_tokenizer(CORPUS)
        chosen = recipe(trains)
        llm = CausalLanguageModel.build(SIZE, words)
        model = MultimodalModel(build_tokenizer(ENCODER), llm, chosen.connector, trains=trains)
        mixture = Mixture(
            [shards],
            draw=TurnDraw(chosen.turns, chosen.prompts),
            reader=PixelReader(Preprocessing(16, "clip")),
            seed=0,
        )
        return MultimodalLearner(model, mixture, chosen)

    return build


def rows(learner: MultimodalLearner, batch: Batch) -> list[tuple[bytes, str]]:
    """Returns the image and the text of each row of a batch."""
    texts = learner.words.tokenizer.batch_decode(batch["ids"], skip_special_tokens=False)
    return [(image.numpy().tobytes(), text) for image, text in zip(batch["images"], texts, strict=True)]


@pytest.mark.parametrize("trains", TRAINS)
def test_no_part_stays_where_it_was_built(
    make: Callable[..., MultimodalLearner], trains: tuple[Part, ...]
) -> None:
    meta = torch.device("meta")
    assert left_behind(make(trains).to(meta), meta) == []


def test_a_row_is_an_image_and_its_turns(make: Callable[..., MultimodalLearner]) -> None:
    learner = make()
    batch = learner.batch(0, 0, 1)
    assert batch["images"].shape == (6, 3, 16, 16)
    sample = learner.mixture.sample(0)
    assert np.array_equal(batch["images"][0].numpy(), sample.image)
    _, text = rows(learner, batch)[0]
    said = text.split("</s>")
    assert said[0].startswith("</Img> ") and text.count("</Img>") == 1
    assert sum(turn.kind == "caption" for turn in sample.turns) == 1 and len(sample.turns) == 4
    for turn, part in zip(sample.turns, said, strict=False):
        assert part.endswith((f" {turn.answer}", f" {turn.answer} "))


def test_captions_weigh_one_and_short_answers_more(make: Callable[..., MultimodalLearner]) -> None:
    learner = make()
    batch = learner.batch(0, 0, 1)
    for ids, weights in zip(batch["ids"].tolist(), batch["weights"].tolist(), strict=True):
        weight_of = dict(zip(learner.words.tokenizer.convert_ids_to_tokens(ids), weights, strict=True))
        assert weight_of["and"] == 1.0
        assert {
            weight_of[word] for word in ("red", "blue", "1", "2", "3", "Yes.", "No.") if word in weight_of
        } == {5.0}
        assert weight_of["Question"] == weight_of["many"] == weight_of["</Img>"] == 0.0


def test_processes_share_a_batch_out(make: Callable[..., MultimodalLearner]) -> None:
    learner = make()
    whole = learner.batch(3, 0, 1)
    parts = [learner.batch(3, process, 2) for process in range(2)]
    assert sorted(image for part in parts for image, _ in rows(learner, part)) == sorted(
        image for image, _ in rows(learner, whole)
    )
    assert sum(part["weights"].sum() for part in parts) == whole["weights"].sum()


def test_a_part_is_not_padded_for_the_longest_row_of_another(make: Callable[..., MultimodalLearner]) -> None:
    """And there are as many positions in it as were allowed, those of the image among them."""
    learner = make()
    batch = dict(learner.batch(0, 0, 1))
    for row, short in enumerate((9, 0, 20)):  # the others are of one length
        for name in ("ids", "weights", "mask"):
            batch[name][row, len(batch[name][row]) - short :] = 0
    front = learner.recipe.connector.front(learner.model.tokenizer.encoder.tokens)
    lengths = batch["mask"].sum(dim=1)
    assert len(lengths.unique()) > 1
    parts = learner.cut(batch, front + int(lengths.max()))
    assert front and len(parts) > 1
    assert all(part["mask"].all(dim=0).any() and part["mask"].any(dim=0).all() for part in parts)
    whole, cut = learner(batch), [learner(part) for part in parts]
    for total, each in zip(whole, zip(*cut, strict=True), strict=True):
        assert torch.stack(each).sum().item() == pytest.approx(total.item(), rel=1e-5)


@pytest.mark.parametrize("trains", TRAINS, ids="+".join)
def test_a_stopped_training_goes_on_to_the_same_weights(
    make: Callable[..., MultimodalLearner], tmp_path: Path, trains: tuple[Part, ...]
) -> None:
    plan = Plan(8, OPTIMISER, save_every=100, note_every=2)

    def run(learner: MultimodalLearner, folder: str) -> list[dict[str, float]]:
        return train(learner, plan, state=tmp_path / folder, identity="a", name="mllm")

    alone, stopped, resumed = make(trains), make(trains), make(trains)
    before = {name: tensor.clone() for name, tensor in alone.model.state_dict().items()}
    curves = run(alone, "alone")
    stopped.model.connector.register_forward_hook(once(5))
    with pytest.raises(VistokError, match="stopped at step 5"):
        run(stopped, "stopped")
    assert_only_trained_parts_are_saved(tmp_path / "stopped/state.safetensors", trains)
    assert run(resumed, "stopped") == curves
    moved = set()
    for name, tensor in alone.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name
        moved |= set() if torch.equal(tensor, before[name]) else {part_of(name, trains)}
    assert moved == set(trains)


def part_of(name: str, trains: tuple[Part, ...]) -> str:
    """Returns the part that a tensor is of: the last of the encoder's two blocks is one where it is trained alone."""
    last = "tokenizer-last-block"
    return last if last in trains and name.startswith("tokenizer.trunk.blocks.1.") else name.partition(".")[0]


def once(call: int) -> Callable[..., None]:
    """Returns a hook that asks this process to stop when a module is called for the n-th time."""
    calls: list[int] = []

    def hook(*_: object) -> None:
        calls.append(1)
        if len(calls) == call:
            signal.raise_signal(signal.SIGTERM)

    return hook


def assert_only_trained_parts_are_saved(file: Path, trains: tuple[Part, ...]) -> None:
    with safe_open(file, "pt") as saved:
        tensors = [name for name in saved.keys() if name.startswith("module.")]  # noqa: SIM118
    parts = {part_of(name.removeprefix("module.model."), trains) for name in tensors}
    assert parts == set(trains)


@pytest.mark.parametrize("trains", TRAINS[-2:], ids="+".join)
def test_each_part_learns_at_its_own_rate(
    make: Callable[..., MultimodalLearner], trains: tuple[Part, ...]
) -> None:
    learner = make(trains)
    names = {parameter: name for name, parameter in learner.named_parameters()}
    groups = make_optimiser(learner, OPTIMISER, learner.rate).param_groups
    for group in groups:
        parts = {part_of(names[parameter].removeprefix("model."), trains) for parameter in group["params"]}
        assert parts == {{rate: part for part, rate in RATES.items()}.get(group["rate"], "connector")}
    assert {group["rate"] for group in groups} == {1.0, *(RATES[part] for part in trains if part in RATES)}


def test_the_loss_falls(make: Callable[..., MultimodalLearner], tmp_path: Path) -> None:
    plan = Plan(60, OPTIMISER, save_every=100, note_every=1)
    losses = [
        point["loss"]
        for point in train(make(("connector", "tokenizer")), plan, state=tmp_path, identity="a", name="mllm")
    ]
    assert np.mean(losses[-10:]) < np.mean(losses[:5]) - 0.1
