"""Masked features: what is hidden, the target, and the loss, worked out apart from it."""

import math

import pytest
import torch

from vistok.errors import VistokError
from vistok.grid.recipes import Optimiser
from vistok.grid.training_sizes import Pretraining
from vistok.supervision.base import make_objective
from vistok.supervision.feature_prediction import hiding
from vistok.supervision.heads import Heads
from vistok.supervision.text import IMAGE_PROJECTION

PLAIN = Pretraining(steps=1, batch=12, optimiser=Optimiser(learning_rate=1e-3, warmup_steps=0))


def test_the_loss_is_the_cosine_to_the_projected_teacher_at_hidden_patches_alone(
    make, data, teacher, teacher_heads
) -> None:
    objective = make("masked-features")
    batch = objective.batch(data, 0)
    encoder, hidden = objective.encoder, batch["hidden"]
    with torch.no_grad():
        # Apart from the objective: patches embedded by hand, the token put in, timm's blocks one by one.
        patches = encoder.patch_embed.proj(batch["images"]).flatten(2).transpose(1, 2)
        patches[hidden] = objective.mask_token
        tokens = torch.cat([encoder.cls_token.expand(12, -1, -1), patches], 1) + encoder.pos_embed
        for block in encoder.blocks:
            tokens = block(tokens)
        predicted = objective.projection(encoder.norm(tokens))
        taught = teacher.trunk.forward_features(batch["taught"])
        target = taught @ teacher_heads.tensors[f"{IMAGE_PROJECTION}.weight"].T
    cosines = [
        float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))
        for image in range(12)
        for patch in range(9)
        if hidden[image, patch]
        for one, other in [(predicted[image, 1 + patch], target[image, 1 + patch])]
    ]
    assert len(cosines) == 12 * 4
    assert objective.loss(batch, 0).item() == pytest.approx(-sum(cosines) / len(cosines), rel=1e-5)


def test_by_default_41_per_cent_of_the_patches_are_hidden_in_one_piece(make, data) -> None:
    hidden = make("masked-features").batch(data, 1)["hidden"].view(12, 3, 3)
    assert hidden.sum((1, 2)).tolist() == [round(0.41 * 9)] * 12
    for mask in hidden:
        reached = torch.zeros_like(mask)
        reached.view(-1)[int(mask.flatten().nonzero()[0])] = True
        for _ in range(9):
            wide = torch.nn.functional.pad(reached, (1, 1, 1, 1))
            near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
            reached |= near & mask
        assert torch.equal(reached, mask)
    assert len({tuple(mask.flatten().tolist()) for mask in hidden}) > 3


def test_nothing_that_is_hidden_is_seen(make, data) -> None:
    objective = make("masked-features")
    batch = objective.batch(data, 0)
    changed = batch["images"].clone()
    for image, mask in enumerate(batch["hidden"].view(12, 3, 3)):
        for row, column in mask.nonzero().tolist():
            changed[image, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 3.0
    assert not torch.equal(changed, batch["images"])
    assert torch.equal(objective.loss({**batch, "images": changed}, 0), objective.loss(batch, 0))


def test_gradients_do_not_reach_what_the_teacher_meets_its_texts_through(make, data) -> None:
    objective = make("masked-features")
    objective.loss(objective.batch(data, 0), 0).backward()
    assert objective.teacher_projection.weight.grad is None
    assert objective.mask_token.grad is not None
    assert objective.mask_token.grad.abs().sum() > 0


def test_without_a_mask_every_patch_counts_and_there_is_no_token(make, data) -> None:
    objective = make("masked-features", mask_share=0.0)
    assert "hidden" not in (batch := objective.batch(data, 0))
    assert not hasattr(objective, "mask_token")
    losses = torch.arange(12 * 10.0).view(12, 10)
    assert torch.equal(objective.counted(losses, None), losses[:, 1:].flatten())
    assert -1 <= objective.loss(batch, 0).item() <= 1


def test_distillation_with_a_mask_counts_every_token(make, data) -> None:
    objective = make("feature-distillation", mask_share=0.75)
    batch = objective.batch(data, 0)
    assert batch["hidden"].sum(1).tolist() == [round(0.75 * 9)] * 12
    losses = torch.arange(12 * 10.0).view(12, 10)
    assert torch.equal(objective.counted(losses, batch["hidden"]), losses.flatten())


def test_one_step_by_hand(make) -> None:
    """Two tokens of two numbers: predictions (3, 4) and (1, 0), targets (4, 3) and (0, 2)."""
    objective = make("masked-features")
    predicted, target = torch.tensor([[[3.0, 4.0], [1.0, 0.0]]]), torch.tensor([[[4.0, 3.0], [0.0, 2.0]]])
    assert objective.token_losses(predicted, target).tolist() == [pytest.approx([-24 / 25, 0.0])]


def test_a_teacher_that_meets_no_texts_is_refused(setup_of, teacher_heads) -> None:
    norm = Heads({"norm.weight": torch.ones(48)})
    with pytest.raises(
        VistokError, match=r"'image_projection' of what it is made from, which has \['norm'\]"
    ):
        make_objective("masked-features", setup_of("masked-features", PLAIN, heads={"teacher": norm}))
    with pytest.raises(VistokError, match="of its `teacher` learnt besides its encoder"):
        make_objective("masked-features", setup_of("masked-features", PLAIN, heads={}))


@pytest.mark.parametrize("shape", [(2, 3, 32), (2, 1, 3, 32)])
def test_patches_are_hidden_wherever_an_encoder_keeps_them(shape: tuple[int, ...]) -> None:
    """Timm's encoders embed patches as a row or, where they take any size, as a map."""
    embed, patches = torch.nn.Identity(), torch.zeros(shape)
    hidden = torch.tensor([[True, False, False], [False, False, True]])
    with hiding(embed, hidden, torch.ones(32)):
        assert torch.equal(embed(patches).view(2, 3, 32).sum(-1), 32.0 * hidden)
    assert torch.equal(embed(patches), patches)


@pytest.mark.parametrize("name", ["feature-distillation", "masked-features"])
def test_dropped_paths_follow_the_batch_and_leave_torch_alone(name, make, data) -> None:
    objective = make(name, drop_path=0.5)
    batch = objective.batch(data, 0)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first = objective.loss(batch, 0)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(objective.loss(batch, 0), first)
    assert not torch.equal(objective.loss({**batch, "chance": batch["chance"] + 1}, 0), first)
    objective.eval()
    assert not torch.equal(objective.loss(batch, 0), first)
