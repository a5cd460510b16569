"""Proposals: from a pretraining's own heads, the likeliest first, few that overlap, and from pixels alone."""

import pytest
import torch

from vistok.errors import VistokError
from vistok.supervision.heads import Heads
from vistok.supervision.proposing import Proposer
from vistok.tokenizers.base import build_tokenizer


@pytest.fixture
def proposing(make, encoder) -> Proposer:
    objective = make("region-proposals")
    tokenizer = build_tokenizer(encoder)
    states = objective.encoder.state_dict()
    tokenizer.trunk.load_state_dict({name: states[name] for name in tokenizer.trunk.state_dict()})
    return Proposer(tokenizer, objective.heads())


def test_it_says_what_its_pretraining_learnt(make, data, proposing: Proposer) -> None:
    objective = make("region-proposals")
    images = objective.batch(data, 0)["images"]
    with torch.no_grad():
        _, boxes = objective.box_head(objective.encoder.forward_features(images))
        merged, found = proposing.box_head(proposing.tokenizer(images))
        assert torch.allclose(found, boxes, atol=1e-5)
        scores = proposing.worth(merged)[..., 0]
    chosen, there = proposing(images, 9, 1.0)  # nothing overlaps more than wholly
    assert there.all()
    for row, order in enumerate(scores.argsort(1, descending=True)):
        assert torch.allclose(chosen[row], found[row, order].clamp(0, 1))


def test_boxes_that_overlap_are_one_and_the_whole_image_fills_what_is_left(proposing: Proposer) -> None:
    with torch.no_grad():
        proposing.box_head.bias.zero_()  # every token tells the same box
        for parameter in proposing.box_head.boxes[-1].parameters():
            parameter.zero_()
    chosen, there = proposing(torch.randn(2, 3, 24, 24), 3, 0.7)
    assert there.tolist() == [[True, False, False]] * 2
    assert torch.allclose(chosen[:, 0], torch.tensor([0.25, 0.25, 0.75, 0.75]))
    assert torch.equal(chosen[:, 1:], torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(2, 2, 4))
    assert not any(parameter.requires_grad for parameter in proposing.parameters())


def test_another_objective_s_heads_propose_nothing(encoder) -> None:
    with pytest.raises(VistokError, match="'box_head' of what it is made from"):
        Proposer(
            build_tokenizer(encoder), Heads({"norm.weight": torch.ones(32), "norm.bias": torch.zeros(32)})
        )
