"""Which weights decay is what each method's released code says, worked out from its rule and not from ours."""

from collections.abc import Callable

import pytest
from timm.optim import param_groups_weight_decay
from torch import nn

from vistok.grid.recipes import Optimiser
from vistok.supervision.learner import PretrainingLearner
from vistok.training.schedule import make_optimiser


def dino(name: str, parameter: nn.Parameter) -> bool:
    """DINO, utils.get_params_groups."""
    return not (name.endswith(".bias") or len(parameter.shape) == 1)


def dinov2(name: str, parameter: nn.Parameter) -> bool:
    """DINOv2, utils/param_groups.py; the batch normalisation of the heads is ours."""
    return not (
        name.endswith(".bias")
        or "norm" in name
        or "gamma" in name
        or ("perceptron" in name and parameter.ndim < 2)
    )


def deit(name: str, parameter: nn.Parameter) -> bool:
    """DeiT and FD: timm's optimiser, told what the vision transformer names in `no_weight_decay`."""
    return parameter.ndim > 1 and name not in ("encoder.cls_token", "encoder.pos_embed", "encoder.dist_token")


def mae(name: str, parameter: nn.Parameter) -> bool:
    """MAE: timm's `add_weight_decay` without a list; positions are not trained."""
    return parameter.ndim > 1 and name != "encoder.pos_embed"


def clip(name: str, parameter: nn.Parameter) -> bool:
    """CLIP section 2.4: all weights that are no gains or biases; the class embedding is a vector in its code."""
    return parameter.ndim > 1 and name != "encoder.cls_token"


@pytest.mark.parametrize(
    ("objective", "rule"),
    [
        ("dino", dino),
        ("dinov2", dinov2),
        ("supervised", deit),
        ("feature-distillation", deit),
        ("masked-pixels", mae),
        ("contrastive", clip),
    ],
)
def test_it_is_what_the_released_code_lets_decay(
    make, data, objective: str, rule: Callable[[str, nn.Parameter], bool]
) -> None:
    learner = PretrainingLearner(made := make(objective), data)
    optimiser = make_optimiser(
        learner, Optimiser(learning_rate=1e-3, warmup_steps=0), learner.rate, learner.undecayed
    )
    decaying = {id(p) for group in optimiser.param_groups if group["weight_decay"] for p in group["params"]}
    trained = {name: p for name, p in made.named_parameters() if p.requires_grad}
    assert {name for name, p in trained.items() if id(p) in decaying} == {
        name for name, p in trained.items() if rule(name, p)
    }


def test_deit_s_list_is_timm_s(make) -> None:
    encoder = make("supervised").encoder
    assert {"pos_embed", "cls_token"} <= encoder.no_weight_decay()
    kept, _ = param_groups_weight_decay(encoder, 0.05, no_weight_decay_list=encoder.no_weight_decay())
    assert {id(encoder.cls_token), id(encoder.pos_embed)} <= {id(p) for p in kept["params"]}


def test_mae_s_positions_are_no_weights(make, data, trainer) -> None:
    objective = make("masked-pixels")
    before = objective.encoder.pos_embed.clone()
    trainer(objective).run(0, 3)
    assert (objective.encoder.pos_embed == before).all()
    assert (before[:, :1] == 0).all() and before[:, 1:].abs().max() > 0.9  # the class token has no place
