"""The steps of the workflow, once: what each ranges over, reads and writes, and what its result depends on.

The rules, the command line, the experiments of DVC and the plan of costs follow from this list.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from vistok.errors import unknown
from vistok.grid import paths as files
from vistok.grid import specs
from vistok.grid.kinds import SCORING, module_of, task_kind_modules
from vistok.grid.marks import LABEL, counted
from vistok.grid.marks import SCORING as SCORED
from vistok.grid.needs import image_sets, llm_weights_name, model_weights_name, tokenizer_weights_name
from vistok.grid.pairs import shown_pair
from vistok.grid.paths import Paths
from vistok.grid.scale import StepId
from vistok.grid.specs import Spec
from vistok.grid.study import GRID, Study
from vistok.grid.values import OBJECTIVES, RELEASED_KINDS, Pretrained, Run, Subject, runs_among
from vistok.grid.verbs import VERBS
from vistok.provenance import PROVENANCE

Ids = tuple[str, ...]
CLAIMS: Final = GRID / "claims.yaml"


def _nothing(study: Study, *ids: str) -> list[Any]:
    return []


def _no_spec(study: Study, *ids: str) -> Spec:
    return {}


def _one(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    return [()]


@dataclass(frozen=True)
class Step:
    """One verb of the workflow.

    Its functions take a study and the ids of one job; that of a run or a pretraining is its path.

    Attributes:
        id: its verb, see `vistok.grid.verbs`.
        jobs: the ids of its jobs behind some runs of a study.
        outputs: what a job makes; an id may be a wildcard, such as `{run}`.
        inputs: what a job reads besides the data root: checkpoints, shards, answers, scores.
        reads_data: whether it reads the data root of its study.
        spec: what of the study a job's result depends on besides its inputs.
        modules: the modules that a job looks up by an id of the grid, besides those that its own code names.
        without: the package that its code imports and a job never runs, if any.
        shared: whether its study is the one whose checkpoints answer, which several scales may share.
        size: the step whose job size in a scale is its own, too; its own id if not given.
        rule: its name among the rules; its id with underscores if not given.
        code: the module that takes it, for the digest of what it runs; that of its name in `vistok.steps` if not given.
    """

    id: str
    jobs: Callable[[Study, Sequence[Subject]], Iterable[Ids]]
    outputs: Callable[..., list[Path]]
    inputs: Callable[..., Sequence[Path | str]] = _nothing
    reads_data: bool = False
    spec: Callable[..., Spec] = _no_spec
    modules: Callable[..., list[str]] = _nothing
    without: str = ""
    shared: bool = False
    size: StepId | None = None
    rule: str = ""
    code: str = ""

    def whose(self, study: Study) -> Study:
        """Returns the study that a job is of: the given one, or that of the models that answer for it."""
        return study.models if self.shared else study

    @property
    def over(self) -> Ids:
        """What its jobs range over, as wildcards and arguments are called."""
        return VERBS[self.id].over

    @property
    def rule_name(self) -> str:
        return self.rule or self.id.replace("-", "_")

    @property
    def module(self) -> str:
        return self.code or f"vistok.steps.{self.id.replace('-', '_')}"

    @property
    def size_id(self) -> StepId:
        """The key of a scale's `resources` that holds what its jobs ask for."""
        return self.size or cast("StepId", self.id)

    def log(self, study: Study, *ids: str) -> Path:
        return self._beside("logs", study, ids, "log")

    def benchmark(self, study: Study, *ids: str) -> Path:
        return self._beside("benchmarks", study, ids, "tsv")

    def _beside(self, folder: str, study: Study, ids: Ids, suffix: str) -> Path:
        return Path(folder, self.whose(study).results_id, "/".join((self.rule_name, *ids)) + f".{suffix}")


def encoder_module(study: Study, tokenizer: str) -> str:
    """Returns the module that builds a tokenizer's kind of encoder."""
    return f"vistok.tokenizers.{study.encoder(tokenizer).library.replace('-', '_')}_encoder"


def language_model_module(study: Study, llm: str) -> str:
    """Returns the module of a language model's kind."""
    return module_of("mllm/language_models", study.llm(llm).kind)


def objective_module(study: Study, tokenizer: str) -> str:
    """Returns the module of the supervision that a tokenizer is pretrained under."""
    return module_of(OBJECTIVES, str(study.tokenizer(tokenizer).objective))


def _pretraining_modules(study: Study, pretrained: str) -> list[str]:
    """The modules that a pretraining looks up: its objective, and each kind of encoder that it builds."""
    tokenizer = study.models.pretrained(pretrained).tokenizer
    built = (tokenizer, *study.models.tokenizer(tokenizer).made_from)
    encoders = dict.fromkeys(encoder_module(study.models, name) for name in built)
    return [objective_module(study.models, tokenizer), *encoders]


def _parts_modules(study: Study, run: str) -> list[str]:
    """Returns the modules of the encoder, the connector and the language model of a run."""
    parts = study.run(run)
    return [
        encoder_module(study, parts.tokenizer),
        module_of("mllm/connectors", study.recipe(parts.recipe).connector.kind),
        language_model_module(study, parts.llm),
    ]


def _kinds(study: Study, suite: str) -> list[str]:
    """Returns the modules of the task kinds that a suite asks."""
    return task_kind_modules(task.kind for task in study.suite(suite))


def _shown(study: Study, tables: Iterable[str]) -> list[str]:
    """Returns the modules of the task kinds that some tables show."""
    columns = (column for table in tables for column in study.table(table).columns)
    return task_kind_modules(study.task(column.task).kind for column in columns)


def parts(study: Study, run: str) -> list[Path]:
    """Returns what one run's MLLM is made of: checkpoints that the scale makes, and digests of other weights."""
    parsed = study.models.run(run)
    return any_llm(study, parsed.llm) + _tokenizer(study, parsed.pretrained)


def _answering(study: Study, subject: str) -> list[Path]:
    """What answers are made with: a run's checkpoint and its parts, or the digest of a released model's weights."""
    parsed = study.models.subject(subject)
    if isinstance(parsed, Run):
        return [Paths(study).mllm(parsed), *parts(study, subject)]
    return [Paths(study.models).digest(model_weights_name(parsed.model))]


def _answering_modules(study: Study, subject: str) -> list[str]:
    """The module that builds a run's encoder, or the one that loads a released model."""
    parsed = study.models.subject(subject)
    if isinstance(parsed, Run):
        return _parts_modules(study.models, subject)
    return [module_of(RELEASED_KINDS, study.models.released_model(parsed.model).kind)]


def _tokenizer(study: Study, pretrained: Pretrained) -> list[Path]:
    """The checkpoint that the scale makes of a tokenizer, or the digest of the weights that it is loaded from."""
    models = study.models
    if models.pretrains(pretrained.tokenizer):
        return [Paths(study).pretrained(pretrained)]
    name = tokenizer_weights_name(models, pretrained.tokenizer)
    return [Paths(models).digest(name)] if name else []


def any_llm(study: Study, llm: str) -> list[Path]:
    """Returns what a language model is loaded from: the scale's checkpoint, or the digest of published weights."""
    return own_llm(study, llm) or [Paths(study.models).digest(llm_weights_name(llm))]


def own_llm(study: Study, llm: str) -> list[Path]:
    """Returns the checkpoint of a language model, if the scale makes its own."""
    return [Paths(study).llm(llm)] if study.models.scale.language_model else []


def _base(study: Study, llm: str) -> list[Path]:
    base = study.models.llm(llm).base
    return [Paths(study).llm(base)] if base else []


def _pretraining_inputs(study: Study, pretrained: str) -> list[Path]:
    """The shards of a pretraining, and the checkpoints or files of its base and teacher."""
    models, parsed = study.models, study.models.pretrained(pretrained)
    entry = models.tokenizer(parsed.tokenizer)
    shards = [
        Paths(study).shards(name) for name in dict.fromkeys((entry.image_set, models.scale.probe_set)) if name
    ]
    made_from = (Pretrained(tokenizer=name, seed=parsed.seed) for name in entry.made_from)
    return [*shards, *(path for part in made_from for path in _tokenizer(study, part))]


def _mixture(study: Study, run: str) -> list[Path]:
    return [Paths(study).shards(name) for name in study.models.scale.mixture]


def _predictions(study: Study, run: str, suite: str) -> list[Path]:
    return [Paths(study).predictions(run, task.id) for task in study.suite(suite)]


def _metrics(study: Study, run: str, suite: str) -> list[Path]:
    return [Paths(study).metrics(run, task.id) for task in study.suite(suite)]


def _blind_predictions(study: Study, llm: str, suite: str) -> list[Path]:
    return [Paths(study).blind_predictions(llm, task.id) for task in study.suite(suite)]


def _with_provenance(predictions: Iterable[Path]) -> list[Path]:
    """Answers, each with what says what it was made from."""
    return [path for answers in predictions for path in (answers, answers.with_name(PROVENANCE))]


def _table_files(study: Study, table: str) -> list[Path]:
    return [Paths(study).table(table, suffix) for suffix in files.TABLE_FORMATS]


def cells(study: Study, tables: Iterable[str]) -> list[str]:
    """Returns the metrics of every cell of some tables, and of their blind baselines."""
    pattern = str(
        Paths(study).metrics("{run}", "{task}")
    )  # a text is quickly filled: there may be 100,000 cells
    metrics: dict[str, None] = {}
    for table in tables:
        entry = study.table(table)
        for row in study.rows(table):
            measured = study.measured(table, row)
            pairs = ((subject.path, task) for subject in row.subjects for task in measured)
            metrics |= dict.fromkeys(pattern.format(run=path, task=task) for path, task in pairs)
        metrics |= dict.fromkeys(str(Paths(study).blind(column.task)) for column in entry.columns)
    return list(metrics)


def trainings(study: Study, table: str) -> list[Path]:
    """Returns every checkpoint that the scale trains for a table."""
    runs, paths = study.runs(table), Paths(study)
    made = {path for run in runs for path in _base(study, run.llm) + own_llm(study, run.llm)}
    made = made if study.models.scale.language_model else set()
    made |= {paths.pretrained(path) for (path,) in _pretrainings(study, runs)}
    return sorted(made) + [paths.mllm(run) for run in runs]


def _pretrainings(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    """The pretrainings of tokenizers: each behind those that it is made from."""
    return [(pretrained.path,) for pretrained in study.models.pretrainings(runs_among(runs))]


def _llms(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    """The language models that are trained: each behind what it is tuned from."""
    if not study.models.scale.language_model:
        return []
    names = (name for run in runs_among(runs) for name in (study.models.llm(run.llm).base, run.llm) if name)
    return [(name,) for name in dict.fromkeys(names)]


def _suites(study: Study, runs: Sequence[Subject]) -> list[tuple[Subject, str]]:
    """Each run with each suite that it answers; a run of no table answers all that are shown."""
    answered, shown = study.suites_by_subject(), study.suites_shown()
    return [(run, suite) for run in runs for suite in answered.get(run, shown)]


def _tables(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    return [(table,) for table in study.tables if not set(runs).isdisjoint(study.subjects(table))]


def _shown_runs(study: Study) -> list[Run]:
    """The two runs of Figures 3 and 4."""
    pair = shown_pair(study)
    return list(pair.runs) if pair else []


def _answers_shown(study: Study) -> list[Path]:
    """Every answer that the page shows a sample of."""
    paths, suites = Paths(study), study.suites_by_subject()
    answered = [(run, task.id) for run, own in suites.items() for suite in own for task in study.suite(suite)]
    alone = [
        (llm, task.id)
        for suite in study.suites_shown()
        for llm in study.llms_of(suite)
        for task in study.suite(suite)
    ]
    return [
        *(paths.predictions(run, task) for run, task in answered),
        *(paths.metrics(run, task) for run, task in answered),
        *(paths.blind_predictions(llm, task) for llm, task in alone),
    ]


def _page_inputs(study: Study) -> list[Path | str]:
    trained = dict.fromkeys(path for table in study.tables for path in trainings(study, table))
    drawn = [Paths(study).figure(3, "json")] if shown_pair(study) else []
    made = [Paths(study).claims("json"), files.audit("json"), Paths(study).table("table-1", "csv"), *drawn]
    return [*cells(study, study.tables), *_answers_shown(study), *trained, *files.all_published(), *made]


def _curves_spec(study: Study, table: str) -> Spec:
    models = study.models
    return {
        "runs": [run.path for run in study.runs(table)],
        "number": study.table(table).number,
        "ceilings": [counted(models.encoder(name)) for name in models.scale.ceilings.values()],
        "probe_set": models.scale.probe_set,
    }


def _drawn(study: Study, table: str) -> list[Path]:
    """The curves of a table's trainings, and the probes of its tokenizers where the scale pretrains them."""
    probes = [Paths(study).probes(table)] if study.models.scale.encoders else []
    return [Paths(study).curves(table), *probes]


def _ceiling_s_images(study: Study) -> list[Path]:
    """What the tokens of a ceiling are probed on when they are drawn: no training of it has done so before."""
    scale = study.models.scale
    return [Paths(study).shards(scale.probe_set)] if scale.ceilings and scale.probe_set else []


def _ceiling_modules(study: Study) -> list[str]:
    return list(
        dict.fromkeys(encoder_module(study.models, name) for name in study.models.scale.ceilings.values())
    )


_LIST: Final = (
    Step(
        "fetch",
        jobs=lambda study, runs: [],  # what is to be fetched is planned by itself
        outputs=lambda study, download: [Paths(study).fetched(download)],
        code="vistok.commands.fetch",
    ),
    Step(
        "make-world",
        jobs=lambda study, runs: [()] if study.models.scale.world else [],
        outputs=lambda study: [Paths(study.models).data, Paths(study.models).digest()],
        spec=lambda study: specs.world_spec(study.models),
        shared=True,
    ),
    Step(
        "list-data",
        jobs=lambda study, runs: [],  # done where official files are, once
        outputs=lambda study, owner, listed: [files.listed(owner, listed)],
        size="fetch",
        code="vistok.commands.list_data",
    ),
    Step(
        "write-shards",
        jobs=lambda study, runs: [(name,) for name in image_sets(study.models, runs)],
        outputs=lambda study, image_set: [Paths(study).shards(image_set)],
        reads_data=True,
        spec=lambda study, image_set: specs.shards_spec(study.models, image_set),
        shared=True,
    ),
    Step(
        "pretrain-tokenizer",
        jobs=_pretrainings,
        outputs=lambda study, pretrained: [Paths(study).pretrained(pretrained)],
        inputs=_pretraining_inputs,
        spec=lambda study, pretrained: specs.tokenizer_spec(
            study.models, study.models.pretrained(pretrained)
        ),
        modules=_pretraining_modules,
        shared=True,
    ),
    Step(
        "train-llm",
        jobs=_llms,
        outputs=lambda study, llm: [Paths(study).llm(llm)],
        inputs=_base,
        reads_data=True,
        spec=lambda study, llm: specs.llm_spec(study.models, llm),
        modules=lambda study, llm: [
            language_model_module(study.models, llm),
            *task_kind_modules(study.models.taught_kinds()),
        ],
        without=SCORING,
        shared=True,
    ),
    Step(
        "tune-mllm",
        jobs=lambda study, runs: [(run.path,) for run in runs_among(runs)],
        outputs=lambda study, run: [Paths(study).mllm(run)],
        inputs=lambda study, run: _mixture(study, run) + parts(study, run),
        spec=lambda study, run: specs.mllm_spec(study.models, study.models.run(run)),
        modules=lambda study, run: [
            *_parts_modules(study.models, run),
            *task_kind_modules(study.models.recipe(study.models.run(run).recipe).turns),
        ],
        without=SCORING,
        shared=True,
    ),
    Step(
        "answer",
        jobs=lambda study, runs: [(run.path, suite) for run, suite in _suites(study, runs)],
        outputs=lambda study, run, suite: _with_provenance(_predictions(study, run, suite)),
        inputs=lambda study, run, suite: _answering(study, run),
        reads_data=True,
        spec=lambda study, run, suite: specs.answer_spec(study, suite, study.models.subject(run)),
        modules=lambda study, run, suite: [*_answering_modules(study, run), *_kinds(study, suite)],
        without=SCORING,
    ),
    Step(
        "answer-blind",
        jobs=lambda study, runs: dict.fromkeys(
            (run.llm, suite) for run, suite in _suites(study, runs) if isinstance(run, Run)
        ),
        outputs=lambda study, llm, suite: _with_provenance(_blind_predictions(study, llm, suite)),
        inputs=lambda study, llm, suite: any_llm(study, llm),
        reads_data=True,
        spec=lambda study, llm, suite: specs.answer_blind_spec(study, llm, suite),
        modules=lambda study, llm, suite: [language_model_module(study.models, llm), *_kinds(study, suite)],
        without=SCORING,
        size="answer",
    ),
    Step(
        "score-run",
        jobs=lambda study, runs: [(run.path, suite) for run, suite in _suites(study, runs)],
        outputs=_metrics,
        inputs=_predictions,
        reads_data=True,
        spec=lambda study, run, suite: specs.score_spec(study, suite),
        modules=lambda study, run, suite: _kinds(study, suite),
    ),
    Step(
        "fit-blind",
        jobs=lambda study, runs: dict.fromkeys((suite,) for _, suite in _suites(study, runs)),
        outputs=lambda study, suite: [Paths(study).blind(task.id) for task in study.suite(suite)],
        inputs=lambda study, suite: [
            path for llm in study.llms_of(suite) for path in _blind_predictions(study, llm, suite)
        ],
        reads_data=True,
        spec=lambda study, suite: specs.score_spec(study, suite),
        modules=lambda study, suite: _kinds(study, suite),
    ),
    Step(
        "tabulate",
        jobs=_tables,
        outputs=_table_files,
        inputs=lambda study, table: [*cells(study, [table]), *files.all_published()],
        spec=lambda study, table: specs.table_spec(study, table),
        modules=lambda study, table: _shown(study, [table]),
    ),
    Step(
        "draw-curves",
        jobs=_tables,
        outputs=_drawn,
        inputs=lambda study, table: [*trainings(study, table), *_ceiling_s_images(study)],
        spec=_curves_spec,
        modules=lambda study, table: _ceiling_modules(study),
    ),
    Step(
        "count-benchmark",
        jobs=lambda study, runs: [],  # asked for with all tables
        outputs=lambda study: [Paths(study).table("table-1", suffix) for suffix in files.TABLE_FORMATS],
        inputs=lambda study: [files.published(1), files.PUBLISHED / files.ABOUT, files.RELEASED_STATISTICS],
        reads_data=True,
        spec=lambda study: {
            task.id: specs.task_spec(study, task.id, LABEL, SCORED) for task in study.answered_tasks()
        },
        modules=lambda study: task_kind_modules(task.kind for task in study.answered_tasks()),
        size="tabulate",
    ),
    Step(
        "draw-attention",
        jobs=lambda study, runs: [],
        outputs=lambda study: [Paths(study).figure(3, suffix) for suffix in ("svg", "png", "json")],
        inputs=lambda study: [path for run in _shown_runs(study) for path in _answering(study, run.path)],
        reads_data=True,
        spec=lambda study: {
            "labels": [study.models.tokenizer(run.tokenizer).label for run in _shown_runs(study)],
            "runs": [specs.mllm_spec(study.models, run) for run in _shown_runs(study)],
            "images": study.scale.attention_images,
        },
        modules=lambda study: list(
            dict.fromkeys(
                [
                    *(
                        module
                        for run in _shown_runs(study)
                        for module in _parts_modules(study.models, run.path)
                    ),
                    *task_kind_modules(task.kind for task in study.answered_tasks()),
                ]
            )
        ),
    ),
    Step(
        "draw-answers",
        jobs=lambda study, runs: [],
        outputs=lambda study: [Paths(study).figure(4, suffix) for suffix in ("svg", "png")],
        inputs=lambda study: [
            Paths(study).predictions(run, task.id)
            for run in _shown_runs(study)
            for suite in study.suites_by_subject()[run]
            for task in study.suite(suite)
        ],
        reads_data=True,
        spec=lambda study: {
            "runs": {run.path: study.models.tokenizer(run.tokenizer).label for run in _shown_runs(study)},
            "tasks": {task.id: specs.task_spec(study, task.id, LABEL) for task in study.answered_tasks()},
        },
        modules=lambda study: task_kind_modules(task.kind for task in study.answered_tasks()),
        size="tabulate",
    ),
    Step(
        "show-study",
        jobs=lambda study, runs: [],
        outputs=lambda study: [
            Paths(study).page,
            Paths(study).compare_page,
            Paths(study).run_pages,
            Paths(study).assets,
        ],
        inputs=_page_inputs,
        reads_data=True,
        spec=specs.page_spec,
        modules=lambda study: list(
            dict.fromkeys(
                [
                    *_shown(study, study.tables),
                    *task_kind_modules(task.kind for task in study.answered_tasks()),
                ]
            )
        ),
    ),
    Step(
        "weigh-claims",
        jobs=lambda study, runs: [],  # asked for by itself, and over all tables
        outputs=lambda study: [*map(Paths(study).claims, files.CLAIMS_FORMATS), Paths(study).cells],
        inputs=lambda study: [*cells(study, study.tables), *files.all_published(), CLAIMS],
        spec=lambda study: {"tables": {table: specs.table_spec(study, table) for table in study.tables}},
        modules=lambda study: _shown(study, study.tables),
        rule="paper_claims",
    ),
    Step(
        "audit",
        jobs=lambda study, runs: [],  # asked for by itself
        outputs=lambda study: [files.audit(suffix) for suffix in files.AUDIT_FORMATS],
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
        VistokError: there is none; names those that there are.
    """
    if verb not in STEPS:
        raise unknown("step", verb, STEPS)
    return STEPS[verb]
