"""What the rules share: the study, its files, and the digests that decide what reruns."""

import atexit
import gc
import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.cli import get_argument_parser

from vistok.grid.downloads import load_downloads
from vistok.grid.ett_scale import check_grid
from vistok.grid.steps import step_called
from vistok.workflow import checks, clocks, earlier, names
from vistok.workflow.config import check_checkout, model_options, open_study, options, released_option
from vistok.pins import PINS, pinned_digest
from vistok.workflow.files import Files
from vistok.workflow.rules import StepRule, share_out

# A plan of many jobs is millions of objects that live until the end: garbage collection takes long, longest at exit.
# Snakemake's own modules need no collection either.
gc.set_threshold(500_000, 20, 100)
gc.freeze()
atexit.register(gc.freeze)

# A job's log has the traceback of an error, so that nobody has to repeat a training to see it.
os.environ.setdefault("VISTOK_DEBUG", "1")

with checks.refusals():
    check_checkout(workflow.basedir)
    STUDY = open_study(config, workflow.config_settings.overwrite_config)
    FILES = Files(STUDY, load_downloads())
    check_grid(STUDY)
    checks.check_plan(FILES, sys.argv[1:])
    if workflow.is_main_process:  # not in jobs, whose own clock may be wrong
        clocks.set_back(STUDY)

for settings in (
    workflow.resource_settings.overwrite_resources,
    workflow.resource_settings.overwrite_threads,
):
    share_out(settings, STUDY.suites)

MODELS = STUDY.models_study
SCALE = MODELS.scale.id
MODEL_OPTIONS = model_options(STUDY, config["data_root"])
OPTIONS = options(STUDY, config["data_root"])

# Patterns by form only: Snakemake parses a pattern again for every file, and a list of a thousand ids would be slow. An
# undeclared id is refused when its inputs are looked up, naming the nearest one.
ID = "[a-z0-9][a-z0-9-]*"


wildcard_constraints:
    pretrained=f"{ID}/seed-(?:0|[1-9][0-9]*)",
    llm=ID,
    run=f"{ID}/{ID}/{ID}/seed-(?:0|[1-9][0-9]*)|released/{ID}",
    image_set="|".join(MODELS.scale.image_sets) or "none",
    download="|".join(FILES.downloads),
    table="|".join([*STUDY.tables, *STUDY.apart]),
    owner=f"{STUDY.scale.id}|{SCALE}",
    listed="|".join(map(re.escape, FILES.listed())) or "none",


def rule_of(verb, **fixed):
    """Returns a step in the form that a rule takes; `fixed` are ids in place of wildcards."""
    return StepRule(STUDY, step_called(verb), fixed)


def data_files(study, digests):
    """Returns the inputs of a step that reads data: the digests, and the data itself where the scale makes it.

    The data is ancient, as its time means nothing; the digests are small files, compared by content.
    """
    return digests + ([ancient(study.scale.data_root)] if study.scale.world else [])


# Locations and names of data do not change results: Snakemake does not compare params that take `input`.
def options_of_study(wildcards, input):
    return OPTIONS


def options_of_models(wildcards, input):
    return MODEL_OPTIONS


def reported(paths, suffix, category, caption, **labels):
    """Returns outputs, of which `snakemake --report` shows those with this suffix."""
    shown = {"caption": f"../report/{caption}.rst", "category": category, "labels": labels}
    return [report(path, **shown) if path.endswith(suffix) else path for path in paths]
