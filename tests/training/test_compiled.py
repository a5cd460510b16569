"""Compiled layers: the same numbers up to rounding, and compiled once for all layers of a stack."""

from collections.abc import Iterator

import pytest
import torch
import torch._functorch.config
from functorch.compile import make_boxed_func
from tests.small_models import small_encoder, small_language_model
from timm.layers.drop import DropPath
from torch import nn
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.utils import counters
from transformers import AttentionInterface

from vistok.grid.connectors import Connector, GatedCrossAttention, Resampler
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.language_models.packed import _NAME, _attention
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Piece
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer
from vistok.training.compiled import compile_layers, repeated_layers

# Tracing looks at the gradients of what is no leaf.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")

DEPTH = 4
TEXTS = ("two rings", "a red box and a ring", "yes", "what is left of the box")
CONNECTORS = {
    "resampler": Resampler(latents=3, depth=2, heads=2, head_width=8),
    "gated-cross-attention": GatedCrossAttention(
        latents=3, depth=2, heads=2, head_width=8, layers=2, gate=0.5
    ),
}


@pytest.fixture(autouse=True)
def left_as_it_was() -> Iterator[None]:
    """Takes back what compiling changes in libraries."""
    forward, suppress = DropPath.forward, torch._dynamo.config.suppress_errors
    lazy = torch._functorch.config.force_non_lazy_backward_lowering
    torch.set_num_threads(1)
    torch.compiler.reset()
    counters.clear()
    yield
    DropPath.forward = forward  # type: ignore[method-assign]
    AttentionInterface.register(_NAME, _attention)
    torch._dynamo.config.suppress_errors = suppress
    torch._functorch.config.force_non_lazy_backward_lowering = lazy
    torch.compiler.reset()


def model_of(connector: Connector) -> MultimodalModel:
    torch.manual_seed(0)
    llm = CausalLanguageModel.build(small_language_model(layers=DEPTH), make_word_tokenizer(TEXTS))
    return MultimodalModel(
        build_tokenizer(small_encoder(pixels=24, depth=DEPTH)),
        llm.requires_grad_(False).eval(),
        connector,
        trains={"connector", "tokenizer"},
    )


def loss_and_gradients(model: MultimodalModel, rows: int) -> dict[str, torch.Tensor]:
    words = model.llm.words
    pieces = [[words.after_image("box"), Piece(text, weight=1.0, ends=True)] for text in TEXTS[:rows]]
    tokens = words.pad([words.pieces(row) for row in pieces])
    images = torch.randn(rows, 3, 24, 24, generator=torch.Generator().manual_seed(rows))
    model.zero_grad()
    total, _ = model.loss(images, tokens.ids, tokens.weights, tokens.mask)
    total.backward()
    gradients = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    return {"loss": total.detach(), **{name: grad.clone() for name, grad in gradients.items()}}


@pytest.mark.slow
@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_compiled_training_has_the_same_loss_and_gradients(connector: str) -> None:
    model, compiled = model_of(CONNECTORS[connector]), model_of(CONNECTORS[connector])
    compile_layers(compiled, dynamic=True, backend="aot_eager")
    for rows in (4, 2, 3):
        expected, found = loss_and_gradients(model, rows), loss_and_gradients(compiled, rows)
        assert expected.keys() == found.keys() and len(found) > 2 * DEPTH
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, atol=1e-5, rtol=1e-4, msg=name)
    assert list(compiled.state_dict()) == list(model.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("refuses", ["all", "backward"])
def test_layers_that_the_compiler_refuses_stay_as_they_are(refuses: str) -> None:
    """A training of days must not end because of a compiler."""
    refused = []

    def refuse(graph: object, inputs: object) -> None:
        refused.append(graph)
        raise AssertionError("no kernel for this")

    half = aot_autograd(fw_compiler=lambda graph, inputs: make_boxed_func(graph.forward), bw_compiler=refuse)
    model, compiled = (model_of(CONNECTORS["resampler"]) for _ in range(2))
    compile_layers(compiled, dynamic=True, backend={"all": refuse, "backward": half}[refuses])
    expected, found = loss_and_gradients(model, 3), loss_and_gradients(compiled, 3)
    assert refused
    torch.testing.assert_close(found, expected)


@pytest.mark.slow
def test_layers_of_one_shape_share_what_is_compiled() -> None:
    """Whatever their number: otherwise a 7-B model takes minutes, and beyond eight PyTorch gives up."""
    graphs = []
    for depth in (4, 12):
        torch.compiler.reset()
        counters.clear()
        trunk = build_tokenizer(small_encoder(pixels=24, depth=depth)).trunk.train()
        for block, rate in zip(trunk.blocks, torch.linspace(0.1, 0.3, depth).tolist(), strict=True):
            block.drop_path1, block.drop_path2 = DropPath(rate), DropPath(rate)
        compile_layers(trunk, backend="aot_eager")
        trunk.forward_features(torch.randn(2, 3, 24, 24)).sum().backward()
        graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[0] == graphs[1] > 0


def test_only_layers_with_attention_that_are_repeated_are_compiled() -> None:
    model = model_of(CONNECTORS["resampler"])
    layers, blocks = model.llm.network.model.layers, model.tokenizer.trunk.blocks
    # The last layer of the language model has a class of its own, which computes what is learnt alone.
    assert {*repeated_layers(model)} == {*layers[:-1], *blocks}
    assert repeated_layers(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))) == []
