"""Which files below a data root a study reads: what must be fetched, checked and planned for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from vistok.grid.runs import Released, Run, Subject, runs_among
from vistok.grid.study import Study

WEIGHTS_OF: Final = "weights-of-"


def image_sets(study: Study, subjects: Iterable[Subject]) -> list[str]:
    """Returns the image sets that runs are trained on, their tokenizers' own pretraining included."""
    runs = runs_among(subjects)
    names = list(study.scale.mixture) if runs else []
    for tokenizer in study.lineage(run.tokenizer for run in runs):
        if study.pretrains(tokenizer) and (name := study.tokenizer(tokenizer).image_set):
            names += [name, *([study.scale.probe_set] if study.scale.probe_set else [])]
    return list(dict.fromkeys(names))


def tokenizer_weights(study: Study, tokenizer: str) -> str | None:
    """Returns the file or folder that a tokenizer is loaded from; None where it is published or made here."""
    weights = study.encoder(tokenizer).weights
    made = study.pretrains(tokenizer) or study.second_system_folder(tokenizer)
    return None if made or weights in ("published", "random") else weights


def weight_names(study: Study, subjects: Iterable[Subject]) -> list[str]:
    """Returns what the weights are listed as that some subjects start from, and that the scale does not make itself."""
    subjects = list(subjects)
    runs = runs_among(subjects)
    tokenizers = [
        tokenizer_weights_name(study, name) for name in study.lineage(run.tokenizer for run in runs)
    ]
    llms = [] if study.scale.language_model else [llm_weights_name(run.llm) for run in study.stages(runs)]
    models = [model_weights_name(subject.model) for subject in subjects if isinstance(subject, Released)]
    return [name for name in dict.fromkeys([*tokenizers, *llms, *models]) if name]


def run_weight_names(study: Study, run: Run) -> list[str]:
    """Returns which of `weight_names` one run's own parts are loaded from."""
    llm = [] if study.scale.language_model else [llm_weights_name(run.llm)]
    tokenizer = tokenizer_weights_name(study, run.tokenizer)
    return ([tokenizer] if tokenizer else []) + llm


def tokenizer_weights_name(study: Study, tokenizer: str) -> str | None:
    """Returns what a tokenizer's weights are listed as; None where they are made here or random."""
    own = study.pretrains(tokenizer) or study.second_system_folder(tokenizer)
    made = own or study.encoder(tokenizer).weights == "random"
    return None if made else f"{WEIGHTS_OF}tokenizers/{tokenizer}"


def llm_weights_name(llm: str) -> str:
    """Returns what a language model's published weights are listed as."""
    return f"{WEIGHTS_OF}llms/{llm}"


def model_weights_name(model: str) -> str:
    """Returns what a released model's weights are listed as."""
    return f"{WEIGHTS_OF}models/{model}"


def question_files(study: Study) -> list[str]:
    """Returns the files and folders that the tasks of a study read."""
    names: list[str] = []
    for task in study.answered_tasks():
        if files := study.task_files(task.id):
            names += [*files.images, *files.named]
    return list(dict.fromkeys(names))


def absent_questions(study: Study, task: str) -> str | None:
    """Returns why no question of a task is asked at a scale that asks only what is there; None if some may be."""
    files, root = study.task_files(task), Path(study.scale.data_root)
    if files is None or study.scale.missing_images == "error":
        return None
    named = [name for name in (files.questions, files.references) if name]
    absent = [name for name in named if not (root / name).exists()]
    return f"not in the data root: {', '.join(absent)}" if absent else None


def absent_photographs(study: Study, task: str) -> str | None:
    """Returns why no photograph of a task can be there at a scale that asks only what is there; None if some may be."""
    files, root = study.task_files(task), Path(study.scale.data_root)
    if files is None or study.scale.missing_images == "error":
        return None
    absent = all(is_absent(root / folder) for folder in files.images)
    return f"no photographs in {', '.join(files.images)}" if absent else None


def is_absent(path: Path) -> bool:
    """Returns whether nothing is at `path`, or a folder that holds nothing."""
    return not any(path.iterdir()) if path.is_dir() else not path.is_file()


def training_files(study: Study, subjects: Iterable[Subject]) -> list[str]:
    """Returns the files and folders that the trainings of some runs read."""
    runs = runs_among(subjects)
    names: list[str] = []
    for name in image_sets(study, runs):
        entry = study.image_set(name)
        names += [entry.images, *entry.files]
    tokenizers = study.lineage(run.tokenizer for run in runs)
    names += [weights for name in tokenizers if (weights := tokenizer_weights(study, name))]
    return list(dict.fromkeys(names))
