"""The tokenizer of true contents: what it reads and what it passes on."""

from pathlib import Path

import pytest
import torch

from vistok.datasets.contents import ContentsReader
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import build_tokenizer


@pytest.fixture(scope="module")
def perfect(repository: Path) -> Encoder:
    return load_study("mini", root=repository).encoder("perfect")


def test_it_passes_on_what_it_reads_until_a_recipe_tunes_it(perfect: Encoder) -> None:
    tokenizer = build_tokenizer(perfect)
    assert isinstance(tokenizer.reads(), ContentsReader) and tokenizer.input_shape == (10, 96)
    codes = torch.randn(2, 10, 96)
    assert torch.equal(tokenizer(codes), codes)
    tokenizer(codes).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in tokenizer.parameters())


@pytest.mark.parametrize(
    "changes", [{"name": "celles"}, {"arguments": {"depth": 3}}, {"weights": "published"}, {"tokens": 11}]
)
def test_another_entry_is_refused(perfect: Encoder, changes: dict[str, object]) -> None:
    changed = perfect.model_copy(update=changes)
    with pytest.raises(VistokError, match="Correct the entry's `encoder`"):
        build_tokenizer(changed, published=changed.weights == "published")
