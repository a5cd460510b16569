"""Checks that a checkpoint is complete, and is the one that the study needs: by name, spec and parts."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.paths import Paths
from vistok.grid.runs import Pretrained, Run
from vistok.grid.specs import llm_spec, mllm_spec, tokenizer_spec
from vistok.grid.study import Study
from vistok.headers import read_metadata
from vistok.provenance import check_whole, content_digest, read_provenance

STATE = "state.safetensors"
IN_WORKFLOW: Final = "VISTOK_WORKFLOW"  # set for jobs that snakemake starts
Spec = dict[str, Any]


def check_llm(study: Study, llm: str) -> str:
    """Checks the checkpoint of a language model that the scale makes, and returns the digest of its content.

    Raises:
        VistokError: it is missing, changed, or not of this model as the study now has it.
    """
    paths, base = Paths(study), study.llm(llm).base
    return _check(paths, paths.llm(llm), llm_spec(study, llm), [paths.llm(base)] if base else [])


def check_tokenizer(study: Study, pretrained: Pretrained) -> str:
    """Checks the checkpoint of a tokenizer that the scale pretrains, and returns the digest of its content.

    Raises:
        VistokError: it is missing, changed, not of this tokenizer as the study now has it, or was made from another
            base or teacher than is there now.
    """
    paths = Paths(study)
    own = [paths.pretrained(part) for part in study.made_from(pretrained)]
    return _check(paths, paths.pretrained(pretrained), tokenizer_spec(study, pretrained), own)


def check_mllm(study: Study, run: Run) -> str:
    """Checks the checkpoint of a run, and returns the digest of its content.

    Raises:
        VistokError: it is missing, changed, not of this run as the study now has it, or was trained with other
            parts than those that are there now.
    """
    paths = Paths(study)
    return _check(paths, paths.mllm(run), mllm_spec(study, run), parts(study, run))


def parts(study: Study, run: Run) -> list[Path]:
    """Returns the checkpoints that an MLLM is made of, the one whose training it continues, and its teacher's."""
    paths, before = Paths(study), study.followed(run)
    llm = [paths.llm(run.llm)] if study.scale.language_model else []
    own = paths.own_tokenizer(run.pretrained)
    tokenizer = [own] if own else []
    follows = [paths.mllm(before)] if before else []
    return [*llm, *tokenizer, *follows, *paths.teachers(run)]


def checkpoint_name(paths: Paths, folder: Path) -> str:
    """Returns what a checkpoint calls itself: its path below the checkpoints of its scale."""
    return folder.relative_to(paths.checkpoints).as_posix()


def _check(paths: Paths, folder: Path, spec: Spec, made_from: Sequence[Path]) -> str:
    about, name = check_whole(folder), checkpoint_name(paths, folder)
    if about.get("name") != name:
        raise _other(folder, f"it is that of {about.get('name')!r}, which was put in the place of {name!r}")
    if about["inputs"].get("spec") != digest_value(spec):
        raise _other(folder, "it was made under another version of its entry in the study")
    for part in made_from:
        if part.exists() and about["inputs"].get(part.as_posix()) != content_digest(read_provenance(part)):
            raise _other(folder, f"it was made from another {part} than is there now")
    return content_digest(about)


def forget_state(paths: Paths, folder: Path) -> None:
    """Removes the state of a training whose checkpoint has been found whole, in a job of the workflow.

    Nothing is removed by hand-run steps: if a training outlives its snakemake, the next one
    takes the checkpoint as incomplete, deletes it, and resumes the training from its state.
    """
    if not os.environ.get(IN_WORKFLOW):
        return
    state = paths.state(folder)
    file = state / STATE
    if file.is_file() and read_metadata(file).get("identity") == read_provenance(folder)["identity"]:
        shutil.rmtree(state, ignore_errors=True)


def _other(folder: Path, reason: str) -> VistokError:
    return VistokError(
        f"{folder} is not the checkpoint that is needed: {reason}. Delete it and make it again: "
        f"snakemake {folder} --cores 2, with the --config of its scale."
    )
