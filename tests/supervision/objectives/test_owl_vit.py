"""OWL-ViT: what a token is worth each name, what learns, and what does not."""

import torch
from torch.nn import functional

from vistok.supervision.text import IMAGE_PROJECTION, TextTower


def test_a_token_is_worth_a_name_by_a_shifted_and_scaled_cosine(make, base_heads) -> None:
    objective = make("owl-vit")
    merged = torch.randn(2, 9, 32)
    with torch.no_grad():
        result = objective.logits(merged)
        said = objective.class_head(merged)
        names = TextTower(base_heads).names(("check", "stripe", "blue check", "blue stripe"), ["a {}"])
        for image in range(2):
            for patch in range(9):
                for name in range(4):
                    cosine = functional.cosine_similarity(said[image, patch], names[name], dim=0)
                    shift = objective.shift(merged[image, patch])
                    raw = objective.scale(merged[image, patch])
                    scale = raw + 1 if raw > 0 else raw.exp()
                    assert torch.allclose(result[image, patch, name], (cosine + shift) * scale, atol=1e-5)


def test_the_class_head_starts_as_the_projection_of_its_clip(make, base_heads) -> None:
    objective = make("owl-vit")
    assert torch.equal(objective.class_head.weight, base_heads.tensors[f"{IMAGE_PROJECTION}.weight"])


def test_the_text_tower_stays_and_all_else_learns(make, data, trainer) -> None:
    objective = make("owl-vit")
    queries = objective.queries.clone()
    before = {name: parameter.clone() for name, parameter in objective.named_parameters()}
    trainer(objective).run(0, 2)
    assert torch.equal(objective.queries, queries)
    assert [
        name for name, parameter in objective.named_parameters() if torch.equal(parameter, before[name])
    ] == []


def test_a_token_is_worth_little_at_first(make, data) -> None:
    objective = make("owl-vit")
    batch = objective.batch(data, 0)
    with torch.no_grad():
        merged, _ = objective.box_head(objective.encoder.forward_features(batch["images"]))
        assert objective.logits(merged).sigmoid().mean() < 0.1
