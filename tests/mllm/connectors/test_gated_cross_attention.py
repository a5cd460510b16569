"""Flamingo's connector: its numbers at paper scale, its layers by hand, and what they do inside a language model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.connectors import GatedCrossAttention, Resampler
from vistok.grid.tasks import Decoding
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.connectors.base import build_connector
from vistok.mllm.connectors.gated_cross_attention import GatedLayer
from vistok.mllm.language_models.base import Conditioning, blind
from vistok.mllm.language_models.encoder_decoder import EncoderDecoderLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer

SMALL = GatedCrossAttention(latents=3, depth=1, heads=2, head_width=8, feedforward_multiple=2, layers=2)
QUESTIONS = [
    "</Img>How many rings are in the image?",
    "</Img>what is left of the box?",
    "</Img>Does glass exist?",
]


def opened(module: nn.Module) -> None:
    """Opens the gates: shut, as they start, they would hide everything behind them."""
    for name, parameter in module.named_parameters():
        if name.endswith("_gate"):
            nn.init.constant_(parameter, 1.5)


@pytest.fixture
def model(make_model: Callable[..., MultimodalModel]) -> MultimodalModel:
    built = make_model(connector=SMALL)
    opened(built.connector)
    return built.eval()


def test_flamingo_9b_has_about_the_published_parameters() -> None:
    """ArXiv 2204.14198, table 5: 1.6 B in gated layers and 194 M in the resampler.

    Of the sizes behind them heads of 128, a width of 1,536, 6 layers and 64 latents are published. Sixteen heads in
    the gated layers are ours: with 32, as the language model has, they would be 1.8 B. Of the resampler the published
    sizes explain 188.9 M: what the other 5 M are is not told.
    """
    with torch.device("meta"):
        built = build_connector(GatedCrossAttention(), 1536, 4096)
    gated = sum(parameter.numel() for parameter in built.layers.parameters())
    resampler = sum(parameter.numel() for parameter in built.resampler.parameters())
    assert gated / 1e9 == pytest.approx(1.573, abs=0.001) and round(gated / 1e9, 1) == 1.6
    assert resampler / 1e6 == pytest.approx(188.9, abs=0.05)


def test_a_gated_layer_is_attention_and_feedforward_behind_gates() -> None:
    torch.manual_seed(0)
    layer, words, states = GatedLayer(SMALL, 10, 12), torch.randn(2, 5, 12), torch.randn(2, 3, 10)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    key, value = layer.key_value.weight.view(2, 2, 8, 10)
    normed = functional.layer_norm(words, (12,), layer.norm.weight, layer.norm.bias)
    query = torch.einsum("hdw,blw->bhld", layer.query.weight.view(2, 8, 12), normed)
    likeness = torch.einsum("bhld,hdw,btw->bhlt", query, key, states) / 8**0.5
    result = torch.einsum("bhlt,hdw,btw->blhd", likeness.softmax(-1), value, states).flatten(2)
    expected = words + layer.attention_gate.tanh() * (result @ layer.out.weight.T)
    norm, wide, _, narrow = layer.feedforward
    inner = functional.layer_norm(expected, (12,), norm.weight, norm.bias) @ wide.weight.T
    expected = expected + layer.feedforward_gate.tanh() * (inner.clamp_min(0) ** 2 @ narrow.weight.T)
    assert torch.allclose(layer(words, states), expected, atol=1e-5)


def test_the_resampler_squares_what_is_positive() -> None:
    torch.manual_seed(0)
    flamingo = build_connector(SMALL, 16, 32)
    plain = build_connector(Resampler(**SMALL.model_dump(exclude={"kind", "layers", "gate"})), 16, 32)
    plain.resampler.load_state_dict(flamingo.resampler.state_dict())
    tokens = torch.randn(2, 6, 16)
    assert not torch.allclose(flamingo(tokens), plain.resampler(tokens), atol=1e-3)
    for part in plain.resampler.feedforward:
        part[2].forward = lambda given: given.clamp_min(0) ** 2
    assert torch.allclose(flamingo(tokens), plain.resampler(tokens), atol=1e-5)


def test_a_language_model_starts_as_if_nothing_were_inserted(
    make_model: Callable[..., MultimodalModel],
) -> None:
    model = make_model(connector=SMALL).eval()
    unseen = expected(model, blind(model.llm, 3))
    assert torch.allclose(expected(model, given(model)), unseen, atol=1e-6)
    opened(model.connector)
    assert not torch.allclose(expected(model, given(model)), unseen, atol=1e-2)
    assert torch.allclose(expected(model, blind(model.llm, 3)), unseen, atol=1e-6)


def test_words_read_the_image_of_their_own_row(model: MultimodalModel) -> None:
    together, seen = expected(model, given(model)), given(model)
    apart = [expected(model, seen.rows(torch.tensor([row])), row) for row in range(3)]
    assert torch.allclose(together, torch.cat(apart), atol=1e-5)
    assert not torch.allclose(together[[0]], expected(model, seen.rows(torch.tensor([1])), 0), atol=1e-3)


@pytest.mark.parametrize("beams", [1, 3])
def test_which_others_share_a_batch_changes_no_answer(model: MultimodalModel, beams: int) -> None:
    decoding, seen = Decoding(max_new_tokens=5, beams=beams), given(model)
    together = model.llm.generate(seen, QUESTIONS, decoding)
    apart = [
        model.llm.generate(seen.rows(torch.tensor([row])), QUESTIONS[row : row + 1], decoding)[0]
        for row in range(3)
    ]
    assert together == apart


def test_options_are_weighed_with_the_image(model: MultimodalModel) -> None:
    options = [["ring", "box glasses ring"], ["2"], ["Yes.", "No.", "two boxes"]]
    seen = given(model)
    together = model.llm.option_losses(seen, QUESTIONS, options)
    for row in range(3):
        (alone,) = model.llm.option_losses(
            seen.rows(torch.tensor([row])), QUESTIONS[row : row + 1], options[row : row + 1]
        )
        assert [loss for loss, _ in together[row]] == pytest.approx([loss for loss, _ in alone], abs=1e-4)
    unseen = model.llm.option_losses(blind(model.llm, 3), QUESTIONS, options)
    assert abs(unseen[0][1][0] - together[0][1][0]) > 1e-3


def test_gradients_reach_resampler_and_layers_and_nothing_else(model: MultimodalModel) -> None:
    tokens = model.llm.words.pad_texts([f"{question} 2" for question in QUESTIONS])
    total, _ = model.train().loss(torch.randn(3, 3, 24, 24), tokens.ids, tokens.mask.float(), tokens.mask)
    total.backward()
    reached = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached == {name for name, _ in model.named_parameters() if name.startswith("connector.")}


def test_the_layers_are_in_the_connectors_checkpoint_alone(model: MultimodalModel) -> None:
    assert {name.split(".")[0] for name in model.trained_tensors()} == {"connector"}
    assert any(name.startswith("connector.layers.1.") for name in model.trained_tensors())
    assert not any("_gate" in name for name in model.llm.state_dict())


def test_layers_of_an_earlier_connector_are_taken_out(make_model: Callable[..., MultimodalModel]) -> None:
    first = make_model(connector=SMALL).eval()
    opened(first.connector)
    make_model()  # on the same language model
    assert not first.llm._inserted
    assert all(not layer._forward_pre_hooks for layer in first.llm.network.model.layers)


def test_an_encoder_decoder_has_no_place_for_them(size: LanguageModelSize, corpus: tuple[str, ...]) -> None:
    llm = EncoderDecoderLanguageModel.build(size, make_word_tokenizer(corpus, starts=False))
    llm.insert(())
    with pytest.raises(VistokError, match="takes no layers of a connector between its own: name a recipe"):
        llm.insert(build_connector(SMALL, 16, 32).inserted)


def given(model: MultimodalModel) -> Conditioning:
    images = torch.randn(3, 3, 24, 24, generator=torch.Generator().manual_seed(3))
    return model.conditioning(model.see(images))


@torch.no_grad()
def expected(model: MultimodalModel, conditioning: Conditioning, row: int | None = None) -> Tensor:
    """Returns what the language model expects at the last word of each question, or of one."""
    tokens = model.llm.words.pad_texts(QUESTIONS if row is None else [QUESTIONS[row]])
    last = tokens.mask.cumsum(1) == tokens.mask.sum(1, keepdim=True)
    return model.llm.logits(conditioning, tokens.ids, last & (tokens.mask > 0), tokens.mask)
