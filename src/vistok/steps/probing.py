"""Probes a tokenizer that was pretrained here, and the encoder that it started from, on the scale's probe set."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float

from vistok.datasets.preprocessing import Preprocessing
from vistok.probes.features import tokens_of
from vistok.probes.gate import collapses, gains, shortfalls
from vistok.probes.presence import presence_auc
from vistok.probes.probe import Pixels, probe_cells
from vistok.probes.prototypes import use_of_prototypes
from vistok.steps.probe_set import ProbeSet
from vistok.supervision.base import Objective, Setup, untrained_encoder
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign

_BATCH: Final = 100


def probe_pretrained(
    tokenizer: VisualTokenizer, objective: Objective, setup: Setup, images: ProbeSet
) -> tuple[dict[str, Any], list[str]]:
    """Returns the probe for a checkpoint's config.json, and a sentence for each failure.

    The control is the encoder that the same seed starts from, after its preparation and before any step.

    Args:
        tokenizer: what was pretrained.
        objective: what pretrained it.
        setup: what that was built from.
        images: of the tokenizer's size.
    """
    start = build_tokenizer(setup.encoder)
    load_foreign(start, untrained_encoder(objective, setup).state_dict(), Path(objective.name))
    tokens = tokens_of(tokenizer)(images.pixels)
    probe = probe_cells(lambda _: tokens, images.pixels, images.cells)
    control = probe_cells(tokens_of(start), images.pixels, images.cells, mlp=False)
    added = gains(probe, control)
    use = None
    if (probabilities := _prototypes(objective, setup, images.pixels)) is not None:
        use = use_of_prototypes(probabilities, images.attributes)
    amiss = shortfalls(probe, control) + collapses(probe, use) if setup.pretraining.steps else []
    record = {
        **probe.plain(),
        "auc": round(presence_auc(tokens, images.presence), 4),
        "untrained": control.plain(),
        "gains": {name: gain.plain() for name, gain in added.items()},
        "prototypes": use.plain() if use else None,
        "amiss": amiss,
    }
    return record, amiss


@torch.no_grad()
def _prototypes(
    objective: Objective, setup: Setup, pixels: Pixels
) -> Float[np.ndarray, "images prototypes"] | None:
    preprocessing = Preprocessing(setup.encoder.image_size, setup.encoder.normalisation)
    batches = []
    for start in range(0, len(pixels), _BATCH):
        images = preprocessing.normalise(pixels[start : start + _BATCH])
        probabilities = objective.prototypes(torch.from_numpy(images))
        if probabilities is None:
            return None
        batches.append(probabilities.numpy())
    return np.concatenate(batches)
