"""Puts the parts of an MLLM together from their checkpoints, for training and for answering."""

from pathlib import Path

from vistok.checkpoints import WEIGHTS, load_tensors, read_tensors
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.grid.values import Run
from vistok.mllm.model import MultimodalModel
from vistok.steps.language_model import load_llm
from vistok.tokenizers.weights import load_tokenizer


def parts(study: Study, run: Run) -> list[Path]:
    """Returns the checkpoints of this project that an MLLM is made of."""
    paths = Paths(study)
    llm = [paths.llm(run.llm)] if study.scale.language_model else []
    return llm + ([paths.tokenizer(run.tokenizer)] if study.pretrains(run.tokenizer) else [])


def assemble(study: Study, run: Run) -> MultimodalModel:
    """Returns an MLLM with an untrained connector."""
    paths = Paths(study)
    llm = load_llm(study, run.llm)
    checkpoint = paths.tokenizer(run.tokenizer) if study.pretrains(run.tokenizer) else None
    tokenizer = load_tokenizer(study.encoder(run.tokenizer), checkpoint=checkpoint, data_root=paths.data)
    recipe = study.recipe(run.recipe)
    return MultimodalModel(tokenizer, llm, recipe.connector, tune_tokenizer=recipe.tune_tokenizer)


def load_trained(study: Study, run: Run) -> MultimodalModel:
    """Returns an MLLM as its recipe has trained it.

    Raises:
        VistokError: its checkpoint is missing, or is of another architecture.
    """
    model = assemble(study, run)
    folder = Paths(study).mllm(run)
    kept = ("connector.", "tokenizer.") if model.tune_tokenizer else ("connector.",)
    load_tensors(model, read_tensors(folder / WEIGHTS), source=folder, only=kept)
    return model
