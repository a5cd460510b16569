"""Pretrains a visual tokenizer under its supervision, and probes what its features tell of categories."""

from pathlib import Path

from vistok.checkpoints import save_checkpoint
from vistok.datasets.shards import Shards
from vistok.errors import VistokError
from vistok.grid.paths import Paths
from vistok.grid.runs import Pretrained
from vistok.grid.scale import Scale
from vistok.grid.study import Study
from vistok.grid.training_sizes import Pretraining
from vistok.probes.gate import refusal
from vistok.provenance import Stopwatch
from vistok.steps.decided import decide_pretraining
from vistok.steps.probe_set import ProbeSet
from vistok.steps.probing import probe_pretrained
from vistok.steps.tokenizer import load_roles
from vistok.steps.training import training
from vistok.supervision.base import Setup, make_objective
from vistok.supervision.data import PretrainingData
from vistok.supervision.heads import SETTINGS, Heads
from vistok.supervision.learner import PretrainingLearner
from vistok.tokenizers.base import build_tokenizer
from vistok.tokenizers.weights import load_foreign
from vistok.training.compiled import compile_layers
from vistok.training.curves import write_curves
from vistok.training.devices import device_of
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.processes import is_first
from vistok.training.state import Curves


def run(study: Study, pretrained: Pretrained) -> None:
    """Writes `checkpoints/<scale>/tokenizers/<tokenizer>/seed-<seed>`: a checkpoint with its probe and curves.

    The seed decides the random weights that it starts from, the order of the images and how they are augmented; a
    base or teacher that the scale pretrains is that of the same seed.

    Raises:
        VistokError: the scale takes this tokenizer as published; or it tells no more of categories than before any
            step, or has collapsed, and the scale's `probe_gate` names a table that shows it.
    """
    tokenizer, seed = pretrained.tokenizer, pretrained.seed
    entry = study.tokenizer(tokenizer)
    stopwatch, paths, what = Stopwatch(), Paths(study), decide_pretraining(study, pretrained)
    assert entry.objective and entry.image_set
    job = study.scale.job("pretrain-tokenizer")
    with training(paths, what.out, [what.inputs, what.code], gpus=job.gpus) as work:
        if work is None:
            return
        make_deterministic(seed, exact=study.scale.exact)
        encoder, pretraining = study.encoder(tokenizer), study.pretraining(tokenizer)
        data = PretrainingData(Shards(paths.shards(entry.image_set)), encoder.image_size)
        setup = Setup(encoder, pretraining, data, seed, **load_roles(study, pretrained))
        objective = make_objective(entry.objective, setup)
        if not study.scale.exact and device_of(job.gpus).type == "cuda":
            compile_layers(objective)
        learner = PretrainingLearner(objective, data, half=study.scale.precision == "bf16")
        curves = train(
            learner,
            _plan(study.scale, pretraining),
            state=work.state,
            identity=work.identity,
            name=f"tokenizer {pretrained.path}",
        )
        if not is_first():
            return
        exported = objective.cpu().exported()
        built = build_tokenizer(encoder)
        load_foreign(built, exported.state_dict(), work.out)
        images = ProbeSet.read(paths.shards(study.scale.probe_set or ""), encoder.image_size)
        probe, amiss = probe_pretrained(built, objective, setup, images)
        if amiss and study.is_gated(tokenizer):
            raise VistokError(refusal(pretrained.path, amiss, entry.objective))
        heads = objective.heads()
        config = {"encoder": encoder.model_dump(mode="json"), "probe": probe, SETTINGS: heads.settings}
        save_checkpoint(
            work.out,
            built.state_dict(),
            config,
            work.about(stopwatch, what.inputs),
            also=lambda folder: _write_curves_and_heads(folder, curves, heads),
        )


def _write_curves_and_heads(folder: Path, curves: Curves, heads: Heads) -> None:
    write_curves(folder, curves)
    heads.write(folder)


def _plan(scale: Scale, pretraining: Pretraining) -> Plan:
    job = scale.job("pretrain-tokenizer")
    return Plan(
        pretraining.steps, pretraining.optimiser, scale.save_every, workers=job.cpus - 1, gpus=job.gpus
    )
