"""Loads a study's tokenizers: the scale's own, published ones, or those of a local file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vistok.chain.checkpoints import check_tokenizer, forget_state
from vistok.checkpoints import load_tensors, read_tensors
from vistok.grid.paths import Paths
from vistok.grid.runs import Pretrained, Run
from vistok.grid.study import Study
from vistok.headers import WEIGHTS
from vistok.provenance import check_whole
from vistok.supervision.heads import Heads, behind_norm, read_heads
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.tap import read_at
from vistok.tokenizers.weights import load_tokenizer


def load_study_tokenizer(study: Study, pretrained: Pretrained) -> VisualTokenizer:
    """Returns a tokenizer with its weights: the scale's own of a seed, or as published, which has no seed.

    Raises:
        VistokError: its checkpoint is missing, was changed, or is not the one that the study names.
    """
    paths = Paths(study)
    checkpoint = paths.own_tokenizer(pretrained)
    if checkpoint and study.second_system_folder(pretrained.tokenizer):
        return _load_second_system(study, pretrained, checkpoint)
    if checkpoint:
        check_tokenizer(study, pretrained)
        forget_state(paths, checkpoint)
    return load_tokenizer(study.encoder(pretrained.tokenizer), checkpoint=checkpoint, data_root=paths.data)


def _load_second_system(study: Study, pretrained: Pretrained, folder: Path) -> VisualTokenizer:
    """Returns a tokenizer that a second system's own step has made."""
    check_whole(folder)
    forget_state(Paths(study), folder)
    tokenizer = build_tokenizer(study.encoder(pretrained.tokenizer))
    load_tensors(tokenizer.trunk, read_tensors(folder / WEIGHTS), source=folder)
    return tokenizer


def load_teacher(study: Study, pretrained: Pretrained) -> VisualTokenizer:
    """Returns a tokenizer to learn from: behind its final norm (FD code), which tokenizers alone do not keep."""
    if study.pretrains(pretrained.tokenizer):
        return behind_norm(load_study_tokenizer(study, pretrained), load_heads(study, pretrained))
    encoder = study.encoder(pretrained.tokenizer).model_copy(update={"final_norm": True})
    return load_tokenizer(encoder, checkpoint=None, data_root=Paths(study).data)


def load_tapped(study: Study, run: Run) -> VisualTokenizer:
    """Returns the tokenizer of a run with its weights, read where the run's recipe reads it.

    Raises:
        VistokError: as `load_study_tokenizer` does, or it has no blocks of which one could be left out.
    """
    encoder, tap = study.tapped(run), study.recipe(run.recipe).tap
    normed = encoder.final_norm and not study.encoder(run.tokenizer).final_norm
    load = load_teacher if normed else load_study_tokenizer
    return read_at(load(study, run.pretrained), encoder, tap.block)


def load_heads(study: Study, pretrained: Pretrained) -> Heads:
    """Returns what the pretraining of a tokenizer learnt besides; its checkpoint has been checked before."""
    return read_heads(Paths(study).pretrained(pretrained))


def load_roles(study: Study, pretrained: Pretrained) -> dict[str, Any]:
    """Returns what a pretraining is made from, as `Setup` names it: tokenizers by their roles, and their heads."""
    entries = study.tokenizer(pretrained.tokenizer).roles.items()
    roles = {role: Pretrained(tokenizer=name, seed=pretrained.seed) for role, name in entries}
    load: dict[str, Callable[[Study, Pretrained], VisualTokenizer]] = {"teacher": load_teacher}
    tokenizers = {role: load.get(role, load_study_tokenizer)(study, made) for role, made in roles.items()}
    heads = {role: load_heads(study, made) for role, made in roles.items() if study.pretrains(made.tokenizer)}
    return {**tokenizers, "heads": heads}
