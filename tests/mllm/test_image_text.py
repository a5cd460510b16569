"""The first stage of BLIP-2: its three losses by hand, and who may read what."""

from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.connectors import QFormer
from vistok.mllm.connectors.base import build_connector
from vistok.mllm.connectors.q_former import PostNormAttention, QueryTransformer
from vistok.mllm.image_text import Captions, ImageText

SMALL = QFormer(queries=3, width=8, depth=2, heads=2, feedforward_multiple=2, every=2)
WORDS = 11
M = TypeVar("M", bound=nn.Module)
CAPTIONS = Captions(
    torch.tensor([[4, 5, 6, 2], [7, 2, 2, 2]]), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)
)


@pytest.fixture
def former() -> QueryTransformer:
    torch.manual_seed(0)
    return shaken(QueryTransformer(SMALL, 10))


@pytest.fixture
def reader(former: QueryTransformer) -> ImageText:
    return shaken(ImageText(former, WORDS, 2))


@pytest.fixture
def seen() -> Tensor:
    return torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(1))


def test_the_whole_first_stage_has_nearly_the_published_parameters() -> None:
    """ArXiv 2301.12597 section 3.1: "Q-Former contains 188M parameters"; its parts as told add up to 0.7 % less."""
    with torch.device("meta"):
        connector = build_connector(QFormer(), 1408, 4096)
        reader = ImageText(connector.former, 30_522, 4)
    parts = (connector.norm, connector.former, reader)
    count = sum(parameter.numel() for part in parts for parameter in part.parameters())
    assert count / 1e6 == pytest.approx(186.7, abs=0.05)


def test_contrast_is_of_the_query_that_is_most_like_the_text(
    former: QueryTransformer, reader: ImageText, seen: Tensor
) -> None:
    marked = torch.cat([torch.full((2, 1), WORDS), CAPTIONS.ids], dim=1)
    there = torch.cat([torch.ones(2, 1, dtype=torch.bool), CAPTIONS.mask], dim=1)
    _, read = by_hand(former, reader, None, marked, there[:, None].expand(2, 5, 5))
    images, texts = (
        functional.normalize(given @ part.weight.T + part.bias, dim=-1)
        for given, part in ((former(seen), reader.image_projection), (read[:, 0], reader.text_projection))
    )
    likeness = (
        torch.stack([torch.stack([(image @ text).max() for text in texts]) for image in images])
        / reader.temperature
    )
    assert torch.allclose(reader.likeness(former, seen, CAPTIONS), likeness, atol=1e-4)
    smooth = torch.full((2, 2), 0.05) + 0.9 * torch.eye(2)
    expected = sum(-(smooth * side.log_softmax(1)).sum(1).mean() for side in (likeness, likeness.T)) / 2
    assert reader.losses(former, seen, CAPTIONS)[0].item() == pytest.approx(expected.item(), rel=1e-4)


def test_of_two_pairs_each_is_told_from_both_crossings(
    former: QueryTransformer, reader: ImageText, seen: Tensor
) -> None:
    """With two images each one's only negative is the other."""
    logits = []
    for image, text in ((0, 0), (1, 1), (1, 0), (0, 1), (0, 1), (1, 0)):
        length = int(CAPTIONS.mask[text].sum())
        ids = torch.cat([torch.tensor([WORDS]), CAPTIONS.ids[text, :length]])[None]
        everything = torch.ones(1, 3 + length + 1, 3 + length + 1, dtype=torch.bool)
        queries, _ = by_hand(former, reader, seen[[image]], ids, everything)
        logits.append((queries @ reader.match.weight.T + reader.match.bias).mean(1)[0])
    expected = functional.cross_entropy(torch.stack(logits), torch.tensor([1, 1, 0, 0, 0, 0]))
    assert reader.losses(former, seen, CAPTIONS)[1].item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_caption_is_written_word_by_word(former: QueryTransformer, reader: ImageText, seen: Tensor) -> None:
    losses = []
    for row in range(2):
        ids = CAPTIONS.ids[row][CAPTIONS.mask[row]]
        for index, target in enumerate(ids):
            before = torch.cat([torch.tensor([WORDS + 1]), ids[:index]])[None]
            size = 3 + before.shape[1]
            reads = torch.ones(size, size, dtype=torch.bool).tril()
            reads[:3] = False
            reads[:, :3] = True
            _, read = by_hand(former, reader, seen[[row]], before, reads[None])
            norm = reader.transform[2]
            inner = functional.gelu(read[0, -1] @ reader.transform[0].weight.T + reader.transform[0].bias)
            inner = functional.layer_norm(inner, (8,), norm.weight, norm.bias, 1e-12)
            logits = inner @ reader.words.weight.T + reader.bias
            losses.append(functional.cross_entropy(logits[None], target[None], label_smoothing=0.1))
    expected = torch.stack(losses).mean().item()
    assert reader.losses(former, seen, CAPTIONS)[2].item() == pytest.approx(expected, rel=1e-4)


def test_queries_read_no_word_that_they_have_to_help_write(
    former: QueryTransformer, reader: ImageText, seen: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught = []
    read = reader.read
    monkeypatch.setattr(reader, "read", lambda *given: caught.append(read(*given)) or caught[-1])
    reader._captioning(former, seen, CAPTIONS)
    assert torch.allclose(caught[0][0], former(seen), atol=1e-5)


def test_padding_changes_no_loss(former: QueryTransformer, reader: ImageText, seen: Tensor) -> None:
    wider = Captions(functional.pad(CAPTIONS.ids, (0, 3), value=9), functional.pad(CAPTIONS.mask, (0, 3)))
    for one, other in zip(
        reader.losses(former, seen, CAPTIONS), reader.losses(former, seen, wider), strict=True
    ):
        assert one.item() == pytest.approx(other.item(), rel=1e-4)


def test_every_part_learns(former: QueryTransformer, reader: ImageText, seen: Tensor) -> None:
    torch.stack(reader.losses(former, seen, CAPTIONS)).sum().backward()
    for module in (former, reader):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None and parameter.grad.any(), name


def test_one_image_has_nothing_to_be_told_from(
    former: QueryTransformer, reader: ImageText, seen: Tensor
) -> None:
    with pytest.raises(VistokError, match="contrast needs two images at least"):
        reader.losses(former, seen[:1], CAPTIONS.rows(torch.tensor([0])))


def shaken(module: M) -> M:
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5) if parameter.ndim else None
    return module


def by_hand(
    former: QueryTransformer, reader: ImageText, seen: Tensor | None, ids: Tensor, reads: Tensor
) -> tuple[Tensor, Tensor]:
    words = former.norm(reader.words.weight[ids] + reader.places.weight[: ids.shape[1]])
    count = 0 if seen is None else 3
    both = torch.cat([former.norm(former.queries).expand(len(ids), -1, -1)[:, :count], words], dim=1)
    for layer, feedforward in zip(former.layers, reader.feedforward, strict=True):
        both = attended(layer.attention, both, both, reads)
        queries, words = both[:, :count], both[:, count:]
        if seen is not None and layer.looking is not None:
            queries = attended(layer.looking, queries, seen, None)
        both = torch.cat([layer.feedforward(queries), feedforward(words)], dim=1)
    return both[:, :count], both[:, count:]


def attended(part: PostNormAttention, asking: Tensor, context: Tensor, reads: Tensor | None) -> Tensor:
    query, key, value = (
        (given @ linear.weight.T + linear.bias).unflatten(-1, (2, 4)).transpose(1, 2)
        for linear, given in ((part.query, asking), (part.key, context), (part.value, context))
    )
    likeness = query @ key.transpose(-1, -2) / 2
    if reads is not None:
        likeness = likeness.masked_fill(~reads[:, None], float("-inf"))
    result = (likeness.softmax(-1) @ value).transpose(1, 2).flatten(2)
    return functional.layer_norm(
        asking + result @ part.out.weight.T + part.out.bias, (8,), part.norm.weight, part.norm.bias, 1e-12
    )
