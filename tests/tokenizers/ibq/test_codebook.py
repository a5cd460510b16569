"""The codebook gives what its definition says, forwards and backwards, and its use is counted."""

import numpy as np
import pytest
import torch
from torch import Tensor

from vistok.tokenizers.ibq.codebook import Codebook, code_use, entropy_loss, k_means

WIDTH, CODES = 4, 7


@pytest.fixture
def encoded() -> Tensor:
    return torch.randn(2, WIDTH, 3, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)


@pytest.fixture
def codebook() -> Codebook:
    torch.manual_seed(1)
    return Codebook(CODES, WIDTH)


def rows_of(encoded: Tensor) -> Tensor:
    """Returns the vectors of all positions, position by position."""
    batch, width, height, across = encoded.shape
    return torch.stack(
        [encoded[b, :, h, w] for b in range(batch) for h in range(height) for w in range(across)]
    ).view(-1, width)


def test_a_position_takes_the_code_of_the_greatest_dot_product(encoded: Tensor, codebook: Codebook) -> None:
    result = codebook(encoded)
    rows, table = rows_of(encoded).detach().numpy(), codebook.embedding.detach().numpy()
    best = np.array([int(np.argmax([row @ code for code in table])) for row in rows])
    assert result.codes.flatten().tolist() == best.tolist()
    assert torch.allclose(rows_of(result.embeddings), codebook.embedding[torch.from_numpy(best)], atol=1e-6)
    assert torch.equal(codebook.look_up(result.codes), codebook.embedding[result.codes].permute(0, 3, 1, 2))


def test_the_gradient_is_that_of_a_softmax_over_all_codes(encoded: Tensor, codebook: Codebook) -> None:
    """By hand: dL/dE = onehot^T g + dL/dlogits^T z, and dL/dz = dL/dlogits E, with the softmax's Jacobian."""
    towards = torch.randn(2, WIDTH, 3, 3, generator=torch.Generator().manual_seed(2))
    (codebook(encoded).embeddings * towards).sum().backward()
    z, table = rows_of(encoded).detach().double().numpy(), codebook.embedding.detach().double().numpy()
    g = rows_of(towards).double().numpy()
    logits = z @ table.T
    soft = np.exp(logits - logits.max(1, keepdims=True))
    soft /= soft.sum(1, keepdims=True)
    onehot = np.eye(CODES)[logits.argmax(1)]
    reached = g @ table.T  # of the one-hot, whose backward is the softmax's
    into = soft * (reached - (soft * reached).sum(1, keepdims=True))
    assert codebook.embedding.grad is not None and encoded.grad is not None
    assert np.allclose(codebook.embedding.grad.numpy(), onehot.T @ g + into.T @ z, atol=1e-5)
    assert np.allclose(rows_of(encoded.grad).numpy(), into @ table, atol=1e-5)
    assert (np.abs(codebook.embedding.grad.numpy()).sum(1) > 0).all(), "every code, chosen or not"


def test_quantisation_is_three_distances(encoded: Tensor, codebook: Codebook) -> None:
    result = codebook(encoded)
    rows, plain = rows_of(encoded).detach(), rows_of(result.embeddings).detach()
    distance = ((rows - plain) ** 2).mean()
    assert result.quantisation.item() == pytest.approx((2 + 0.25) * distance.item(), rel=1e-5)
    result.quantisation.backward()
    assert encoded.grad is not None and codebook.embedding.grad is not None
    # The term that stops at the codes pulls the encoder alone: without it, and the one-hot, codes feel a quarter.
    alone = torch.autograd.grad(
        0.25 * ((plain_of(codebook, result.codes) - rows) ** 2).mean(), codebook.embedding
    )
    assert not torch.allclose(alone[0], codebook.embedding.grad)


def plain_of(codebook: Codebook, codes: Tensor) -> Tensor:
    return codebook.embedding[codes.flatten()]


def test_entropy_is_low_where_positions_are_sure_and_codes_are_many() -> None:
    """Log 4 of a mean over four codes, each position sure of one; and nothing where all choose one."""
    sure = torch.full((4, 4), -30.0).fill_diagonal_(30.0)
    assert entropy_loss(sure).item() == pytest.approx(-np.log(4), abs=1e-3)
    assert entropy_loss(sure[:1].expand(4, 4)).item() == pytest.approx(0, abs=1e-3)
    assert entropy_loss(torch.zeros(4, 4)).item() == pytest.approx(0, abs=1e-3)
    logits = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    shares = logits.softmax(1).double().numpy()
    each = -(shares * np.log(shares)).sum(1).mean()
    mean = shares.mean(0)
    assert entropy_loss(logits).item() == pytest.approx(each + (mean * np.log(mean + 1e-5)).sum(), abs=1e-5)


def test_use_counts_codes_and_spreads() -> None:
    even = code_use(torch.tensor([[0, 1], [2, 3]]), 8)
    assert (even.used, even.share, even.perplexity) == (4, 0.5, 4.0)
    assert code_use(torch.zeros(3, 2, 2, dtype=torch.int64), 8).perplexity == 1.0


def test_k_means_finds_groups_and_keeps_what_nobody_is_near() -> None:
    generator = torch.Generator().manual_seed(0)
    means = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    rows = torch.cat([mean + 0.1 * torch.randn(50, 2, generator=generator) for mean in means])
    result = k_means(rows, 9, rounds=10, generator=torch.Generator().manual_seed(1))
    assert torch.cdist(means, result).min(dim=1).values.max() < 0.5
    again = k_means(rows, 9, rounds=10, generator=torch.Generator().manual_seed(1))
    assert torch.equal(result, again)
    twins = k_means(torch.ones(4, 2), 3, rounds=2, generator=torch.Generator().manual_seed(1))
    assert torch.equal(twins, torch.ones(3, 2)) and bool(torch.isfinite(twins).all())
