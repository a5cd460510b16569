"""The loss of words: each with its weight, those without one free."""

import torch
from torch import nn
from torch.nn import functional

from vistok.mllm.loss import token_loss


def test_each_word_counts_by_its_weight() -> None:
    torch.manual_seed(0)
    hidden, output, ids = torch.randn(2, 3, 4), nn.Linear(4, 9), torch.randint(9, (2, 3))
    weights = torch.tensor([[0.0, 1.0, 5.0], [1.0, 0.0, 0.0]])
    total, weight = token_loss(hidden, output, ids, weights)
    losses = functional.cross_entropy(output(hidden).flatten(0, 1), ids.flatten(), reduction="none")
    assert torch.allclose(total, (losses * weights.flatten()).sum())
    assert weight == 7


def test_words_without_weight_pay_for_no_output_layer() -> None:
    class Counting(nn.Linear):
        rows = 0

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            self.rows += len(hidden)
            return super().forward(hidden)

    output = Counting(4, 9)
    weights = torch.zeros(5, 6)
    weights[0, :2] = 1
    token_loss(torch.randn(5, 6, 4), output, torch.zeros(5, 6, dtype=torch.long), weights)
    assert output.rows == 2


def test_nothing_to_learn_costs_nothing() -> None:
    hidden = torch.randn(1, 2, 4, requires_grad=True)
    total, weight = token_loss(
        hidden, nn.Linear(4, 9), torch.zeros(1, 2, dtype=torch.long), torch.zeros(1, 2)
    )
    total.backward()
    assert total == 0 and weight == 0
    assert hidden.grad is not None and not hidden.grad.any()


def test_half_precision_is_summed_in_single() -> None:
    hidden = torch.randn(1, 2, 4, dtype=torch.bfloat16)
    total, _ = token_loss(
        hidden,
        nn.Linear(4, 9, dtype=torch.bfloat16),
        torch.ones(1, 2, dtype=torch.long),
        torch.ones(1, 2),
    )
    assert total.dtype == torch.float32
