"""The Q-Former: its numbers at paper scale, and its arithmetic against one by hand and against transformers'."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Blip2QFormerConfig, Blip2QFormerModel

from vistok.grid.connectors import FrozenQFormer, QFormer
from vistok.mllm.connectors.base import build_connector
from vistok.mllm.connectors.q_former import PostNormAttention, PostNormFeedforward, QueryTransformer

SMALL = QFormer(queries=3, width=8, depth=3, heads=2, feedforward_multiple=2, every=2)
EVA_CLIP_G = 1408


@pytest.mark.parametrize(
    ("llm", "llm_width", "published"),
    [("OPT-2.7B", 2560, 107), ("Flan-T5-XL", 2048, 107), ("OPT-6.7B", 4096, 108), ("Flan-T5-XXL", 4096, 108)],
)
def test_blip_2_trains_as_many_as_published(llm: str, llm_width: int, published: int) -> None:
    """ArXiv 2301.12597, table 2: "#Trainable Params" of the second stage, in millions, with ViT-g."""
    with torch.device("meta"):
        built = build_connector(QFormer(), EVA_CLIP_G, llm_width)
    trained = sum(parameter.numel() for parameter in built.parameters()) / 1e6
    assert trained == pytest.approx(published, rel=0.005), llm
    assert QFormer().trained(EVA_CLIP_G, llm_width) / 1e6 == trained


def test_minigpt_4_trains_its_projection_alone() -> None:
    """Its released pretrained_minigpt4_7b.pth has 36 MiB: the layer with both moments of its optimiser."""
    trained = FrozenQFormer().trained(EVA_CLIP_G, 4096)
    assert trained == 768 * 4096 + 4096
    assert trained * 3 * 4 / 2**20 == pytest.approx(36, rel=0.005)


def test_it_is_transformers_own_with_the_same_weights() -> None:
    torch.manual_seed(0)
    former, tokens = shaken(QueryTransformer(SMALL, 10)), torch.randn(2, 5, 10)
    config = Blip2QFormerConfig(
        hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=16, encoder_hidden_size=10,
        cross_attention_frequency=2, vocab_size=7,
    )  # fmt: skip
    config._attn_implementation = "eager"
    theirs = Blip2QFormerModel(config).eval()
    copy_weights(former, theirs)
    given = theirs(query_embeds=former.queries.expand(2, -1, -1), encoder_hidden_states=tokens)[0]
    assert torch.allclose(former(tokens), given, atol=1e-5)


def test_each_layer_is_attention_looking_and_feedforward_with_norms_behind() -> None:
    torch.manual_seed(0)
    former, tokens = shaken(QueryTransformer(SMALL, 10)), torch.randn(2, 5, 10)
    queries = normed(former.norm, former.queries).repeat(2, 1, 1)
    for index, layer in enumerate(former.layers):
        assert (layer.looking is None) == (index == 1)
        queries = attended(layer.attention, queries, queries)
        if layer.looking is not None:
            queries = attended(layer.looking, queries, tokens)
        queries = fed(layer.feedforward, queries)
    assert torch.allclose(former(tokens), queries, atol=1e-5)


def test_the_whole_connector_norms_first_and_projects_last() -> None:
    torch.manual_seed(0)
    built, tokens = build_connector(SMALL, 10, 12), torch.randn(2, 5, 10)
    shaken(built)
    last = built.projection
    expected = built.former(normed(built.norm, tokens, 1e-5)) @ last.weight.T + last.bias
    assert torch.allclose(built(tokens), expected, atol=1e-5)


def test_the_order_of_the_tokens_does_not_matter_and_the_tokens_do() -> None:
    torch.manual_seed(0)
    former, tokens = shaken(QueryTransformer(SMALL, 10)), torch.randn(1, 6, 10)
    assert torch.allclose(former(tokens), former(tokens.flip(1)), atol=1e-5)
    assert not torch.allclose(former(tokens), former(2 * tokens), atol=1e-2)


def test_a_frozen_q_former_is_the_same_with_less_to_train() -> None:
    torch.manual_seed(0)
    free = build_connector(SMALL, 10, 12)
    frozen = build_connector(FrozenQFormer(**SMALL.model_dump(exclude={"kind"})), 10, 12)
    frozen.load_state_dict(free.state_dict())
    tokens = torch.randn(2, 5, 10)
    assert torch.equal(frozen(tokens), free(tokens))
    trainable = {name for name, p in frozen.requires_grad_(True).named_parameters() if p.requires_grad}
    assert trainable == {"projection.weight", "projection.bias"}
    assert not any(p.requires_grad for p in frozen.requires_grad_(False).parameters())


def shaken(module: nn.Module) -> nn.Module:
    """Gives every weight a value of its own: norms as they start could hide one that is left out."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def normed(norm: nn.LayerNorm, given: Tensor, epsilon: float = 1e-12) -> Tensor:
    centred = given - given.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + epsilon).sqrt() * norm.weight + norm.bias


def attended(part: PostNormAttention, asking: Tensor, context: Tensor) -> Tensor:
    def heads(linear: nn.Linear, given: Tensor) -> Tensor:
        return torch.stack((given @ linear.weight.T + linear.bias).chunk(2, dim=-1), dim=1)

    query, key, value = heads(part.query, asking), heads(part.key, context), heads(part.value, context)
    result = (query @ key.transpose(-1, -2) / 2).softmax(-1) @ value  # a head is 4 wide
    return normed(part.norm, asking + torch.cat([*result.unbind(1)], -1) @ part.out.weight.T + part.out.bias)


def fed(part: PostNormFeedforward, given: Tensor) -> Tensor:
    inner = functional.gelu(given @ part.wide.weight.T + part.wide.bias)
    return normed(part.norm, given + inner @ part.narrow.weight.T + part.narrow.bias)


def copy_weights(former: nn.Module, theirs: nn.Module) -> None:
    """Names are BERT's there."""
    names = {
        "norm.": "layernorm.",
        ".attention.query": ".attention.attention.query",
        ".attention.key": ".attention.attention.key",
        ".attention.value": ".attention.attention.value",
        ".attention.out": ".attention.output.dense",
        ".attention.norm": ".attention.output.LayerNorm",
        ".looking.query": ".crossattention.attention.query",
        ".looking.key": ".crossattention.attention.key",
        ".looking.value": ".crossattention.attention.value",
        ".looking.out": ".crossattention.output.dense",
        ".looking.norm": ".crossattention.output.LayerNorm",
        ".feedforward.wide": ".intermediate_query.dense",
        ".feedforward.narrow": ".output_query.dense",
        ".feedforward.norm": ".output_query.LayerNorm",
    }

    def renamed(name: str) -> str:
        result = next(old for old in names if name.startswith(old) or (old[0] == "." and old in name))
        new = name.replace(result, names[result], 1)
        return new if new.startswith("layernorm") else f"encoder.layer.{new.removeprefix('layers.')}"

    given = {renamed(name): value for name, value in former.state_dict().items() if name != "queries"}
    unknown = theirs.load_state_dict(given, strict=False)
    assert not unknown.unexpected_keys
    # What reads text there is not asked.
    assert all("intermediate." in key or "output." in key for key in unknown.missing_keys), (
        unknown.missing_keys
    )
