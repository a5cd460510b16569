"""A tokenizer with a codebook as a language model reads it: by the embeddings of its codes, or by the codes alone."""

from typing import Any

import pytest
import torch
from tests.small_models import small_codes

from vistok.errors import VistokError
from vistok.grid.connectors import Linear
from vistok.mllm.connectors.base import build_connector
from vistok.tokenizers.base import build_tokenizer


def pixels() -> torch.Tensor:
    return torch.randint(
        0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def test_embeddings_are_those_of_the_codes_row_after_row() -> None:
    torch.manual_seed(0)
    tokenizer = build_tokenizer(small_codes()).eval()
    shown = tokenizer.prepared(pixels())
    assert shown.min() == -1 and shown.max() == 1
    codes, table = tokenizer.trunk.codes(pixels()), tokenizer.trunk.codebook.embedding
    with torch.no_grad():
        read = tokenizer(shown)
    assert read.shape == (2, 16, 8) and torch.equal(read, table[codes.flatten(1)])
    trained = tokenizer(shown)
    assert trained.requires_grad and torch.allclose(trained, read, atol=1e-6)


def test_codes_are_chosen_in_single_precision_in_training_as_in_answering() -> None:
    """Where the language model is in bf16, all that sees images runs below its autocast."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer(small_codes())
    shown = tokenizer.prepared(pixels())
    plain = tokenizer(shown)
    plain.square().sum().backward()
    wanted = tokenizer.trunk.codebook.embedding.grad
    tokenizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        trained = tokenizer(shown)
    assert trained.dtype == torch.float32 and torch.equal(trained, plain)
    trained.square().sum().backward()
    assert wanted is not None and torch.equal(tokenizer.trunk.codebook.embedding.grad, wanted)


def test_codes_alone_are_one_hots_so_that_a_linear_layer_has_one_embedding_for_each() -> None:
    torch.manual_seed(0)
    tokenizer = build_tokenizer(small_codes("codes")).eval()
    codes = tokenizer.trunk.codes(pixels()).flatten(1)
    shown = tokenizer(tokenizer.prepared(pixels()))
    assert shown.shape == (2, 16, 16) and not shown.requires_grad
    assert torch.equal(shown.argmax(-1), codes) and torch.equal(shown.sum(-1), torch.ones(2, 16))
    connector = build_connector(Linear(), 16, 24)
    weight, bias = connector.projection.weight, connector.projection.bias
    assert torch.allclose(connector(shown), weight.T[codes] + bias, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "indices"}, "embeddings or codes are read"),
        ({"arguments": {"image_size": 33}}, "are no size of a tokenizer with a codebook"),
        ({"tokens": 9}, "gives 16 tokens of width 8"),
    ],
)
def test_an_entry_that_is_none_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(VistokError, match=message):
        build_tokenizer(small_codes().model_copy(update=change))


def test_nobody_has_published_such_weights_here() -> None:
    with pytest.raises(VistokError, match="with weights of a scale's own"):
        build_tokenizer(small_codes(), published=True)
