"""Trains the tokenizer of ETT that a scale makes, images to codes and back; or imports one that was released."""

from collections.abc import Sequence
from dataclasses import dataclass

from vistok.checkpoints import save_checkpoint
from vistok.files import digest_value
from vistok.grid.ett import EttPaths
from vistok.grid.ett_scale import IBQ, read_scale
from vistok.grid.ett_sizes import TokenizerRelease, TokenizerTraining
from vistok.grid.job_sizes import JobSize
from vistok.grid.marks import counted
from vistok.grid.paths import PERCEPTUAL, Paths
from vistok.grid.specs import Spec
from vistok.grid.study import Study
from vistok.provenance import Stopwatch
from vistok.sources import source_digest
from vistok.steps.ett_models import ibq_config, load_ibq, load_perceptual
from vistok.steps.import_ibq import import_release
from vistok.steps.inputs import input_digests
from vistok.steps.training import training
from vistok.supervision.ibq.gates import check_use
from vistok.supervision.ibq.images import ImagePool
from vistok.supervision.ibq.learner import IbqLearner
from vistok.training.curves import write_curves
from vistok.training.loop import Plan, make_deterministic, train
from vistok.training.processes import is_first


@dataclass(frozen=True)
class Start:
    """What a training goes on from, and what else it does otherwise than the first one.

    Attributes:
        tokenizer: its name among ETT's checkpoints; of the same size.
        spec: what the training depends on.
        repeats: how often the images of each set occur in an epoch.
    """

    tokenizer: str
    spec: Spec
    repeats: Sequence[int]


def run(study: Study) -> None:
    """Writes `checkpoints/<scale>/ett/ibq`: the average of its weights, how much of its codebook is in use, and curves.

    A released tokenizer has no curves; beside it `checkpoints/<scale>/ett/perceptual` is written, LPIPS as published.

    Raises:
        VistokError: the scale has no such tokenizer, its perceptual net or a released file is missing, its loss is no
            number, or too few of its codes are in use.
    """
    size, code = read_scale(study).tokenizer, source_digest(__name__)
    if isinstance(size, TokenizerRelease):
        import_release(study, size, code=code)
    else:
        train_tokenizer(study, IBQ, size, code=code)


def train_tokenizer(
    study: Study,
    name: str,
    size: TokenizerTraining,
    *,
    code: str,
    start: Start | None = None,
    job: JobSize | None = None,
) -> None:
    """Trains a tokenizer and writes its checkpoint.

    How much of its codebook is in use is recorded, and refused only of one that starts from random weights: a control
    that has lost codes is a result.

    Args:
        name: of the tokenizer, among ETT's checkpoints.
        size: of it and its training.
        code: the digest of the code that decides it.
        start: what it goes on from; None: random weights.
        job: its processors and GPUs; None: one processor.
    """
    stopwatch, paths, job = Stopwatch(), Paths(study), job or JobSize()
    out, folders = EttPaths(study).checkpoint(name), [paths.shards(each) for each in size.images]
    before = [EttPaths(study).checkpoint(each) for each in (PERCEPTUAL, start and start.tokenizer) if each]
    spec = start.spec if start else counted(size)
    inputs = input_digests([*before, *folders]) | {"spec": digest_value(spec)}
    with training(paths, out, [inputs, code], gpus=job.gpus) as work:
        if work is None:
            return
        make_deterministic(size.seed)
        pool = ImagePool(folders, size.network.image_size, start.repeats if start else None)
        learner = IbqLearner(size, pool, load_perceptual(study))
        if start:
            learner.start_from(load_ibq(study, start.tokenizer))
        plan = Plan(
            size.steps,
            size.optimiser,
            study.scale.save_every,
            workers=job.cpus - 1,
            positions=job.positions,
            gpus=job.gpus,
        )
        curves = train(learner, plan, state=work.state, identity=work.identity, name=f"tokenizer {name}")
        if not is_first():
            return
        use = learner.use()
        if start is None:
            check_use(use, size.least_use, f"the tokenizer {name!r}")
        save_checkpoint(
            work.out,
            learner.ema.state_dict(),
            ibq_config(size.network, use),
            work.about(stopwatch, inputs),
            also=lambda folder: write_curves(folder, curves),
        )
