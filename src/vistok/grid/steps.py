"""The steps of the workflow, once: what each ranges over, reads and writes, and what its result depends on.

The rules, the command line, the experiments of DVC and the plan of costs follow from this list.
"""

from typing import Final

from vistok.errors import unknown
from vistok.grid import files_of, jobs_of, modules_of, specs
from vistok.grid import paths as files
from vistok.grid.entries import GRID
from vistok.grid.ett import EttPaths
from vistok.grid.ett_steps import STEPS_OF_ETT
from vistok.grid.kinds import SCORING, task_kind_modules
from vistok.grid.needs import image_sets
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.step import Step

CLAIMS: Final = GRID / "claims.yaml"

_LIST: Final = (
    Step(
        "fetch",
        outputs=lambda study, download: [Paths(study).fetched(download)],
        code="vistok.commands.fetch",
    ),
    Step(
        "make-world",
        jobs=lambda study, runs: [()] if study.models_study.scale.world else [],
        outputs=lambda study: [Paths(study.models_study).data, Paths(study.models_study).digest()],
        spec=lambda study: specs.world_spec(study.models_study),
        shared=True,
    ),
    Step(
        "list-data",
        outputs=lambda study, owner, listed: [files.listed(owner, listed)],
        size="fetch",
        code="vistok.commands.list_data",
    ),
    Step(
        "write-shards",
        jobs=lambda study, runs: [(name,) for name in image_sets(study.models_study, runs)],
        outputs=lambda study, image_set: [Paths(study).shards(image_set)],
        reads_data=True,
        spec=lambda study, image_set: specs.shards_spec(study.models_study, image_set),
        shared=True,
    ),
    Step(
        "pretrain-tokenizer",
        jobs=jobs_of.pretrainings,
        outputs=lambda study, pretrained: [Paths(study).pretrained(pretrained)],
        inputs=files_of.pretraining_inputs,
        spec=lambda study, pretrained: specs.tokenizer_spec(
            study.models_study, study.models_study.pretrained(pretrained)
        ),
        modules=modules_of.pretraining_modules,
        shared=True,
    ),
    Step(
        "train-llm",
        jobs=jobs_of.llms,
        outputs=lambda study, llm: [Paths(study).llm(llm)],
        inputs=files_of.base_llm,
        reads_data=True,
        spec=lambda study, llm: specs.llm_spec(study.models_study, llm),
        modules=lambda study, llm: [
            modules_of.language_model_module(study.models_study, llm),
            *task_kind_modules(study.models_study.taught_kinds()),
        ],
        without=SCORING,
        shared=True,
    ),
    Step(
        "tune-mllm",
        jobs=jobs_of.tunings,
        outputs=lambda study, run: [Paths(study).mllm(run)],
        inputs=files_of.tuning_inputs,
        spec=lambda study, run: specs.mllm_spec(study.models_study, study.models_study.run(run)),
        modules=lambda study, run: modules_of.tuning_modules(study.models_study, run),
        without=SCORING,
        shared=True,
    ),
    Step(
        "answer",
        jobs=lambda study, runs: [(run.path, suite) for run, suite in jobs_of.suites(study, runs)],
        outputs=lambda study, run, suite: files_of.with_provenance(files_of.predictions(study, run, suite)),
        inputs=lambda study, run, suite: files_of.answering(study, run),
        reads_data=True,
        spec=lambda study, run, suite: specs.answer_spec(study, suite, study.models_study.subject(run)),
        modules=lambda study, run, suite: [
            *modules_of.answering_modules(study, run),
            *modules_of.suite_modules(study, suite),
        ],
        without=SCORING,
    ),
    Step(
        "answer-blind",
        jobs=lambda study, runs: dict.fromkeys(
            (run.llm, suite) for run, suite in jobs_of.suites(study, runs) if isinstance(run, Run)
        ),
        outputs=lambda study, llm, suite: files_of.with_provenance(
            files_of.blind_predictions(study, llm, suite)
        ),
        inputs=lambda study, llm, suite: files_of.any_llm(study, llm),
        reads_data=True,
        spec=lambda study, llm, suite: specs.answer_blind_spec(study, llm, suite),
        modules=lambda study, llm, suite: [
            modules_of.language_model_module(study.models_study, llm),
            *modules_of.suite_modules(study, suite),
        ],
        without=SCORING,
        size="answer",
    ),
    Step(
        "score-run",
        jobs=lambda study, runs: [(run.path, suite) for run, suite in jobs_of.suites(study, runs)],
        outputs=files_of.metrics,
        inputs=files_of.predictions,
        reads_data=True,
        spec=lambda study, run, suite: specs.score_spec(study, suite),
        modules=lambda study, run, suite: modules_of.suite_modules(study, suite),
    ),
    Step(
        "fit-blind",
        jobs=lambda study, runs: jobs_of.fittings(study, runs, own=False),
        outputs=lambda study, suite: [Paths(study).blind(task.id) for task in study.suite(suite)],
        inputs=lambda study, suite: [
            path for llm in study.llms_of(suite) for path in files_of.blind_predictions(study, llm, suite)
        ],
        reads_data=True,
        spec=lambda study, suite: specs.score_spec(study, suite),
        modules=lambda study, suite: modules_of.suite_modules(study, suite),
    ),
    Step(
        "tabulate",
        jobs=jobs_of.tables,
        outputs=files_of.table_files,
        inputs=lambda study, table: [
            *files_of.cells(study, [table]),
            *files.all_published(),
            *files_of.probed(study, table),
        ],
        spec=lambda study, table: specs.table_spec(study, table),
        modules=lambda study, table: modules_of.table_modules(study, [table]),
    ),
    Step(
        "draw-curves",
        jobs=jobs_of.tables,
        outputs=files_of.drawn,
        inputs=lambda study, table: [*files_of.trainings(study, table), *files_of.ceiling_images(study)],
        spec=specs.curves_spec,
        modules=lambda study, table: modules_of.ceiling_modules(study),
    ),
    Step(
        "count-benchmark",
        outputs=lambda study: [Paths(study).table("table-1", suffix) for suffix in files.TABLE_FORMATS],
        inputs=lambda study: [files.published(1), files.PUBLISHED / files.ABOUT, files.RELEASED_STATISTICS],
        reads_data=True,
        spec=specs.benchmark_spec,
        modules=modules_of.asked_modules,
        size="tabulate",
        figure=".html",
    ),
    Step(
        "draw-attention",
        outputs=lambda study: [Paths(study).figure(3, suffix) for suffix in ("svg", "png", "json")],
        inputs=lambda study: [
            path for run in jobs_of.shown_runs(study) for path in files_of.answering(study, run.path)
        ],
        reads_data=True,
        spec=lambda study: specs.attention_spec(study, jobs_of.shown_runs(study)),
        modules=lambda study: modules_of.attention_modules(study, jobs_of.shown_runs(study)),
        figure=".svg",
        pair=True,
    ),
    Step(
        "draw-answers",
        outputs=lambda study: [Paths(study).figure(4, suffix) for suffix in ("svg", "png")],
        inputs=lambda study: [
            Paths(study).predictions(run, task.id)
            for run in jobs_of.shown_runs(study)
            for suite in study.suites_by_subject()[run]
            for task in study.suite(suite)
        ],
        reads_data=True,
        spec=lambda study: specs.compared_spec(study, jobs_of.shown_runs(study)),
        modules=modules_of.asked_modules,
        size="tabulate",
        figure=".svg",
        pair=True,
    ),
    Step(
        "show-study",
        outputs=files_of.page_outputs,
        inputs=files_of.page_inputs,
        reads_data=True,
        # Were what is rendered of ETT an input, a page would build it, with as many seeds as the page.
        spec=lambda study: specs.page_spec(study) | {"ett": EttPaths(study).digests()},
        modules=modules_of.page_modules,
    ),
    *STEPS_OF_ETT,  # asked for by themselves
    Step(
        "weigh-claims",
        outputs=lambda study: [*map(Paths(study).claims, files.CLAIMS_FORMATS), Paths(study).cells],
        inputs=lambda study: [*files_of.cells(study, study.tables), *files.all_published(), CLAIMS],
        spec=lambda study: {"tables": {table: specs.table_spec(study, table) for table in study.tables}},
        modules=lambda study: modules_of.table_modules(study, study.tables),
        rule="paper_claims",
    ),
    Step(
        "audit",
        outputs=lambda study: [*map(Paths(study).audit, files.AUDIT_FORMATS)],
        inputs=lambda study: [*files.all_published(), CLAIMS],
        reads_data=True,
        rule="paper_audit",
        code="vistok.commands.audit",
    ),
)
STEPS: Final[dict[str, Step]] = {step.id: step for step in _LIST}


def step_called(verb: str) -> Step:
    """Returns the step of a verb.

    Raises:
        VistokError: there is none; lists those that exist.
    """
    if verb not in STEPS:
        raise unknown("step", verb, STEPS)
    return STEPS[verb]
