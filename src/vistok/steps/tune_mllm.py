"""Trains an MLLM: one run of the study."""

from vistok.checkpoints import Stopwatch, save_checkpoint
from vistok.datasets.mixture import Mixture
from vistok.datasets.preprocessing import Preprocessing
from vistok.datasets.shards import Shards
from vistok.files import digest_value
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.specs import mllm_spec
from vistok.grid.values import Run
from vistok.sources import source_digest
from vistok.steps.inputs import input_digests
from vistok.steps.models import assemble, parts
from vistok.training.curves import write_curves
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.mllm import MultimodalLearner
from vistok.training.processes import is_first
from vistok.training.state import TrainingState


def run(study: Study, wanted: Run) -> None:
    """Writes `checkpoints/<scale>/mllms/<run>`: what the recipe trains, with its curves."""
    stopwatch, paths, spec = Stopwatch(), Paths(study), mllm_spec(study, wanted)
    make_deterministic(wanted.seed)
    recipe, encoder = study.recipe(wanted.recipe), study.encoder(wanted.tokenizer)
    model = assemble(study, wanted)
    shards = [paths.shards(name) for name in study.scale.mixture]
    mixture = Mixture(
        [Shards(folder) for folder in shards],
        places=[study.scale.places.get(name, 1) for name in study.scale.mixture],
        turns=recipe.turns,
        turns_a_sample=recipe.turns_a_sample,
        prompts=recipe.prompts,
        preprocessing=Preprocessing(encoder.image_size, encoder.normalisation),
        seed=wanted.seed,
        horizontal_flip=recipe.horizontal_flip,
        crop_scale=recipe.crop_scale,
    )
    out = paths.mllm(wanted)
    job = study.scale.job("tune-mllm")
    plan = Plan(recipe.steps, recipe.optimiser, study.scale.save_every, workers=job.cpus - 1, part=job.part)
    inputs = input_digests([*parts(study, wanted), *shards]) | {"spec": digest_value(spec)}
    identity = digest_value([inputs, source_digest(__name__)])
    learner = MultimodalLearner(model, mixture, recipe)
    curves = train(learner, plan, state=paths.state(out), identity=identity, name=f"mllm {wanted.path}")
    if not is_first():
        return
    config = {"spec": spec}
    save_checkpoint(
        out,
        model.trained_tensors(),
        config,
        stopwatch.provenance(inputs),
        also=lambda folder: write_curves(folder, curves),
    )
    TrainingState(paths.state(out), identity).forget()
