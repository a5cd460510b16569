"""What each step's result depends on in the study: an edit reruns the steps whose specs it changes.

A field of a value counts unless it is marked (grid/marks.py) as words, or as what changes no result.
"""

from collections.abc import Sequence
from typing import Any

from vistok.files import digest_value
from vistok.grid.labels import labels_of
from vistok.grid.marks import GATE, LABEL, LOADED, MADE, SCORING, Mark, counted, marked
from vistok.grid.released_models import ReleasedModel
from vistok.grid.runs import Pretrained, Released, Run, Subject
from vistok.grid.study import Study
from vistok.grid.tables import ReleasedRow, Row

Spec = dict[str, Any]


def spec_digest(spec: Spec) -> str:
    """Returns a short digest of a spec, for a workflow to compare."""
    return digest_value(spec)[:16]


def world_spec(study: Study) -> Spec:
    """Returns what the making of a scale's own data depends on."""
    return {"world": study.scale.world}


def shards_spec(study: Study, image_set: str) -> Spec:
    """Returns what the shards of an image set depend on."""
    return {"image_set": counted(study.image_set(image_set))}


def tokenizer_spec(study: Study, pretrained: Pretrained) -> Spec:
    """Returns what a tokenizer is: how it is pretrained where the scale does so, else what is loaded."""
    entry, scale = study.tokenizer(pretrained.tokenizer), study.scale
    if not study.pretrains(entry.id) or entry.objective is None:
        return {"encoder": counted(entry.encoder, LOADED)}
    return {
        **counted(entry, MADE),
        "seed": pretrained.seed,
        "encoder": counted(study.encoder(entry.id)),
        **{role: _made_from(study, name) for role, name in entry.roles.items()},
        "pretraining": counted(study.pretraining(entry.id)),
        "precision": scale.precision,
        "probe_set": scale.probe_set,
        "gated": study.is_gated(entry.id),
    }


def _made_from(study: Study, tokenizer: str) -> Spec:
    """Returns what decides a base, a teacher or a proposer; where this scale makes it, its checkpoint says the rest."""
    return {"tokenizer": tokenizer, "encoder": _encoder(study, tokenizer)}


def _encoder(study: Study, tokenizer: str) -> Spec:
    encoder = study.encoder(tokenizer)
    return counted(encoder) if study.pretrains(tokenizer) else counted(encoder, LOADED)


def llm_spec(study: Study, llm: str) -> Spec:
    """Returns what a language model is: how it is trained where the scale does so, else what is loaded."""
    entry, size = study.llm(llm), study.language_model_size(llm)
    if size is None:
        return counted(entry, LOADED)
    stages = counted(size)
    first, second = stages.pop("pretraining"), stages.pop("instruction_tuning")
    vocabulary = [first["corpus"], second["corpus"]]
    if entry.base is None:
        del stages["short_answer_weight"], stages["gate"]
    return {
        **counted(entry, MADE),
        "size": stages,
        "vocabulary": vocabulary,
        "stage": second if entry.base else first | ({"steps": 0} if entry.random else {}),
    }


def mllm_spec(study: Study, run: Run) -> Spec:
    """Returns what the training of an MLLM depends on; where it has a tokenizer's loss, the cut of its batches, too."""
    scale, recipe = study.scale, study.recipe(run.recipe)
    return {
        "encoder": _encoder(study, run.tokenizer),
        "recipe": counted(recipe),
        "seed": run.seed,
        "llm": None if scale.language_model else counted(study.llm(run.llm), LOADED),
        "mixture": [[name, scale.places.get(name, 1)] for name in scale.mixture],
        "precision": scale.precision,
        **(cut_spec(study) if recipe.tokenizer_loss else {}),
    }


def cut_spec(study: Study) -> Spec:
    """Returns how many positions are seen together, which decides some terms of a tokenizer's loss; nothing if all."""
    positions = study.scale.job("tune-mllm").positions
    return {"positions": positions} if positions else {}


def task_spec(study: Study, task: str, *marks: Mark) -> Spec:
    """Returns what asking a task's questions depends on; with `SCORING` marked, scoring their answers, too."""
    files = study.task_files(task)
    return {
        **counted(study.task(task), *marks),
        "files": counted(files, *marks) if files else None,
        "missing_images": study.scale.missing_images,
    }


def answer_spec(study: Study, suite: str, subject: Subject | None = None) -> Spec:
    """Returns what the answers of a run or a released model to a suite depend on besides its checkpoints."""
    tasks = {task.id: task_spec(study, task.id) for task in study.suite(suite)}
    spec = {"tasks": tasks, "answer_batch": study.scale.answer_batch}
    if isinstance(subject, Released):
        entry = study.models_study.released_model(subject.model)
        spec |= {"released": counted(entry), "precision": study.models_study.scale.precision}
    return spec


def answer_blind_spec(study: Study, llm: str, suite: str) -> Spec:
    """Returns what a language model's answers to a suite without the image depend on besides its checkpoint."""
    models_study = study.models_study
    return {
        **answer_spec(study, suite),
        "llm": None if models_study.scale.language_model else counted(models_study.llm(llm), LOADED),
        "precision": models_study.scale.precision,
    }


def score_spec(study: Study, suite: str) -> Spec:
    """Returns what a suite's scores, the blind baselines' included, depend on besides the answers."""
    return {
        "tasks": {task.id: task_spec(study, task.id, SCORING) for task in study.suite(suite)},
        "bootstrap_resamples": study.scale.bootstrap_resamples,
    }


def table_spec(study: Study, table: str) -> Spec:
    """Returns what a rendered table depends on besides its cells: all words that it may print."""
    entry, models_study = study.table(table), study.models_study
    rows = study.rows(table)
    made = [row for row in rows if isinstance(row, Row)]
    released = [study.released_model(row.model) for row in entry.rows if isinstance(row, ReleasedRow)]
    tokenizers = dict.fromkeys(row.tokenizer for row in made)
    return {
        "table": counted(entry),
        "labels": [labels_of(study, entry, row) for row in rows],
        "unanswered": [study.unanswered(row) for row in rows],
        "bounds": [counted(row) for row in study.bounds(table)],
        "tasks": {task: marked(study.task(task), LABEL, SCORING) for task in entry.tasks},
        "tokenizers": {
            name: {**marked(study.tokenizer(name), GATE, LABEL), "pretrained": models_study.pretrains(name)}
            for name in tokenizers
        },
        "recipes": {row.recipe: marked(study.recipe(row.recipe), LABEL) for row in made},
        "llms": {row.llm: marked(study.llm(row.llm), LABEL) for row in made},
        "released": {model.id: marked(model, LABEL) for model in released},
        "sizes": [*(_made_of(models_study, row) for row in made), *map(_size_of, released)]
        if entry.sizes
        else [],
        "tolerance": study.scale.published_tolerance,
        "own_data": study.scale.world is not None,
        "own_models": [
            models_study.scale.id,
            bool(models_study.scale.encoders),
            bool(models_study.scale.language_model),
        ],
    }


def _size_of(model: ReleasedModel) -> Spec:
    return {"parameters_m": model.parameters_m, "visual_tokens": model.visual_tokens}


def _made_of(models_study: Study, row: Row) -> Spec:
    """Returns what decides the counts of a row's parts: their shapes, of which tests hold the numbers."""
    if not models_study.answers(row):
        return {}
    run = row.subjects[0]
    return {
        "encoder": counted(models_study.tapped(run)),
        "stages": [counted(models_study.recipe(stage.recipe)) for stage in models_study.stages([run])],
        "llm": llm_spec(models_study, row.llm),
    }


def page_spec(study: Study) -> Spec:
    """Returns what the page of a study depends on besides its tables, figures, answers and scores."""
    return {
        "tables": {table: table_spec(study, table) for table in study.tables},
        "subjects": [subject.path for subject in study.subjects()],
        "labels": {task.id: task.label for task in study.answered_tasks()},
        "questions_shown": study.scale.questions_shown,
    }


def curves_spec(study: Study, table: str) -> Spec:
    """Returns what the drawing of a table's trainings and of its tokenizers' probes depends on."""
    models_study = study.models_study
    return {
        "runs": [run.path for run in study.runs(table)],
        "number": study.table(table).number,
        "ceilings": [counted(models_study.encoder(name)) for name in models_study.scale.ceilings.values()],
        "probe_set": models_study.scale.probe_set,
    }


def benchmark_spec(study: Study) -> Spec:
    """Returns what the counts of a benchmark's questions depend on."""
    return {task.id: task_spec(study, task.id, LABEL, SCORING) for task in study.answered_tasks()}


def attention_spec(study: Study, runs: Sequence[Run]) -> Spec:
    """Returns what the drawing of some runs' attention depends on."""
    models_study = study.models_study
    return {
        "labels": [models_study.tokenizer(run.tokenizer).label for run in runs],
        "runs": [mllm_spec(models_study, run) for run in runs],
        "images": study.scale.attention_images,
    }


def compared_spec(study: Study, runs: Sequence[Run]) -> Spec:
    """Returns what the drawing of some runs' answers beside each other depends on."""
    return {
        "runs": {run.path: study.models_study.tokenizer(run.tokenizer).label for run in runs},
        "tasks": {task.id: task_spec(study, task.id, LABEL) for task in study.answered_tasks()},
    }
