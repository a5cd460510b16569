"""What of the study each step's result depends on: an edit reruns the steps whose specs it changes.

Words (labels, sources) and what cannot change a result (how often a training saves its state) are left out.
"""

from typing import Any, Final

from vistok.files import digest_value
from vistok.grid.labels import labels_of
from vistok.grid.study import Study
from vistok.grid.values import Run, Value

Spec = dict[str, Any]
_TASK_WORDS: Final = {"label", "metric", "protocol", "protocols"}
_TOKENIZER_WORDS: Final = {"label", "supervision", "published_images", "substitute"}


def spec_digest(spec: Spec) -> str:
    """Returns a short digest of a spec, for a workflow to compare."""
    return digest_value(spec)[:16]


def world_spec(study: Study) -> Spec:
    """Returns what the making of a scale's own data depends on."""
    return {"world": study.scale.world}


def shards_spec(study: Study, image_set: str) -> Spec:
    """Returns what the shards of an image set depend on."""
    return {"image_set": _plain(study.image_set(image_set))}


def tokenizer_spec(study: Study, tokenizer: str) -> Spec:
    """Returns what the pretraining of a tokenizer depends on."""
    entry, scale = study.tokenizer(tokenizer), study.scale
    pretraining = scale.pretraining.get(entry.objective) if entry.objective else None
    return {
        "encoder": study.encoder(tokenizer).architecture,
        "objective": entry.objective,
        "image_set": entry.image_set,
        "base": _made_from(study, tokenizer, entry.base),
        "teacher": _made_from(study, tokenizer, entry.teacher),
        "pretraining": pretraining and _plain(pretraining),
        "probe_set": scale.probe_set,
        "probe_gate": scale.probe_gate.get(entry.objective) if entry.objective else None,
    }


def _made_from(study: Study, tokenizer: str, other: str | None) -> Spec | None:
    """Returns what decides a base or a teacher; where this scale makes it, its checkpoint says the rest."""
    if other is None or not study.pretrains(tokenizer):
        return None
    encoder = study.encoder(other)
    weights = None if study.pretrains(other) else encoder.weights
    return {"tokenizer": other, "encoder": encoder.architecture, "weights": weights}


def llm_spec(study: Study, llm: str) -> Spec:
    """Returns what the training of a scale's own language model depends on."""
    entry, size = study.llm(llm), study.scale.language_model
    if size is None:
        return {"weights": entry.weights}
    stage = size.instruction_tuning if entry.base else size.pretraining
    return {
        "base": entry.base,
        "size": size.model_dump(include={"width", "layers", "heads", "feedforward", "context"}),
        "vocabulary": [size.pretraining.corpus, size.instruction_tuning.corpus],
        "stage": _plain(stage),
        "short_answer_weight": size.short_answer_weight if entry.base else None,
        "gate": size.gate if entry.base else {},
    }


def mllm_spec(study: Study, run: Run) -> Spec:
    """Returns what the training of an MLLM depends on."""
    encoder, scale = study.encoder(run.tokenizer), study.scale
    return {
        "encoder": encoder.architecture,
        "weights": None if study.pretrains(run.tokenizer) else encoder.weights,
        "recipe": study.recipe(run.recipe).model_dump(mode="json", exclude={"id", "label", "sources"}),
        "seed": run.seed,
        "llm": None if scale.language_model else study.llm(run.llm).weights,
        "mixture": [[name, scale.places.get(name, 1)] for name in scale.mixture],
        "precision": scale.precision,
    }


def task_spec(study: Study, task: str) -> Spec:
    """Returns what asking a task's questions depends on."""
    entry, files = study.task(task), study.task_files(task)
    return {
        "kind": entry.kind,
        "prompt": entry.prompt,
        "decoding": _plain(entry.decoding),
        "files": files and files.model_dump(mode="json", exclude={"prior", "prior_questions"}),
        "missing_images": study.scale.missing_images,
    }


def answer_spec(study: Study, suite: str) -> Spec:
    """Returns what the answers of a run to a suite depend on besides its checkpoints."""
    return {
        "tasks": {task.id: task_spec(study, task.id) for task in study.suite(suite)},
        "answer_batch": study.scale.answer_batch,
    }


def answer_blind_spec(study: Study, llm: str, suite: str) -> Spec:
    """Returns what a language model's answers to a suite without the image depend on besides its checkpoint."""
    models = study.models
    return {
        **answer_spec(study, suite),
        "llm": None if models.scale.language_model else models.llm(llm).weights,
        "precision": models.scale.precision,
    }


def score_spec(study: Study, suite: str) -> Spec:
    """Returns what a suite's scores, the blind baselines' included, depend on besides the answers."""
    tasks = {}
    for task in study.suite(suite):
        files = study.task_files(task.id)
        tasks[task.id] = {
            **task_spec(study, task.id),
            "prior": files and files.model_dump(mode="json", include={"prior", "prior_questions"}),
            "metric": task.metric,
            "protocol": task.protocol,
            "protocols": list(task.protocols),
        }
    return {"tasks": tasks, "bootstrap_resamples": study.scale.bootstrap_resamples}


def table_spec(study: Study, table: str) -> Spec:
    """Returns what a rendered table depends on besides its cells: all words that it may print."""
    entry, models = study.table(table), study.models
    return {
        "table": _plain(entry),
        "labels": [labels_of(study, entry, row) for row in entry.rows],
        "tasks": {
            column.task: study.task(column.task).model_dump(include=_TASK_WORDS) for column in entry.columns
        },
        "tokenizers": {
            row.tokenizer: {
                **study.tokenizer(row.tokenizer).model_dump(include=_TOKENIZER_WORDS),
                "pretrained": models.pretrains(row.tokenizer),
            }
            for row in entry.rows
        },
        "recipes": {row.recipe: study.recipe(row.recipe).label for row in entry.rows},
        "llms": {row.llm: study.llm(row.llm).label for row in entry.rows},
        "tolerance": study.scale.published_tolerance,
        "own_data": study.scale.world is not None,
        "own_models": [models.scale.id, bool(models.scale.encoders), bool(models.scale.language_model)],
    }


def _plain(value: Value) -> Spec:
    return value.model_dump(mode="json")
