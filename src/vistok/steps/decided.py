"""Everything that decides the result of a training, without importing torch, so that finished work is found quickly."""

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vistok.chain.checkpoints import forget_state, parts
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.kinds import SCORING, module_of, task_kind_modules
from vistok.grid.modules_of import tuning_modules
from vistok.grid.needs import run_weight_names, tokenizer_weights_name
from vistok.grid.paths import Paths
from vistok.grid.runs import Pretrained, Run
from vistok.grid.specs import llm_spec, mllm_spec, tokenizer_spec
from vistok.grid.study import Study
from vistok.locks import only_writer
from vistok.planning.foreign import weight_digests
from vistok.planning.listed import check_listed, corpus_names
from vistok.provenance import is_finished
from vistok.sources import source_digest
from vistok.steps.inputs import input_digests
from vistok.training.processes import is_first, join


@dataclass(frozen=True)
class Decided:
    """Everything that decides the result of a training.

    Attributes:
        out: the folder of its checkpoint.
        inputs: the digest of each input.
        code: the digest of its code.
    """

    out: Path
    inputs: Mapping[str, str]
    code: str

    @property
    def identity(self) -> str:
        """The digest of everything above."""
        return digest_value([self.inputs, self.code])


def _step(verb: str) -> str:
    """Returns the module of a step; its whole name in a string would count as an import, and all three as one."""
    return module_of("steps", verb)


def decide_tuning(study: Study, run: Run) -> Decided:
    """Returns everything that decides an MLLM.

    Raises:
        VistokError: a part, a set of shards or a digest of weights is missing or wrong.
    """
    paths = Paths(study)
    shards = [paths.shards(name) for name in study.scale.mixture]
    inputs = input_digests([*parts(study, run), *shards]) | {"spec": digest_value(mllm_spec(study, run))}
    inputs |= weight_digests(study, run_weight_names(study, run))
    modules = tuning_modules(study, run.path)
    return Decided(paths.mllm(run), inputs, source_digest(_step("tune-mllm"), *modules, without=SCORING))


def decide_pretraining(study: Study, pretrained: Pretrained) -> Decided:
    """Returns what decides a pretrained tokenizer.

    Raises:
        VistokError: the scale takes this tokenizer as published; or what it is made from, its shards or a digest of
            weights is missing or wrong.
    """
    paths, entry = Paths(study), study.tokenizer(pretrained.tokenizer)
    if not study.pretrains(pretrained.tokenizer) or entry.objective is None or entry.image_set is None:
        raise VistokError(
            f"the scale {study.scale.id!r} takes {pretrained.tokenizer!r} as published: nothing to pretrain."
        )
    made_from = [paths.pretrained(part) for part in study.made_from(pretrained)]
    inputs = input_digests([*made_from, paths.shards(entry.image_set)])
    inputs |= {"spec": digest_value(tokenizer_spec(study, pretrained))}
    foreign = [tokenizer_weights_name(study, name) for name in entry.made_from]
    inputs |= weight_digests(study, [name for name in foreign if name])
    return Decided(paths.pretrained(pretrained), inputs, source_digest(_step("pretrain-tokenizer")))


def decide_text_training(study: Study, llm: str) -> Decided:
    """Returns what decides a language model of a scale that makes its own.

    Raises:
        VistokError: the scale takes published models; or its corpus or base is missing, or has changed since it was
            listed.
    """
    size, base, paths = study.language_model_size(llm), study.llm(llm).base, Paths(study)
    if size is None:
        raise VistokError(
            f"the scale {study.scale.id!r} takes {study.llm(llm).weights} as published: nothing to train."
        )
    check_listed(study, corpus_names(study))
    stage = size.instruction_tuning if base else size.pretraining
    before, corpus = [paths.llm(base)] if base else [], paths.data / stage.corpus
    inputs = input_digests([*before, corpus]) | {"spec": digest_value(llm_spec(study, llm))}
    taught = task_kind_modules(study.taught_kinds())
    return Decided(paths.llm(llm), inputs, source_digest(_step("train-llm"), *taught, without=SCORING))


TRAININGS: Final[Mapping[str, Callable[[Study, Any], Decided]]] = {
    "pretrain-tokenizer": decide_pretraining,
    "train-llm": decide_text_training,
    "tune-mllm": decide_tuning,
}


def is_done(study: Study, verb: str, of: Any) -> bool:
    """Returns whether a training is finished, and says so; its output is locked meanwhile.

    Raises:
        VistokError: another process is at it, or what it starts from is missing or wrong.
    """
    what = TRAININGS[verb](study, of)
    join()
    with only_writer(what.out) if is_first() else nullcontext():
        return is_finished(what.out, what.identity) and report_finished(Paths(study), what.out)


def report_finished(paths: Paths, out: Path) -> bool:
    """Reports a finished training, from one process only, and removes its state; returns True."""
    if is_first():
        forget_state(paths, out)
        print(f"vistok: {out} is finished, complete and of this study: nothing to do.", file=sys.stderr)
    return True
