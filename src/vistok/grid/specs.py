"""The slice of the study that each step uses: what a step is given, and what its rerun depends on.

A step reads nothing of the study but its slice, so that an edit reruns the steps whose slices it changes.
"""

from typing import Any

from vistok.files import digest_value
from vistok.grid.load import Study
from vistok.grid.values import Run, Value

Spec = dict[str, Any]


def spec_digest(spec: Spec) -> str:
    return digest_value(spec)[:16]


def world_spec(study: Study) -> Spec:
    return {"world": study.scale.world}


def shards_spec(study: Study, image_set: str) -> Spec:
    return {"image_set": _plain(study.scale.image_sets[image_set])}


def tokenizer_spec(study: Study, tokenizer: str) -> Spec:
    """Returns what the pretraining of a tokenizer depends on."""
    entry = study.tokenizer(tokenizer)
    pretraining = study.scale.pretraining[entry.objective] if entry.objective else None
    return {
        "encoder": _plain(study.encoder(tokenizer)),
        "objective": entry.objective,
        "image_set": entry.image_set,
        "pretraining": pretraining and _plain(pretraining),
        "probe_set": study.scale.probe_set,
        "probe_gate": study.scale.probe_gate.get(entry.objective) if entry.objective else None,
        "save_every": study.scale.save_every,
    }


def llm_spec(study: Study, llm: str) -> Spec:
    """Returns what the training of a scale's own language model depends on."""
    entry, size = study.llm(llm), study.scale.language_model
    stage = size and (size.instruction_tuning if entry.base else size.pretraining)
    return {
        "weights": entry.weights,
        "base": entry.base,
        "size": size and {name: getattr(size, name) for name in ("width", "layers", "heads", "feedforward", "context")},
        "corpora": size and [size.pretraining.corpus, size.instruction_tuning.corpus],
        "stage": stage and _plain(stage),
        "gate": size.gate if size and entry.base else {},
        "save_every": study.scale.save_every,
    }


def mllm_spec(study: Study, run: Run) -> Spec:
    """Returns what the training of an MLLM depends on."""
    recipe = _plain(study.recipe(run.recipe))
    for words in ("id", "label", "sources"):
        del recipe[words]
    return {
        "encoder": _plain(study.encoder(run.tokenizer)),
        "recipe": recipe,
        "seed": run.seed,
        "llm": None if study.scale.language_model else study.llm(run.llm).weights,
        "mixture": list(study.scale.mixture),
        "precision": study.scale.precision,
        "save_every": study.scale.save_every,
    }


def task_spec(study: Study, task: str) -> Spec:
    """Returns what asking a task's questions depends on."""
    entry, files = study.task(task), study.task_files(task)
    return {
        "kind": entry.kind,
        "prompt": entry.prompt,
        "decoding": _plain(entry.decoding),
        "files": files and _plain(files),
        "missing_images": study.scale.missing_images,
        "data_root": study.scale.data_root,
    }


def answer_spec(study: Study) -> Spec:
    return {
        "tasks": {task.id: task_spec(study, task.id) for task in study.suite()},
        "answer_batch": study.scale.answer_batch,
    }


def score_spec(study: Study) -> Spec:
    return {
        "tasks": {
            task.id: task_spec(study, task.id) | {"protocols": list(task.protocols), "metric": task.metric}
            for task in study.suite()
        },
        "bootstrap_resamples": study.scale.bootstrap_resamples,
    }


def table_spec(study: Study, table: str) -> Spec:
    """Returns what a rendered table depends on besides its cells."""
    entry = study.table(table)
    return {
        "table": _plain(entry),
        "tasks": {column.task: _plain(study.task(column.task)) for column in entry.columns},
        "tokenizers": {row.tokenizer: _plain(study.tokenizer(row.tokenizer)) for row in entry.rows},
        "recipes": {row.recipe: study.recipe(row.recipe).label for row in entry.rows},
    }


def _plain(value: Value) -> Spec:
    return value.model_dump(mode="json")
