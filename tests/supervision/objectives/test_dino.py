"""DINO's loss put together from its parts, and what it learns."""

import numpy as np
import pytest
import torch

from vistok.supervision.base import batch_indices
from vistok.supervision.encoder import embed, encode


def test_the_loss_is_that_of_its_parts(make, data) -> None:
    objective = make("dino", local_crops=1, local_size=16)
    batch = objective.batch(data, 0)
    with torch.no_grad():
        wide = encode(objective.encoder, embed(objective.encoder, batch["global"]))[:, 0]
        narrow = encode(objective.encoder, embed(objective.encoder, batch["local"], batch["local_corner"]))[
            :, 0
        ]
        student = (objective.head(torch.cat([wide, narrow])) / 0.1).log_softmax(-1).view(3, 12, 16)
        logits = objective.teacher_head(wide)  # teacher and student begin as one
        teacher = ((logits - logits.mean(0)) / 0.04).softmax(-1).view(2, 12, 16)
    pairs = [(0, 1), (0, 2), (1, 0), (1, 2)]
    expected = np.mean([float(-(teacher[i] * student[j]).sum(-1).mean()) for i, j in pairs])
    assert objective.loss(batch, 0).item() == pytest.approx(expected, rel=1e-4)


def test_it_tells_the_kinds_of_image_apart_without_collapse(make, data, trainer) -> None:
    objective = make("dino", steps=60)
    trainer(objective).run(0, 60)
    batch = objective.batch(data, 60)
    with torch.no_grad():
        tokens = encode(objective.teacher_encoder, embed(objective.teacher_encoder, batch["global"]))
        shares = objective.centre.sharpen(objective.teacher_head(tokens[:, 0]), 0.04)
    assert shares.max(-1).values.mean() > 0.5  # sure of each image: 1/16 would be the uniform collapse
    chosen, kinds = (
        shares.argmax(-1),
        torch.from_numpy(
            data.examples(batch_indices(24, 12, 60, seed=0), frozenset({"label"})).labels
        ).repeat(2),
    )
    favourites = {int(kind): chosen[kinds == kind].mode().values.item() for kind in kinds.unique()}
    agreeing = torch.tensor([favourites[int(kind)] for kind in kinds]) == chosen
    assert agreeing.float().mean() > 0.7  # crops of one kind go to one prototype
    assert len(set(favourites.values())) > 1  # and not all kinds to the same
