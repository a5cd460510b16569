"""Feature distillation: its target and its loss, worked out apart from it, and what learns."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from vistok.errors import VistokError
from vistok.grid.recipes import Optimiser
from vistok.grid.training_sizes import Pretraining
from vistok.probes.features import tokens_of
from vistok.supervision import augment
from vistok.supervision.base import Setup, make_objective
from vistok.supervision.objectives.feature_distillation import whitened
from vistok.tokenizers.base import build_tokenizer
from vistok.tokenizers.weights import load_foreign


def test_whitening_takes_out_the_mean_and_deviation_of_each_token() -> None:
    features = 3 * torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0)) + 1
    mean = features.mean(-1, keepdim=True)
    deviation = (features.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    assert torch.allclose(whitened(features), (features - mean) / deviation, atol=1e-6)


def test_the_loss_is_smooth_l1_of_every_token_to_the_whitened_teacher(make, data, teacher) -> None:
    objective = make("feature-distillation")
    batch = objective.batch(data, 0)
    with torch.no_grad():
        # By timm's own forward pass, with the final norm; and by a convolution, as FD writes its projection.
        student = objective.encoder.forward_features(batch["images"])
        target = teacher.trunk.forward_features(batch["taught"])
        weight, bias = objective.projection.weight, objective.projection.bias
        projected = functional.conv1d(student.transpose(1, 2), weight[..., None], bias).transpose(1, 2)
        target = (target - target.mean(-1, keepdim=True)) / (
            target.var(-1, correction=0, keepdim=True) + 1e-5
        ).sqrt()
        away = (projected - target).abs()
        expected = torch.where(away < 2.0, away.square() / 4.0, away - 1.0).mean()
    assert away.shape == (12, 10, 48)
    assert objective.loss(batch, 0).item() == pytest.approx(expected.item(), rel=1e-5)


def test_student_and_teacher_see_one_crop_in_their_own_statistics(make, data) -> None:
    batch = make("feature-distillation").batch(data, 0)

    def pixels(name: str, normalisation: str) -> torch.Tensor:
        black, white = (
            augment.normalise(torch.full((1, 3, 1, 1), value), normalisation) for value in (0.0, 1.0)
        )
        return (batch[name] - black) / (white - black)

    assert torch.allclose(pixels("images", "imagenet"), pixels("taught", "clip"), atol=1e-5)
    assert not torch.allclose(batch["images"], batch["taught"], atol=0.1)


def test_the_teacher_stays_as_it_was(make, data, trainer, teacher) -> None:
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    objective = make("feature-distillation")
    trainer(objective).run(0, 3)
    assert all(torch.equal(teacher.state_dict()[name], tensor) for name, tensor in before.items())
    assert not any(module.training for module in objective.teacher.modules())
    assert all(parameter.grad is None for parameter in objective.teacher.parameters())


def test_a_teacher_of_other_tokens_is_refused(encoder, data, teacher, make) -> None:
    fewer = teacher.encoder.model_copy(update={"class_token": False, "tokens": 9})
    teacher = type(teacher)(fewer, published=False)
    setup = Setup(encoder, make("feature-distillation").pretraining, data, 0, teacher=teacher)
    with pytest.raises(VistokError, match="gives 9 tokens for 24 pixels, and its student 10"):
        make_objective("feature-distillation", setup)


def test_a_student_may_be_of_any_architecture(encoder, data, trainer) -> None:
    """EVA-02's: rotary positions, gated and normalised inside. It learns a teacher of its kind, and builds again."""
    arguments = {"img_size": 24, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 2}
    entry = encoder.model_copy(
        update={
            "name": "eva02_tiny_patch14_224",
            "arguments": arguments,
            "width": 48,
            "normalisation": "clip",
        }
    )
    torch.manual_seed(1)
    teacher = build_tokenizer(entry.model_copy(update={"final_norm": True}))
    pretraining = Pretraining(steps=30, batch=12, optimiser=Optimiser(learning_rate=3e-3, warmup_steps=0))
    objective = make_objective("feature-distillation", Setup(entry, pretraining, data, 0, teacher=teacher))
    assert type(objective.encoder) is type(teacher.trunk)
    assert not any(torch.equal(one, two) for one, two in zip(
        objective.encoder.blocks.parameters(), teacher.trunk.blocks.parameters(), strict=True
    ) if one.ndim > 1)  # fmt: skip
    losses = trainer(objective).run(0, 30)
    assert losses[-1] < 0.8 * losses[0]
    built = build_tokenizer(entry)
    load_foreign(built, objective.exported().state_dict(), Path("student"))
    pixels = data.examples(range(24), frozenset()).pixels
    assert tokens_of(built)(pixels).shape == (24, 10, 48)
