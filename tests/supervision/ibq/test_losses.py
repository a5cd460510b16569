"""Each loss of IBQ equals a small reference of its own, and its gradient goes where it should."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from vistok.errors import VistokError
from vistok.supervision.ibq.gates import check_finite, check_use
from vistok.supervision.ibq.losses import (
    Lecam,
    PatchDiscriminator,
    discriminator_loss,
    generator_loss,
    perceptual_loss,
)
from vistok.tokenizers.ibq.codebook import CodeUse


@pytest.fixture
def images() -> Tensor:
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_perceptual_loss_compares_directions(images: Tensor) -> None:
    first, second = images, images.flip(0)
    a, b = first.double().numpy(), second.double().numpy()
    unit = [each / np.sqrt((each**2).sum(1, keepdims=True)) for each in (a, b)]
    expected = ((unit[0] - unit[1]) ** 2).sum(1).mean()
    assert perceptual_loss([first], [second], [1.0]).item() == pytest.approx(expected, rel=1e-5)
    assert perceptual_loss([first, first], [second, second], [1.0, 3.0]).item() == pytest.approx(
        4 * expected, rel=1e-5
    )
    assert perceptual_loss([first], [2.5 * first], [1.0]).item() == pytest.approx(0, abs=1e-6), (
        "loudness is none"
    )
    assert bool(torch.isfinite(perceptual_loss([first], [0 * first], [1.0])))


def test_adversarial_losses_are_those_of_logits_of_whole_images() -> None:
    real, fake = torch.tensor([[2.0, 0.0], [1.0, 3.0]]), torch.tensor([[-1.0, -3.0], [0.0, 1.0]])
    r, f = real.mean(1).tolist(), fake.mean(1).tolist()
    assert generator_loss(fake).item() == pytest.approx(
        sum(-math.log(1 / (1 + math.exp(-each))) for each in f) / 2, rel=1e-5
    )
    expected = sum(
        -math.log(1 / (1 + math.exp(-x))) - math.log(1 - 1 / (1 + math.exp(-y))) for x, y in zip(r, f, strict=True)
    ) / 4  # fmt: skip
    assert discriminator_loss(real, fake).item() == pytest.approx(expected, rel=1e-5)
    entropy = functional.binary_cross_entropy_with_logits
    both = entropy(real.mean(1), torch.ones(2)) + entropy(fake.mean(1), torch.zeros(2))
    assert discriminator_loss(real, fake).item() == pytest.approx(0.5 * both.item(), rel=1e-5)


def test_the_parts_of_a_step_move_lecams_averages_as_far_as_one_step_does() -> None:
    whole, cut, steps = Lecam(), Lecam(), Lecam()
    real, fake = torch.full((4, 3), 2.0), torch.full((4, 3), -1.0)
    whole(real, fake)
    for part in (0.5, 0.25, 0.25):
        cut(real[: int(4 * part)], fake[: int(4 * part)], part)
        steps(real, fake)
    assert whole.real.item() == pytest.approx(0.002, rel=1e-4)
    assert cut.real.item() == pytest.approx(whole.real.item(), rel=1e-4)
    assert cut.fake.item() == pytest.approx(whole.fake.item(), rel=1e-4)
    assert steps.real.item() > 2.9 * whole.real.item()


def test_lecam_holds_each_kind_to_the_average_of_the_other() -> None:
    lecam, real, fake = Lecam(decay=0.5), torch.tensor([1.0, 3.0]), torch.tensor([-2.0, 0.0])
    # Averages start at 0 and are half-way to the means, 2 and -1, by the first step.
    first = np.mean([(1 + 0.5) ** 2, (3 + 0.5) ** 2]) + np.mean([(1 + 2) ** 2, (1 - 0) ** 2])
    assert lecam(real, fake).item() == pytest.approx(first)
    assert (lecam.real.item(), lecam.fake.item()) == (1.0, -0.5)
    second = np.mean([(1 + 0.75) ** 2, (3 + 0.75) ** 2]) + np.mean([(1.5 + 2) ** 2, (1.5 - 0) ** 2])
    assert lecam(real, fake).item() == pytest.approx(second)


def test_the_discriminator_judges_patches_and_has_the_published_size(images: Tensor) -> None:
    with torch.device("meta"):
        published = PatchDiscriminator()
    assert (
        sum(each.numel() for each in published.parameters()) == 2_765_633
    )  # 70 x 70 PatchGAN of 64 channels
    assert published(torch.zeros(1, 3, 256, 256, device="meta")).shape == (1, 1, 30, 30)
    assert PatchDiscriminator(8, halvings=2)(images).shape == (4, 1, 6, 6)


def test_a_generators_gradient_passes_the_discriminator_by(images: Tensor) -> None:
    torch.manual_seed(0)
    judge, painted = PatchDiscriminator(8, halvings=2), images.clone().requires_grad_()
    judge(images)
    before = {name: tensor.clone() for name, tensor in judge.named_buffers()}
    held = generator_loss(judge.of_generator(painted))
    held.backward()
    assert painted.grad is not None and painted.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in judge.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in judge.named_buffers())
    plain = images.clone().requires_grad_()
    expected = generator_loss(judge(plain))
    expected.backward()
    assert held.item() == expected.item() and torch.allclose(painted.grad, plain.grad)  # type: ignore[arg-type]


def test_a_planted_infinity_gives_one_error_that_says_what_to_lower() -> None:
    parts = {
        "L1": torch.tensor(0.5),
        "perceptual": torch.tensor(1.0) / 0,
        "entropy": torch.tensor(float("nan")),
    }
    check_finite({"L1": parts["L1"]}, 3)
    with pytest.raises(VistokError) as refused:
        check_finite(parts, 1234)
    said = str(refused.value)
    assert (
        "at step 1234: perceptual is inf, entropy is nan. Lower `learning_rate`" in said and "L1" not in said
    )


def test_a_codebook_that_collapsed_is_refused_with_what_to_change() -> None:
    check_use(CodeUse(512, 1024, 300.0), 0.5, "tokenizer")
    with pytest.raises(VistokError) as refused:
        check_use(CodeUse(12, 1024, 3.25), 0.5, "the tokenizer 'ibq'")
    said = str(refused.value)
    assert said.startswith("the tokenizer 'ibq': 12 of 1024 codes are in use (1.2 %, perplexity 3.2)")
    assert "autoencoder_steps" in said and "learning_rate" in said
