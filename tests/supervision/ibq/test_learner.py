"""IBQ trains in two stages, goes on from a saved state to the same weights, and its collapse is seen by the gate."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.supervision.ibq.conftest import training

from vistok.errors import VistokError
from vistok.grid.ett_memory import positions_of
from vistok.grid.ett_sizes import TokenizerTraining
from vistok.grid.recipes import Optimiser
from vistok.probes.cell_net import CellNet
from vistok.supervision.ibq.gates import check_use
from vistok.supervision.ibq.images import ImagePool
from vistok.supervision.ibq.learner import IbqLearner, part_of
from vistok.supervision.ibq.losses import CellDistance
from vistok.tokenizers.ibq.model import from_bytes
from vistok.training.batches import Batch
from vistok.training.loop import Plan, make_deterministic, train


def learner_of(size: TokenizerTraining, pool: ImagePool, net: CellNet) -> IbqLearner:
    make_deterministic(size.seed)
    return IbqLearner(size, pool, CellDistance(net, size.perceptual))


def trained(learner: IbqLearner, state: Path, steps: int | None = None) -> None:
    plan = Plan(steps or learner.size.steps, learner.size.optimiser, save_every=1000)
    train(learner, plan, state=state, identity="one", name="a tokenizer")


def test_a_pool_shows_its_sets_one_behind_the_other(pool: ImagePool) -> None:
    assert len(pool) == 40 and len(pool.objects()) == 40
    shown = pool.pixels(np.array([23, 24]))
    assert shown.shape == (2, 3, 32, 32) and shown.dtype == torch.uint8
    assert torch.equal(
        shown[0], torch.from_numpy(pool.sets[0].examples([23], frozenset()).pixels[0]).permute(2, 0, 1)
    )
    assert torch.equal(
        shown[1], torch.from_numpy(pool.sets[1].examples([0], frozenset()).pixels[0]).permute(2, 0, 1)
    )


def test_a_set_that_is_repeated_occurs_as_often_in_a_pool(folders: list[Path], pool: ImagePool) -> None:
    """As in the mixture, whose epoch has each of its images so many times."""
    often = ImagePool(folders, 32, [1, 3])
    assert len(often) == 24 + 3 * 16
    shown = often.pixels(np.arange(len(often)))
    wanted = pool.pixels(np.array([*range(24), *3 * [*range(24, 40)]]))
    assert torch.equal(shown, wanted)


def test_codes_start_where_the_encoder_puts_images(pool: ImagePool, net: CellNet, tmp_path: Path) -> None:
    learner = learner_of(training(steps=5), pool, net)
    drawn = learner.model.codebook.embedding.clone()
    trained(learner, tmp_path, steps=3)
    assert torch.equal(learner.model.codebook.embedding, drawn), "no code is touched before they start"
    learner.after_step(3)
    started = learner.model.codebook.embedding
    assert not torch.equal(started, drawn) and torch.equal(learner.ema.codebook.embedding, started)
    with torch.no_grad():
        rows = learner.model.encode(from_bytes(pool.pixels(np.arange(40)))).permute(0, 2, 3, 1).flatten(0, 2)
    near = torch.cdist(rows, started).min(dim=1).values.mean()
    assert near < 0.8 * torch.cdist(rows, rows.mean(0, keepdim=True)).mean()


def test_parts_of_the_loss_come_and_go_with_the_stages(pool: ImagePool, net: CellNet) -> None:
    images = from_bytes(pool.pixels(np.arange(4)))
    plain = learner_of(training(), pool, net)
    assert [*plain.terms(images, 3)] == ["L1", "perceptual"]
    assert [*plain.terms(images, 4)] == ["L1", "perceptual", "quantisation", "entropy"]
    judged = learner_of(
        training(adversarial=0.1, lecam=0.05, discriminator_channels=8, discriminator_halvings=2), pool, net
    )
    result = judged.terms(images, 4)
    assert [*result][4:] == ["adversarial", "discriminator", "LeCAM"]
    assert sum(result.values()).item() == pytest.approx(  # type: ignore[union-attr]
        judged({"images": pool.pixels(np.arange(4)), "step": torch.tensor(4)})[0].item(), rel=1e-3
    )


def test_the_teacher_stays_as_it_is_and_is_not_saved(pool: ImagePool, net: CellNet, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    learner = learner_of(training(), pool, net)
    trained(learner, tmp_path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not any("perceptual" in name for name in learner.trained_tensors())
    assert not any(parameter.requires_grad for parameter in learner.ema.parameters())


@pytest.mark.parametrize("stopped", [3, 4, 6])
def test_a_training_that_was_stopped_ends_with_the_same_weights(
    pool: ImagePool, net: CellNet, tmp_path: Path, stopped: int, stop_at: Callable[[Any, int], None]
) -> None:
    """Before the codes start, as they start, and after that; with a discriminator and its running means."""
    size = training(adversarial=0.1, lecam=0.05, discriminator_channels=8, discriminator_halvings=2)
    whole = learner_of(size, pool, net)
    trained(whole, tmp_path / "whole")
    first = learner_of(size, pool, net)
    stop_at(first, stopped)
    with pytest.raises(VistokError, match=f"stopped at step {stopped}"):
        trained(first, tmp_path / "parts")
    second = learner_of(size, pool, net)
    trained(second, tmp_path / "parts")
    for name, tensor in whole.trained_tensors().items():
        assert torch.equal(tensor, second.trained_tensors()[name]), name


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, int], None]:
    """Has a learner ask its own process to stop, as a cluster does, once it has done so many steps."""
    import os
    import signal

    def stop(learner: IbqLearner, steps: int) -> None:
        plain = learner.after_step

        def after(step: int) -> None:
            plain(step)
            if step + 1 == steps:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(learner, "after_step", after)

    return stop


def test_an_infinity_in_the_teachers_features_stops_the_training(
    pool: ImagePool, net: CellNet, tmp_path: Path
) -> None:
    learner = learner_of(training(), pool, net)
    with torch.no_grad():
        learner.loss.perceptual.net.stages[0][0].bias[0] = float("inf")  # type: ignore[union-attr, index]
    with pytest.raises(VistokError, match=r"no number at step 0: perceptual is nan\. Lower `learning_rate`"):
        trained(learner, tmp_path)


def test_the_gate_sees_a_collapse_that_no_loss_tells(pool: ImagePool, net: CellNet, tmp_path: Path) -> None:
    """Batch 4, rate 1e-2, width 256, codes drawn from N(0, 1): finite losses, and a handful of codes."""
    size = training(
        network={"codes": 1024, "width": 256}, autoencoder_steps=0, steps=60, gate_images=40,
        optimiser=Optimiser(learning_rate=1e-2, warmup_steps=0, weight_decay=0.0, final_fraction=1.0).model_dump(),
    )  # fmt: skip
    learner = learner_of(size, pool, net)
    trained(learner, tmp_path)
    use = learner.use()
    assert use.used < 32 and use.codes == 1024
    with pytest.raises(VistokError, match=f"{use.used} of 1024 codes are in use"):
        check_use(use, 0.5, "a tokenizer")


def test_a_tokenizer_that_learns_paints_better_than_it_did(
    pool: ImagePool, net: CellNet, tmp_path: Path
) -> None:
    size = training(
        network={"codes": 64}, steps=80, autoencoder_steps=40, batch=8, average=0.9, perceptual=[0.1] * 4,
        optimiser={"learning_rate": 3e-3, "warmup_steps": 5, "weight_decay": 0.0}, start_images=40,
    )  # fmt: skip
    learner = learner_of(size, pool, net)
    images = pool.pixels(np.arange(40))

    def apart() -> float:
        return float((learner.ema.reconstructed(images).float() - images.float()).abs().mean())

    before = apart()
    trained(learner, tmp_path)
    assert apart() < 0.6 * before and learner.use().used >= 8


def test_a_share_that_is_cut_has_the_gradient_of_the_whole_but_for_entropy(
    pool: ImagePool, net: CellNet
) -> None:
    """Of terms that are means over images."""
    size = training(autoencoder_steps=0, entropy=0.0, batch=6)
    learner = learner_of(size, pool, net)
    whole = learner.batch(0, 0, 1)
    shares = [learner.batch(0, process, 2) for process in range(2)]
    assert torch.equal(torch.stack([share["images"] for share in shares], 1).flatten(0, 1), whole["images"])
    parts = [part for share in shares for part in learner.cut(share, 2 * positions_of(size.network) + 1)]
    assert [len(part["images"]) for part in parts] == [2, 1, 2, 1] and learner.cut(whole, 1)[0][
        "images"
    ].shape[0] == 1
    gradients = []
    for batches in ([whole], parts):
        learner.zero_grad()
        totals = [learner(batch) for batch in batches]
        assert sum(share.item() for _, share in totals) == pytest.approx(1.0)
        torch.stack([total for total, _ in totals]).sum().backward()
        gradients.append(
            torch.cat([each.grad.flatten() for each in learner.model.parameters() if each.grad is not None])
        )
    assert gradients[0].abs().max() > 1e-4 and torch.allclose(*gradients, rtol=1e-3, atol=1e-6)


def test_entropy_and_the_discriminators_norms_are_of_the_images_that_are_seen_together(
    pool: ImagePool, net: CellNet
) -> None:
    """So `positions` decides them, and is part of what the training depends on."""
    size = training(
        autoencoder_steps=0, batch=6, adversarial=0.1, lecam=0.05, discriminator_channels=8,
        discriminator_halvings=2,
    )  # fmt: skip
    learner = learner_of(size, pool, net)
    whole = learner.batch(0, 0, 1)
    parts = learner.cut(whole, positions_of(size.network))
    assert [part_of(part) for part in parts] == [pytest.approx(1 / 6)] * 6 and part_of(whole) == 1

    def means(batches: Sequence[Batch]) -> dict[str, float]:
        with torch.no_grad():
            told = [learner.terms(from_bytes(batch["images"]), 0, part_of(batch)) for batch in batches]
        return {name: sum(float(terms[name]) for terms in told) / len(told) for name in told[0]}

    at_once, apart = means([whole]), means(parts)
    for name in ("L1", "perceptual", "quantisation"):
        assert apart[name] == pytest.approx(at_once[name], rel=1e-4), name
    for name in ("entropy", "discriminator"):
        assert abs(apart[name] - at_once[name]) > 1e-4 * abs(at_once[name]), name
