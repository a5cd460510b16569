"""Trains ETT's tokenizer alone for as many more steps as tuning takes: the control of what captions add."""

from vistok.grid.ett_files import longer_spec
from vistok.grid.ett_scale import IBQ, LONGER, longer_repeats, longer_training
from vistok.grid.study import Study
from vistok.sources import source_digest
from vistok.steps.train_ibq import Start, train_tokenizer


def run(study: Study) -> None:
    """Writes `checkpoints/<scale>/ett/ibq-longer`: its last weights, how much of its codebook is in use, and curves.

    Raises:
        VistokError: the scale has no such tokenizer, it or its perceptual net is missing, or its loss is no number.
    """
    size, code, job = longer_training(study), source_digest(__name__), study.scale.job("tune-mllm")
    continued = Start(IBQ, longer_spec(study), longer_repeats(study))
    train_tokenizer(study, LONGER, size, code=code, start=continued, job=job)
