"""Pretrains a visual tokenizer under its supervision, and lets it pass only if its features tell categories."""

from collections.abc import Callable
from itertools import islice

import numpy as np
from torch import nn

from vistok.checkpoints import save_checkpoint
from vistok.datasets.preprocessing import Pixels, squash
from vistok.datasets.shards import Shards
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.load import Study
from vistok.grid.needs import tokenizer_weights_name
from vistok.grid.paths import Paths
from vistok.grid.scale import Pretraining, Scale
from vistok.grid.specs import tokenizer_spec
from vistok.grid.values import Encoder, Pretrained
from vistok.planning.foreign import weight_digests
from vistok.provenance import Stopwatch
from vistok.sources import source_digest
from vistok.steps.inputs import input_digests
from vistok.steps.tokenizer import load_study_tokenizer, load_teacher
from vistok.steps.training import training
from vistok.supervision.base import Setup, make_objective
from vistok.supervision.data import PretrainingData
from vistok.supervision.encoder import is_plain
from vistok.supervision.learner import PretrainingLearner
from vistok.supervision.probe import (
    Features,
    check_gate,
    linear_probe,
    mean_patch_features,
    mean_token_features,
)
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign
from vistok.training.curves import write_curves
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.processes import is_first

PROBE_IMAGES = 2000


def run(study: Study, wanted: Pretrained) -> None:
    """Writes `checkpoints/<scale>/tokenizers/<tokenizer>/seed-<seed>`: a checkpoint with its probe and curves.

    The seed decides the random weights that it starts from, the order of the images and how they are augmented; a
    base or teacher that the scale pretrains is that of the same seed.

    Raises:
        VistokError: the scale takes this tokenizer as published, or its probe misses the gate.
    """
    tokenizer, seed = wanted.tokenizer, wanted.seed
    entry = study.tokenizer(tokenizer)
    if not study.pretrains(tokenizer) or entry.objective is None or entry.image_set is None:
        raise VistokError(
            f"the scale {study.scale.id!r} takes {tokenizer!r} as published: nothing to pretrain."
        )
    stopwatch, paths, spec = Stopwatch(), Paths(study), tokenizer_spec(study, wanted)
    made_from = [paths.pretrained(part) for part in study.made_from(wanted)]
    inputs = input_digests([*made_from, paths.shards(entry.image_set)]) | {"spec": digest_value(spec)}
    foreign = [tokenizer_weights_name(study, name) for name in entry.made_from]
    inputs |= weight_digests(study, [name for name in foreign if name])
    job = study.scale.job("pretrain-tokenizer")
    with training(paths, paths.pretrained(wanted), [inputs, source_digest(__name__)], gpus=job.gpus) as work:
        if work is None:
            return
        make_deterministic(seed)
        encoder, pretraining = study.encoder(tokenizer), study.scale.pretraining[entry.objective]
        data = PretrainingData(Shards(paths.shards(entry.image_set)), encoder.image_size)
        base = load_study_tokenizer(study, _of_seed(entry.base, seed)) if entry.base else None
        teacher = load_teacher(study, _of_seed(entry.teacher, seed)) if entry.teacher else None
        objective = make_objective(entry.objective, Setup(encoder, pretraining, data, seed, base, teacher))
        learner, plan = PretrainingLearner(objective, data), _plan(study.scale, pretraining)
        curves = train(
            learner, plan, state=work.state, identity=work.identity, name=f"tokenizer {wanted.path}"
        )
        if not is_first():
            return
        exported = objective.exported().cpu()
        built = build_tokenizer(encoder)
        load_foreign(built.trunk, exported.state_dict(), work.out)
        auc = _probe(_features(exported, built), encoder, paths, study)
        if (gate := study.scale.probe_gate.get(entry.objective)) is not None:
            check_gate(auc, gate, wanted.path)
        save_checkpoint(
            work.out,
            built.state_dict(),
            {"encoder": encoder.model_dump(mode="json"), "probe_auc": round(auc, 4)},
            work.about(stopwatch, inputs),
            also=lambda folder: write_curves(folder, curves),
        )


def _of_seed(tokenizer: str, seed: int) -> Pretrained:
    return Pretrained(tokenizer=tokenizer, seed=seed)


def _plan(scale: Scale, pretraining: Pretraining) -> Plan:
    job = scale.job("pretrain-tokenizer")
    return Plan(
        pretraining.steps, pretraining.optimiser, scale.save_every, workers=job.cpus - 1, gpus=job.gpus
    )


def _features(exported: nn.Module, built: VisualTokenizer) -> Callable[[Pixels], Features]:
    if is_plain(exported):
        return mean_patch_features(exported, built.encoder.normalisation)
    return mean_token_features(built.eval())


def _probe(features: Callable[[Pixels], Features], encoder: Encoder, paths: Paths, study: Study) -> float:
    """Returns the AUC of a linear probe for the categories of the scale's probe set."""
    shards = Shards(paths.shards(study.scale.probe_set or ""))
    rows = list(islice(shards, PROBE_IMAGES))
    names = [{entry.category for entry in row.objects} for row in rows]
    presence = np.array([[category in seen for category in shards.categories] for seen in names])
    pixels = np.stack([squash(shards.decoded(row), encoder.image_size) for row in rows])
    return linear_probe(features, pixels, presence, seed=0)
