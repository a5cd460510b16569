"""Trains an MLLM: one run of the study."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from vistok.checkpoints import save_checkpoint
from vistok.datasets.mixture import Mixture
from vistok.datasets.reader import Reader
from vistok.datasets.shards import Shards
from vistok.evaluation.turns import TurnDraw
from vistok.grid.paths import Paths
from vistok.grid.recipes import Recipe
from vistok.grid.runs import Run
from vistok.grid.specs import mllm_spec
from vistok.grid.study import Study
from vistok.mllm.model import MultimodalModel
from vistok.provenance import Stopwatch
from vistok.steps.decided import decide_tuning
from vistok.steps.models import assemble, follow, frozen_digests, stored_tensors
from vistok.steps.training import training
from vistok.steps.whitening import fit_whitening
from vistok.training.compiled import compile_layers
from vistok.training.curves import write_curves
from vistok.training.devices import device_of
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.mllm import MultimodalLearner
from vistok.training.processes import is_first


def run(study: Study, target: Run) -> None:
    """Writes `checkpoints/<scale>/mllms/<run>`: what the recipe trains, with its curves.

    Raises:
        VistokError: a part is missing or not to be trusted, another process is at it, or the training fails.
    """
    stopwatch, paths, what = Stopwatch(), Paths(study), decide_tuning(study, target)
    shards = [paths.shards(name) for name in study.scale.mixture]
    job = study.scale.job("tune-mllm")
    with training(paths, what.out, [what.inputs, what.code], gpus=job.gpus) as work:
        if work is None:
            return
        make_deterministic(target.seed, exact=study.scale.exact)
        model = assemble(study, target)
        fit_whitening(model, Shards(shards[0]), device_of(job.gpus))
        follow(study, target, model)
        if not study.scale.exact and device_of(job.gpus).type == "cuda":
            compile_layers(model, dynamic=True)
        recipe = study.recipe(target.recipe)
        plan = Plan(
            recipe.steps,
            recipe.optimiser,
            study.scale.save_every,
            workers=job.cpus - 1,
            positions=job.positions,
            gpus=job.gpus,
        )
        learner = _learner(study, model, _mixture(study, target, shards, model.tokenizer.reads()), recipe)
        stored = stored_tensors(study, target, model)
        frozen = frozen_digests(model, stored)
        curves = train(learner, plan, state=work.state, identity=work.identity, name=f"mllm {target.path}")
        if is_first():
            save_checkpoint(
                work.out,
                stored_tensors(study, target, model),
                {"spec": mllm_spec(study, target), "frozen": frozen},
                work.about(stopwatch, what.inputs),
                also=lambda folder: write_curves(folder, curves),
            )


def _learner(study: Study, model: MultimodalModel, mixture: Mixture, recipe: Recipe) -> MultimodalLearner:
    kind = import_module(f"vistok.steps.learners.{recipe.learner.replace('-', '_')}")
    learner: MultimodalLearner = kind.make(study, model, mixture, recipe)
    return learner


def _mixture(study: Study, target: Run, shards: Sequence[Path], reader: Reader) -> Mixture:
    recipe = study.recipe(target.recipe)
    return Mixture(
        [Shards(folder) for folder in shards],
        repeats=[study.scale.places.get(name, 1) for name in study.scale.mixture],
        draw=TurnDraw(recipe.turns, recipe.prompts, recipe.turns_a_sample),
        reader=reader,
        seed=target.seed,
        horizontal_flip=recipe.horizontal_flip,
        crop_scale=recipe.crop_scale,
    )
