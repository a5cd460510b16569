"""Whitening: against PCA written out by hand, and what it leaves of directions without variance."""

import numpy as np
import pytest
import torch
from torch import Tensor

from vistok.errors import VistokError
from vistok.grid.connectors import Linear
from vistok.mllm.connectors.base import build_connector
from vistok.mllm.connectors.whitening import RIDGE, Whitening


def tokens(images: int = 40, width: int = 12) -> Tensor:
    """Correlated tokens far from zero, some directions of which are a thousand times as loud as others."""
    made = torch.Generator().manual_seed(0)
    loud = torch.logspace(-2, 1, width)
    mixed = torch.linalg.qr(torch.randn(width, width, generator=made)).Q
    return torch.randn(images, 5, width, generator=made) * loud @ mixed + 7.0


def fitted(given: Tensor, batch: int = 40) -> Whitening:
    whitening = Whitening(given.shape[-1])
    whitening.fit(given.split(batch))
    return whitening


def by_hand(given: Tensor) -> Tensor:
    """PCA by the singular values of all tokens at once: scores over their deviations, rotated back."""
    flat = given.double().numpy().reshape(-1, given.shape[-1])
    centred = flat - flat.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    variances = singular**2 / len(flat)
    scores = centred @ directions.T / np.sqrt(variances + RIDGE * variances.mean())
    return torch.from_numpy(scores @ directions).float().reshape(given.shape)


@pytest.mark.parametrize("batch", [40, 7])
def test_it_is_pca_whitening(batch: int) -> None:
    given = tokens()
    assert torch.allclose(fitted(given, batch)(given), by_hand(given), atol=1e-5)


def test_loud_and_quiet_directions_come_out_alike() -> None:
    given = fitted(tokens(4000))(tokens(4000)).reshape(-1, 12)
    variances = torch.linalg.eigvalsh(torch.cov(given.T))
    drawn = torch.logspace(-2, 1, 12).square()
    expected = drawn / (drawn + RIDGE * drawn.mean())  # the ridge holds down what has next to no variance
    assert variances.tolist() == pytest.approx(expected.tolist(), rel=0.05)
    assert given.mean(dim=0).abs().max() < 1e-3


def test_a_direction_without_variance_stays_quiet() -> None:
    given = tokens()
    given[..., 3] = 5.0
    whitened = fitted(given)(given)
    assert whitened.isfinite().all() and whitened[..., 3].abs().max() < 1e-3


def test_tokens_without_variance_are_refused() -> None:
    with pytest.raises(VistokError, match="200 visual tokens have no variance and cannot be whitened"):
        Whitening(12).fit([torch.ones(40, 5, 12)])
    with pytest.raises(VistokError, match="0 visual tokens"):
        Whitening(12).fit([])


def test_a_connector_whitens_before_it_connects() -> None:
    torch.manual_seed(0)
    given = tokens()
    plain = build_connector(Linear(), 12, 8)
    white = build_connector(Linear(whiten=True), 12, 8)
    white.load_state_dict(plain.state_dict(), strict=False)
    assert torch.equal(white(given), plain(given))  # nothing is fitted yet
    assert white.whitening
    white.whitening.fit([given])
    assert torch.allclose(white(given), plain(by_hand(given)), atol=1e-5)


def test_training_leaves_the_statistics_alone_and_a_checkpoint_holds_them() -> None:
    white = build_connector(Linear(whiten=True), 12, 8)
    assert {name for name, _ in white.named_parameters()} == {"projection.weight", "projection.bias"}
    assert {"whitening.mean", "whitening.matrix"} < white.state_dict().keys()
    assert build_connector(Linear(), 12, 8).state_dict().keys() == {"projection.weight", "projection.bias"}
