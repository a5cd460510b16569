"""What the rules share: the study, its files, and the digests that decide what reruns."""

import atexit
import gc
import os
import shlex
from functools import cache
from pathlib import Path

from vistok.errors import VistokError, unknown
from vistok.files import digest_file, digest_value
from vistok.grid import specs
from vistok.grid.downloads import downloads_for, load_downloads
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.planning.needs import question_files, training_files
from vistok.pins import PINS, pinned_digest
from vistok.published.tables import NUMBERS
from vistok.tables.assemble import check_tables
from vistok.sources import PACKAGE, imported_modules, source_digest
from vistok.versions.experiments import encoder_module, objective_module

# A plan of many jobs is millions of objects that live to its end: to look for garbage among them takes long, and
# longest at the end itself. What Snakemake has imported, no search need go through either.
gc.set_threshold(500_000, 20, 100)
gc.freeze()
atexit.register(gc.freeze)

# SystemExit, not Snakemake's WorkflowError: a user needs the sentence, not where in the rules it was said.
if PACKAGE.resolve().parent != Path(workflow.basedir, "src").resolve():
    raise SystemExit(
        f"vistok: this environment runs the code of {PACKAGE.parent}, not that of this checkout. "
        "Make this checkout's own: make .venv/installed, then: . .venv/bin/activate"
    )
try:
    for key in sorted(set(config) - {"scale", "split", "data_root"}):
        raise unknown("config key", key, ("scale", "split", "data_root"))
    STUDY = load_study(config["scale"], split=config["split"], data_root=config["data_root"])
    check_tables(STUDY)
    if set("{}") & set(STUDY.scale.data_root):
        raise VistokError(
            f"the data root {STUDY.scale.data_root!r} has a brace in its name, which Snakemake takes for a "
            "wildcard. Rename it, or make a link to it and name that."
        )
    DOWNLOADS = load_downloads()
    PINNED = {
        root: pinned_digest(PINS, Path(root))
        for root in (STUDY.scale.data_root, STUDY.models.scale.data_root)
    }
except VistokError as error:
    raise SystemExit(f"vistok: {error}") from None

MODELS = STUDY.models
PATHS = Paths(STUDY)
RESULTS = STUDY.results_id
SCALE = MODELS.scale.id
MODEL_OPTIONS = f"--scale {SCALE}"
OPTIONS = f"--scale {STUDY.scale.id} --split {STUDY.split}"
if config["data_root"] is not None:
    OPTIONS += f" --data-root {shlex.quote(STUDY.scale.data_root)}"
SUITE = [task.id for task in STUDY.suite()]
TABLE_FORMATS = ("csv", "md", "tex", "html")

# By their form: Snakemake reads a pattern again for every file, and a list of a thousand ids would make it a long
# one. An id that is not declared is refused where its inputs are asked for, which names the nearest.
ID = "[a-z0-9][a-z0-9-]*"


wildcard_constraints:
    tokenizer=ID,
    llm=ID,
    run=f"{ID}/{ID}/{ID}/seed-(?:0|[1-9][0-9]*)",
    image_set="|".join(MODELS.scale.image_sets) or "none",
    download="|".join(DOWNLOADS),
    table="|".join(STUDY.tables),


def source(step, *chosen):
    """Returns the digest of a step's own code and of the package code that it imports.

    `chosen` are the modules that it looks up by an id of the grid: others of their kind do not count.
    """
    step = f"vistok.steps.{step}"
    if missing := set(chosen) - imported_modules(step, *chosen):
        raise WorkflowError(f"{step} does not import {', '.join(missing)}: mend `source` in the rules.")
    return source_digest(step, *chosen)


def kind_of(tokenizer):
    """Returns the module that builds a tokenizer's kind of encoder."""
    return encoder_module(MODELS, tokenizer)


def objective_of(tokenizer):
    """Returns the module of the supervision that a tokenizer is pretrained under."""
    return objective_module(MODELS, tokenizer)


def data_files(study):
    """Returns what a step that reads official files waits for: the world's data where the scale makes it.

    Its time says nothing, so it is ancient; the digest beside it is small, and thus judged by its content.
    """
    root = study.scale.data_root
    return [ancient(root), f"{root}.md5"] if study.scale.world else []


def task_data():
    """Returns the digest of what the tasks read: as pinned, else of annotations and photographs' names."""
    root = Path(STUDY.scale.data_root)
    if pinned := PINNED[STUDY.scale.data_root]:
        return pinned
    tasks = [files for task in SUITE if (files := STUDY.task_files(task))]
    named = [(task.references, task.questions, task.prior, task.prior_questions) for task in tasks]
    read = [root / name for names in named for name in names if name and (root / name).is_file()]
    seen = {path for task in tasks for folder in task.images for path in (root / folder).rglob("*")}
    return digest_value([*map(digest_file, read), *sorted(str(path.relative_to(root)) for path in seen)])


def image_set_data(image_set):
    """Returns the digest of an image set: as pinned, else of its annotations' sizes and photographs' names."""
    root, entry = Path(MODELS.scale.data_root), MODELS.image_set(image_set)
    if pinned := PINNED[MODELS.scale.data_root]:
        return pinned
    sizes = [(root / name).stat().st_size for name in entry.files if (root / name).is_file()]
    return digest_value([sizes, sorted(path.name for path in (root / entry.images).glob("*"))])


def audit_data():
    """Returns the digest of the official files that the audit reads: as pinned, else of names and sizes."""
    root = Path(STUDY.scale.data_root)
    folders = ("gvtbench", "gvtbench/GVTBench", "coco/annotations", "coco/karpathy", "visual_genome")
    seen = [path for folder in folders for path in (root / folder).glob("*.*")]
    seen += (root / "vcr/vcr1images").rglob("*.json")
    sizes = sorted([str(path.relative_to(root)), path.stat().st_size] for path in seen)
    return PINNED[STUDY.scale.data_root] or digest_value(sizes)


def fetched_files():
    """Returns the marks of the downloads that the study's files come from, but for those given out by hand."""
    if STUDY.scale.world:
        return []
    named = question_files(STUDY) + (training_files(MODELS, MODELS.runs()) if MODELS is STUDY else [])
    found = [entry for name in named for entry in downloads_for(name, DOWNLOADS) if entry.urls]
    return list(dict.fromkeys(f"data/fetched/{RESULTS}/{entry.id}" for entry in found))


def generated_benchmark():
    """Returns the GVTBench files that the scale makes itself for its test split."""
    names = ("coco_oc", "coco_mci", "vcr_oc", "vcr_mci") if MODELS.scale.world else ()
    return [f"{MODELS.scale.data_root}/gvtbench/{name}.json" for name in names]


def run_files(name):
    """Returns one file of this name for each task of one run."""
    return [f"results/{RESULTS}/{{run}}/{task}/{name}" for task in SUITE]


def blind_predictions(llm):
    """Returns what a language model says to each task's questions without the image."""
    return [str(PATHS.blind_predictions(llm, task)) for task in SUITE]


def own_llm(llm):
    """Returns the checkpoint of a language model, if the scale makes its own."""
    return [f"checkpoints/{SCALE}/llms/{llm}"] if MODELS.scale.language_model else []


def with_base(llm):
    """Returns the checkpoints of a language model and of that which it is tuned from, if any."""
    base = MODELS.llm(llm).base
    return [f"checkpoints/{SCALE}/llms/{name}" for name in (base, llm) if name]


run_called = cache(MODELS.run)  # asked for five times a run


def run_of(wildcards):
    """Returns the run that a job's wildcards name."""
    return run_called(wildcards.run)


def local_weights(tokenizer):
    """Returns the file that a tokenizer is loaded from, if it is neither pretrained here nor published."""
    weights = MODELS.encoder(tokenizer).weights
    local = not MODELS.pretrains(tokenizer) and weights not in ("published", "random")
    return [os.path.join(MODELS.scale.data_root, weights)] if local else []


def parts_of(wildcards):
    """Returns what one run's MLLM is made of: checkpoints that the scale makes, and local files."""
    run = run_of(wildcards)
    if MODELS.pretrains(run.tokenizer):
        return own_llm(run.llm) + [f"checkpoints/{SCALE}/tokenizers/{run.tokenizer}"]
    return own_llm(run.llm) + local_weights(run.tokenizer)


def table_metrics(tables):
    """Returns the metrics of every cell of tables, and of their blind baselines."""
    cells = []
    for table in tables:
        columns = [column.task for column in STUDY.table(table).columns]
        for run in STUDY.runs(table):
            folder = f"results/{RESULTS}/{run.path}"  # strings: a grown study has a hundred thousand cells
            cells += [f"{folder}/{task}/metrics.json" for task in columns]
        cells += [str(PATHS.blind(task)) for task in columns]
    return list(dict.fromkeys(cells))


def published():
    """Returns the paper's own tables: what the audit finds in one may rest on others."""
    return [f"paper_tables/published/table{number}.csv" for number in NUMBERS]


def trainings(table):
    """Returns every checkpoint that the scale trains for a table."""
    runs = STUDY.runs(table)
    llms = {run.llm for run in runs} if MODELS.scale.language_model else set()
    parts = {path for llm in llms for path in with_base(llm)}
    parts |= {
        f"checkpoints/{SCALE}/tokenizers/{run.tokenizer}" for run in runs if MODELS.pretrains(run.tokenizer)
    }
    return sorted(parts) + [f"checkpoints/{SCALE}/mllms/{run.path}" for run in runs]


def table_files():
    """Returns every rendered table of the study, and the curves of its trainings."""
    tables = [str(PATHS.table(table, suffix)) for table in STUDY.tables for suffix in TABLE_FORMATS]
    return tables + [f"paper_tables/{RESULTS}/{table}-curves.png" for table in STUDY.tables]
