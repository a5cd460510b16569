"""Assembles an MLLM from the checkpoints of its parts, for training and for answering."""

from collections.abc import Collection
from typing import Any

from torch import Tensor

from vistok.chain.checkpoints import check_mllm, forget_state
from vistok.checkpoints import digest_tensors, load_tensors, read_config, read_tensors
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.fields import Part
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.headers import WEIGHTS
from vistok.mllm.model import MultimodalModel
from vistok.steps.language_model import load_llm
from vistok.steps.tokenizer import load_tapped


def assemble(study: Study, run: Run) -> MultimodalModel:
    """Returns an MLLM before training.

    Raises:
        VistokError: a part is missing, was changed, or is not the one that the study names.
    """
    recipe = study.recipe(run.recipe)
    llm = load_llm(study, run.llm, single_precision="llm" in recipe.trains)
    tokenizer = load_tapped(study, run)
    return MultimodalModel(tokenizer, llm, recipe.connector, trains=recipe.trains)


def follow(study: Study, run: Run, model: MultimodalModel) -> None:
    """Loads the connector of the training that an MLLM's recipe follows, if any.

    The projection stays new for another language model, because it maps to the words of one, and for a recipe that
    trains nothing else of the connector.

    Raises:
        VistokError: that checkpoint is missing, was changed, or is not the one that the study names.
    """
    before = study.followed(run)
    if before is None:
        return
    check_mllm(study, before)
    folder = Paths(study).mllm(before)
    forget_state(Paths(study), folder)
    inherited = set(model.tensors_of("connector"))
    if before.llm != run.llm or study.recipe(run.recipe).connector.made_elsewhere:
        inherited.difference_update(model.projection_tensors())
    tensors = {name: tensor for name, tensor in read_tensors(folder / WEIGHTS).items() if name in inherited}
    load_tensors(model, tensors, source=folder, names=inherited)


def load_trained(study: Study, run: Run) -> MultimodalModel:
    """Returns an MLLM as its recipe has trained it.

    Raises:
        VistokError: its checkpoint or one of its parts is missing, was changed, or is not the one that the study
            names.
    """
    check_mllm(study, run)
    model, folder = assemble(study, run), Paths(study).mllm(run)
    forget_state(Paths(study), folder)
    stored = stored_tensors(study, run, model)
    load_tensors(model, read_tensors(folder / WEIGHTS), source=folder, names=stored)
    expected, frozen = read_config(folder).get("frozen"), frozen_digests(model, stored)
    if expected != frozen:
        raise VistokError(
            f"{folder} was trained with other weights than are loaded now: {_others(expected, frozen)}. Bring "
            "back those that it was trained with, or delete it and train it again with snakemake."
        )
    return model


def stored_tensors(study: Study, run: Run, model: MultimodalModel) -> dict[str, Tensor]:
    """Returns the tensors of a run's checkpoint: the trained ones, and random weights, which only it stores."""
    stored = model.trained_tensors()
    if not study.pretrains(run.tokenizer) and study.encoder(run.tokenizer).weights == "random":
        stored |= model.tensors_of("tokenizer")
    return stored


def frozen_digests(model: MultimodalModel, stored: Collection[str]) -> dict[str, str]:
    """Returns the digest of each part that a checkpoint does not hold, and of the vocabulary."""
    parts: tuple[Part, ...] = ("tokenizer", "llm")
    digests: dict[str, str] = {
        part: digest_tensors(
            {name: tensor for name, tensor in model.tensors_of(part).items() if name not in stored}
        )
        for part in parts
    }
    return digests | {"words": digest_value(model.llm.words.tokenizer.get_vocab())}


def _others(before: Any, now: dict[str, str]) -> str:
    expected = before if isinstance(before, dict) else {}
    return ", ".join(
        part for part in sorted(expected.keys() | now.keys()) if expected.get(part) != now.get(part)
    )
