"""Every helper of the rules: the study, its paths, and the digests that decide what reruns."""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(workflow.basedir, "src"))

from vistok.errors import VistokError
from vistok.grid import specs
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.pins import PINS, pinned_digest
from vistok.sources import source_digest

for key in sorted(set(config) - {"scale", "split", "data_root"}):
    raise WorkflowError(f"unknown config key {key!r}. Legal: scale, split, data_root.")

try:
    STUDY = load_study(config["scale"], split=config["split"], data_root=config["data_root"])
    MODELS = STUDY if STUDY.scale.models == STUDY.scale.id else load_study(STUDY.scale.models)
    RUNS = STUDY.runs()
except VistokError as error:
    raise WorkflowError(str(error)) from None

PATHS = Paths(STUDY)
RESULTS = STUDY.results_id
SCALE = MODELS.scale.id
MODEL_OPTIONS = f"--scale {SCALE}"
OPTIONS = f"--scale {STUDY.scale.id} --split {STUDY.split}" + (
    f" --data-root {str(config['data_root'])!r}" if config["data_root"] else ""
)
RUN_PATTERN = "{tokenizer}/{recipe}/{llm}/seed-{seed}"
TABLE_FORMATS = ("csv", "md", "tex", "html")
SUITE = [task.id for task in STUDY.suite()]

# Jobs find `vistok` beside this snakemake, and never ask a model hub.
shell.prefix(f"export PATH={os.path.dirname(sys.executable)!r}:$PATH HF_HUB_OFFLINE=1; ")


wildcard_constraints:
    tokenizer="|".join(MODELS.tokenizers),
    llm="|".join(MODELS.llms),
    recipe="|".join(MODELS.recipes),
    seed=r"\d+",
    image_set="|".join(MODELS.scale.image_sets) or "none",
    table="|".join(STUDY.tables),


def source(step):
    """Returns the digest of a step's own code and of all the package code that it imports."""
    return source_digest(f"vistok.steps.{step}")


def data_digest(study):
    """Returns the pinned digest of a scale's data: data is judged by content, never by its time."""
    return pinned_digest(PINS, Path(study.scale.data_root))


def data_files(study):
    """Returns what a step that reads official files waits for: the world's data where the scale makes it."""
    return [ancient(study.scale.data_root)] if study.scale.world else []


def run_of(wildcards):
    """Returns the run that a job's wildcards name."""
    return MODELS.run(RUN_PATTERN.format(**wildcards))


def run_files(name):
    """Returns one file of this name for each task of one run."""
    return [f"results/{RESULTS}/{RUN_PATTERN}/{task}/{name}" for task in SUITE]


def base_of(llm):
    """Returns the language model that this one is tuned from, if any."""
    base = MODELS.llm(llm).base
    return [f"checkpoints/{SCALE}/llms/{base}"] if base else []


def parts_of(run):
    """Returns the checkpoints that one run's MLLM is made of, where the scale makes them."""
    llm = [f"checkpoints/{SCALE}/llms/{run.llm}"] if MODELS.scale.language_model else []
    pretrained = MODELS.pretrains(run.tokenizer)
    return llm + ([f"checkpoints/{SCALE}/tokenizers/{run.tokenizer}"] if pretrained else [])


def mixture():
    """Returns the shards that MLLMs are trained on."""
    return [f"shards/{SCALE}/{image_set}" for image_set in MODELS.scale.mixture]


def table_metrics(wildcards):
    """Returns the metrics of every cell of a table, and of its blind baselines."""
    columns = [column.task for column in STUDY.table(wildcards.table).columns]
    cells = [PATHS.metrics(run, task) for run in STUDY.runs(wildcards.table) for task in columns]
    return [str(path) for path in cells + [PATHS.blind(task) for task in columns]]


def trainings(wildcards):
    """Returns every checkpoint that was trained for a table."""
    runs = STUDY.runs(wildcards.table)
    mllms = [f"checkpoints/{SCALE}/mllms/{run.path}" for run in runs]
    return sorted({part for run in runs for part in parts_of(run)}) + mllms


def table_files():
    """Returns every rendered table of the study, and the curves of its trainings."""
    tables = [str(PATHS.table(table, suffix)) for table in STUDY.tables for suffix in TABLE_FORMATS]
    return tables + [f"paper_tables/{RESULTS}/{table}-curves.png" for table in STUDY.tables]
