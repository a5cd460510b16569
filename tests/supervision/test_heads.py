"""What a pretraining learns besides its tokenizer: written, read, and given to what is made from it."""

from pathlib import Path

import pytest
import torch

from vistok.checkpoints import save_checkpoint
from vistok.errors import VistokError
from vistok.supervision.heads import SETTINGS, Heads, behind_norm, read_heads
from vistok.supervision.text import TextTower
from vistok.tokenizers.base import build_tokenizer


def written(heads: Heads, folder: Path) -> Heads:
    save_checkpoint(
        folder, {"x": torch.ones(1)}, {SETTINGS: heads.settings}, {"inputs": {}}, also=heads.write
    )
    return read_heads(folder)


def test_a_text_tower_comes_back_from_a_checkpoint(make, tmp_path: Path) -> None:
    objective = make("contrastive")
    with torch.no_grad():
        objective.text_projection.weight += 0.5
    tower = TextTower(written(objective.heads(), tmp_path / "clip"))
    texts = ["red checks", "blue stripes, all across"]
    expected = objective.text_projection(objective.text_encoder(objective.vocabulary.encode(texts, 77)))
    result = tower(tower.encode(texts))
    assert torch.allclose(result, expected / expected.norm(dim=1, keepdim=True), atol=1e-6)
    with pytest.raises(VistokError, match="has never read 'green'"):
        tower.encode(["green stripes"])


def test_a_name_is_the_mean_of_what_its_templates_say(make) -> None:
    tower = TextTower(make("contrastive").heads())
    both = tower(tower.encode(["red checks", "all red checks"]))
    (name,) = tower.names(["red checks"], ["{}", "all {}"])
    assert torch.allclose(name, both.mean(0) / both.mean(0).norm(), atol=1e-6)
    assert not name.requires_grad


@pytest.mark.parametrize("name", ["supervised", "dino", "masked-pixels", "feature-distillation"])
def test_every_pretraining_keeps_the_norm_behind_its_tokens(name, make, encoder, tmp_path: Path) -> None:
    objective = make(name)
    exported = objective.exported()
    with torch.no_grad():
        exported.norm.weight += torch.rand(32)
    heads = written(objective.heads(), tmp_path / name)
    tokenizer = build_tokenizer(encoder)
    tokenizer.trunk.load_state_dict({k: v for k, v in exported.state_dict().items() if "norm." not in k[:5]})
    images = torch.rand(2, 3, 24, 24)
    with torch.no_grad():
        assert torch.allclose(
            behind_norm(tokenizer, heads)(images), exported.forward_features(images), atol=1e-5
        )
        assert not torch.allclose(tokenizer(images), exported.forward_features(images), atol=1e-2)


def test_a_base_brings_its_norm(make, encoder) -> None:
    base = build_tokenizer(encoder)
    norm = {"norm.weight": torch.full((32,), 2.0), "norm.bias": torch.full((32,), 3.0)}
    started = make("contrastive", base=base, heads={"base": Heads(norm)})
    assert torch.equal(started.encoder.norm.weight, norm["norm.weight"])
    assert torch.equal(make("contrastive", base=base).encoder.norm.weight, torch.ones(32))


def test_tokens_without_a_norm_stay_as_they_are(encoder) -> None:
    tokenizer = build_tokenizer(encoder)
    assert behind_norm(tokenizer, Heads({})) is tokenizer
