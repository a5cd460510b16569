"""Loads a study's tokenizers: the scale's own, published ones, or those of a local file."""

from vistok.chain.checkpoints import check_tokenizer, forget_state
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Pretrained
from vistok.tokenizers.base import VisualTokenizer
from vistok.tokenizers.weights import load_tokenizer


def load_study_tokenizer(study: Study, wanted: Pretrained) -> VisualTokenizer:
    """Returns a tokenizer with its weights: the scale's own of a seed, or as published, which has no seed.

    Raises:
        VistokError: its checkpoint is missing, was changed, or is not the one that the study names.
    """
    paths = Paths(study)
    checkpoint = paths.pretrained(wanted) if study.pretrains(wanted.tokenizer) else None
    if checkpoint:
        check_tokenizer(study, wanted)
        forget_state(paths, checkpoint)
    return load_tokenizer(study.encoder(wanted.tokenizer), checkpoint=checkpoint, data_root=paths.data)


def load_teacher(study: Study, wanted: Pretrained) -> VisualTokenizer:
    """Returns a tokenizer to learn from: behind its final norm (FD code), which the scale's own do not keep."""
    if study.pretrains(wanted.tokenizer):
        return load_study_tokenizer(study, wanted)
    encoder = study.encoder(wanted.tokenizer).model_copy(update={"final_norm": True})
    return load_tokenizer(encoder, checkpoint=None, data_root=Paths(study).data)
