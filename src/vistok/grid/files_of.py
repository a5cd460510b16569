"""Which files a step's jobs read and write: of a run, a pretraining, a suite, a table or the page."""

from collections.abc import Iterable
from pathlib import Path

from vistok.grid import jobs_of
from vistok.grid import paths as files
from vistok.grid.needs import llm_weights_name, model_weights_name, tokenizer_weights_name
from vistok.grid.pairs import shown_pair
from vistok.grid.paths import Paths
from vistok.grid.runs import Pretrained, Run
from vistok.grid.study import Study
from vistok.provenance import PROVENANCE


def parts(study: Study, run: str) -> list[Path]:
    """Returns what one run's MLLM is made of: checkpoints that the scale makes, and digests of other weights."""
    parsed = study.models_study.run(run)
    return any_llm(study, parsed.llm) + tokenizer_files(study, parsed.pretrained)


def answering(study: Study, subject: str) -> list[Path]:
    """What answers are made with: a run's checkpoint and its parts, or the digest of a released model's weights."""
    parsed = study.models_study.subject(subject)
    if isinstance(parsed, Run):
        return [Paths(study).mllm(parsed), *parts(study, subject)]
    return [Paths(study.models_study).digest(model_weights_name(parsed.model))]


def tokenizer_files(study: Study, pretrained: Pretrained) -> list[Path]:
    """The checkpoint that the scale makes of a tokenizer, or the digest of the weights that it is loaded from."""
    models_study = study.models_study
    if own := Paths(study).own_tokenizer(pretrained):
        return [own]
    name = tokenizer_weights_name(models_study, pretrained.tokenizer)
    return [Paths(models_study).digest(name)] if name else []


def any_llm(study: Study, llm: str) -> list[Path]:
    """Returns what a language model is loaded from: the scale's checkpoint, or the digest of published weights."""
    return own_llm(study, llm) or [Paths(study.models_study).digest(llm_weights_name(llm))]


def own_llm(study: Study, llm: str) -> list[Path]:
    """Returns the checkpoint of a language model, if the scale makes its own."""
    return [Paths(study).llm(llm)] if study.models_study.scale.language_model else []


def base_llm(study: Study, llm: str) -> list[Path]:
    base = study.models_study.llm(llm).base
    return [Paths(study).llm(base)] if base else []


def pretraining_inputs(study: Study, pretrained: str) -> list[Path]:
    """The shards of a pretraining, and the checkpoints or files of its base and teacher."""
    models_study, parsed = study.models_study, study.models_study.pretrained(pretrained)
    entry = models_study.tokenizer(parsed.tokenizer)
    shards = [
        Paths(study).shards(name)
        for name in dict.fromkeys((entry.image_set, models_study.scale.probe_set))
        if name
    ]
    made_from = (Pretrained(tokenizer=name, seed=parsed.seed) for name in entry.made_from)
    return [*shards, *(path for part in made_from for path in tokenizer_files(study, part))]


def tuning_inputs(study: Study, run: str) -> list[Path]:
    """The shards and parts of an MLLM's training, the checkpoint that it follows, and the net that teaches it."""
    shards = [Paths(study).shards(name) for name in study.models_study.scale.mixture]
    models_study, parsed = study.models_study, study.models_study.run(run)
    before = models_study.followed(parsed)
    follows = [Paths(study).mllm(before)] if before else []
    return [*shards, *parts(study, run), *follows, *Paths(models_study).teachers(parsed)]


def predictions(study: Study, run: str, suite: str) -> list[Path]:
    return [Paths(study).predictions(run, task.id) for task in study.suite(suite)]


def metrics(study: Study, run: str, suite: str) -> list[Path]:
    return [Paths(study).metrics(run, task.id) for task in study.suite(suite)]


def blind_predictions(study: Study, llm: str, suite: str) -> list[Path]:
    return [Paths(study).blind_predictions(llm, task.id) for task in study.suite(suite)]


def with_provenance(predictions: Iterable[Path]) -> list[Path]:
    """Answers, each with what says what it was made from."""
    return [path for answers in predictions for path in (answers, answers.with_name(PROVENANCE))]


def table_files(study: Study, table: str) -> list[Path]:
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
    made = {path for run in runs for path in base_llm(study, run.llm) + own_llm(study, run.llm)}
    made = made if study.models_study.scale.language_model else set()
    made |= {paths.pretrained(path) for (path,) in jobs_of.pretrainings(study, runs)}
    return sorted(made) + [paths.mllm(run) for run in runs]


def answers_shown(study: Study) -> list[Path]:
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


def page_inputs(study: Study) -> list[Path | str]:
    trained = dict.fromkeys(path for table in study.tables for path in trainings(study, table))
    drawn = [Paths(study).figure(3, "json")] if shown_pair(study) else []
    made = [
        Paths(study).claims("json"),
        Paths(study).audit("json"),
        Paths(study).table("table-1", "csv"),
        *drawn,
    ]
    return [*cells(study, study.tables), *answers_shown(study), *trained, *files.all_published(), *made]


def page_outputs(study: Study) -> list[Path]:
    paths = Paths(study)
    return [paths.page, paths.compare_page, paths.run_pages, paths.assets]


def probed(study: Study, table: str) -> list[Path]:
    """Returns the checkpoints that say what the tokenizers of a table learnt, where the scale pretrains them."""
    return [Paths(study).pretrained(each) for each in study.models_study.pretrainings(study.runs(table))]


def drawn(study: Study, table: str) -> list[Path]:
    """The curves of a table's trainings, and the probes of its tokenizers where the scale pretrains them."""
    probes = [Paths(study).probes(table)] if study.models_study.scale.encoders else []
    return [Paths(study).curves(table), *probes]


def ceiling_images(study: Study) -> list[Path]:
    """What the tokens of a ceiling are probed on when they are drawn: no training of it has done so before."""
    scale = study.models_study.scale
    return [Paths(study).shards(scale.probe_set)] if scale.ceilings and scale.probe_set else []
