"""A share of a batch is cut into parts of similar length, within a number of positions."""

import pytest
import torch

from vistok.training.batches import by_length


def share(lengths: list[int]) -> dict[str, torch.Tensor]:
    longest = max(lengths)
    mask = (torch.arange(longest) < torch.tensor(lengths)[:, None]).long()
    numbers = torch.arange(len(lengths))
    return {
        "mask": mask,
        "ids": mask * (numbers[:, None] + 1),
        "images": numbers[:, None, None, None].expand(-1, 3, longest, longest),
    }


def test_rows_are_sorted_cut_and_trimmed_and_none_is_lost() -> None:
    parts = by_length(share([3, 9, 4, 2, 4, 12, 2]), front=5, positions=30)
    assert [part["images"][:, 0, 0, 0].tolist() for part in parts] == [[5], [1, 2], [4, 0, 3], [6]]
    for part in parts:
        rows, length = part["ids"].shape
        assert rows * (5 + length) <= 30
        assert length == part["mask"].sum(dim=1).max()
        assert part["mask"].shape == part["ids"].shape
        assert part["images"].shape[1:] == (3, 12, 12), "an image has no columns of text"
        for number, ids in zip(part["images"][:, 0, 0, 0], part["ids"], strict=True):
            assert set(ids.tolist()) <= {0, int(number) + 1}


def test_a_row_that_is_longer_than_a_part_is_one() -> None:
    assert [len(part["mask"]) for part in by_length(share([40, 3, 3]), front=5, positions=20)] == [1, 2]


@pytest.mark.parametrize("positions", [1, 64, 10_000])
def test_every_row_is_taken_once(positions: int) -> None:
    lengths = torch.randint(1, 50, (33,), generator=torch.Generator().manual_seed(0)).tolist()
    parts = by_length(share(lengths), front=0, positions=positions)
    assert sorted(int(n) for part in parts for n in part["images"][:, 0, 0, 0]) == list(range(33))
    assert sum(int(part["mask"].sum()) for part in parts) == sum(lengths)
