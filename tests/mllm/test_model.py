"""The MLLM: its loss beside transformers' own, what learns and what does not, and what a checkpoint holds."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from vistok.checkpoints import each_once, load_tensors, read_tensors, save_checkpoint
from vistok.errors import VistokError
from vistok.grid.connectors import Resampler
from vistok.grid.fields import Part
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import LanguageModelSize
from vistok.headers import WEIGHTS
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Piece, PromptEncoder, Tokens
from vistok.tokenizers.base import build_tokenizer

Make = Callable[..., MultimodalModel]
TRAINS: list[tuple[Part, ...]] = [
    ("connector",),
    ("connector", "tokenizer"),
    ("connector", "llm"),
    ("connector", "tokenizer", "llm"),
]


@pytest.fixture(scope="module")
def encoder(words: PreTrainedTokenizerBase) -> PromptEncoder:
    return PromptEncoder(words)


@pytest.fixture
def tokens(encoder: PromptEncoder) -> Tokens:
    """Two rows of different length; every answer weighs one."""
    rows = [
        [encoder.after_image("How many rings are in the image?"), Piece("2", weight=1.0, ends=True)],
        [encoder.after_image("what does the image describe?"), Piece("a red ring", weight=1.0, ends=True),
         Piece("Does glass exist in the image?"), Piece("No.", weight=1.0, ends=True)],
    ]  # fmt: skip
    return encoder.pad([encoder.pieces(row) for row in rows])


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(2))


def loss_of(model: MultimodalModel, images: torch.Tensor, tokens: Tokens) -> torch.Tensor:
    total, weight = model.loss(images, tokens.ids, tokens.weights, tokens.mask)
    return total / weight


def test_the_sequence_is_start_image_text(
    make_model: Make, encoder: PromptEncoder, images: torch.Tensor
) -> None:
    model = make_model()
    seen = model.see(images)
    assert seen.shape == (2, 3, 32)
    front = model.conditioning(seen).front
    assert torch.equal(front[0, :2], model.llm.embed(torch.tensor(encoder.before_image)))
    assert torch.equal(front[:, 2:], seen)


def test_the_loss_is_that_of_a_plain_forward_with_labels(
    make_model: Make, images: torch.Tensor, tokens: Tokens
) -> None:
    model = make_model()
    front = model.conditioning(model.see(images)).front
    embedded = torch.cat([front, model.llm.embed(tokens.ids)], dim=1)
    labels = torch.full(embedded.shape[:2], -100)
    labels[:, 5:][tokens.weights > 0] = tokens.ids[tokens.weights > 0]
    mask = torch.cat([torch.ones(2, 5, dtype=torch.long), tokens.mask], dim=1)
    plain = model.llm.network(inputs_embeds=embedded, attention_mask=mask, labels=labels).loss
    assert torch.allclose(loss_of(model, images, tokens), plain, rtol=1e-6)


def test_padding_does_not_change_the_loss(make_model: Make, images: torch.Tensor, tokens: Tokens) -> None:
    model = make_model()
    short = int(tokens.mask[0].sum())
    alone, _ = model.loss(
        images[:1], tokens.ids[:1, :short], tokens.weights[:1, :short], tokens.mask[:1, :short]
    )
    padded, _ = model.loss(images[:1], tokens.ids[:1], tokens.weights[:1], tokens.mask[:1])
    assert torch.allclose(alone, padded, rtol=1e-6)


@pytest.mark.parametrize("trains", TRAINS, ids="+".join)
def test_only_what_the_recipe_trains_gets_a_gradient(
    make_model: Make, images: torch.Tensor, tokens: Tokens, trains: tuple[Part, ...]
) -> None:
    model = make_model(trains=trains)
    loss_of(model, images, tokens).backward()
    touched = {
        name.partition(".")[0]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }
    assert touched == set(trains)
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == (not parameter.requires_grad), name
        assert parameter.requires_grad == (name.partition(".")[0] in touched), name


@pytest.mark.parametrize("trains", TRAINS, ids="+".join)
def test_what_is_frozen_stays_in_use(make_model: Make, trains: tuple[Part, ...]) -> None:
    model = make_model(trains=trains)
    for chosen in (model, model.train(), model.eval().train()):
        assert chosen.connector.training
        for part in ("connector", "tokenizer", "llm"):
            modules = getattr(chosen, part).modules()
            assert {module.training for module in modules} == {part in trains}, part
    assert not model.eval().connector.training
    assert not model.tokenizer.training


def test_a_tuned_tokenizer_in_use_takes_no_memory_for_gradients(
    make_model: Make, images: torch.Tensor
) -> None:
    model = make_model(trains=("connector", "tokenizer"))
    with torch.no_grad():
        assert not model.see(images).requires_grad
    assert model.see(images).requires_grad


@pytest.mark.parametrize("trains", TRAINS, ids="+".join)
def test_a_checkpoint_holds_what_was_trained(make_model: Make, trains: tuple[Part, ...]) -> None:
    model = make_model(trains=trains)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    kept = each_once(model.trained_tensors())
    buffers = {name for name, _ in model.named_buffers()}
    assert trained <= kept.keys() <= trained | buffers
    assert {name.split(".")[0] for name in kept} == set(trains)


@pytest.mark.parametrize("trains", TRAINS, ids="+".join)
def test_a_checkpoint_comes_back(
    words: PreTrainedTokenizerBase, size: LanguageModelSize, encoder_entry: Encoder,
    trains: tuple[Part, ...], tmp_path: Path, images: torch.Tensor,
) -> None:  # fmt: skip
    def build() -> MultimodalModel:
        torch.manual_seed(1)
        llm = CausalLanguageModel.build(size, words)
        return MultimodalModel(
            build_tokenizer(encoder_entry), llm, Resampler(latents=3), trains=trains
        ).eval()

    def answers(model: MultimodalModel) -> list[list[tuple[float, int]]]:
        return model.llm.option_losses(
            model.conditioning(model.see(images)), ["</Img>a", "</Img>box"], [["2"]] * 2
        )

    saved, model = build(), build()
    with torch.no_grad():
        for tensor in each_once(saved.trained_tensors()).values():
            tensor += 0.5
    assert answers(saved) != answers(model)
    save_checkpoint(tmp_path / "run", saved.trained_tensors(), {}, {})
    tensors = read_tensors(tmp_path / "run" / WEIGHTS)
    assert {name.split(".")[0] for name in tensors} == set(trains)
    load_tensors(model, tensors, source=Path("run"), names=model.trained_tensors())
    assert answers(saved) == answers(model)
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name


@pytest.mark.parametrize(
    "other",
    [
        {"connector": Resampler(latents=4, depth=2, heads=2, head_width=8, feedforward_multiple=2)},
        {"connector": Resampler(latents=3, depth=1, heads=2, head_width=8, feedforward_multiple=2)},
        {"trains": ("connector", "tokenizer")},
    ],
    ids=["more latents", "fewer layers", "another recipe"],
)
def test_a_checkpoint_of_another_architecture_is_refused(make_model: Make, other: dict[str, object]) -> None:
    tensors = make_model(**other).trained_tensors()
    model = make_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(VistokError, match="run is a checkpoint of another architecture"):
        load_tensors(model, tensors, source=Path("run"), names=model.trained_tensors())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_language_model_in_half_precision_reads_what_is_seen(
    make_model: Make, images: torch.Tensor, tokens: Tokens
) -> None:
    model = make_model()
    whole = loss_of(model, images, tokens)
    model.llm.to(torch.bfloat16)
    half = loss_of(model, images, tokens)
    half.backward()
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(whole.item(), rel=0.05)
    assert model.connector.projection.weight.grad is not None
    assert model.connector.projection.weight.dtype == torch.float32


def test_beside_a_language_model_in_half_precision_products_are_taken_in_it_and_weights_stay_single(
    make_model: Make, images: torch.Tensor, tokens: Tokens
) -> None:
    """bf16 has eight digits of two: losses agree within some of them, and the optimiser sees single precision."""
    single = make_model(trains=("connector", "tokenizer"))
    half = copy.deepcopy(single)
    half.llm.to(torch.bfloat16)
    multiplied: list[torch.dtype] = []
    for layer in (*half.tokenizer.modules(), *half.connector.modules()):
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda *given: multiplied.append(given[2].dtype))
    losses = [loss_of(model, images, tokens) for model in (single, half)]
    losses[1].backward()
    assert multiplied and set(multiplied) == {torch.bfloat16}
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=2e-2)
    learnt = [parameter for parameter in half.parameters() if parameter.requires_grad]
    assert {parameter.dtype for parameter in learnt} == {torch.float32}
    assert {parameter.grad.dtype for parameter in learnt if parameter.grad is not None} == {torch.float32}
    assert single.see(images).dtype == torch.float32
