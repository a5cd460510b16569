"""The jobs of a step that some runs of a study need, by their ids."""

from collections.abc import Sequence

from vistok.grid.ett_scale import of_ett, own_blind, suites_of
from vistok.grid.pairs import shown_pair
from vistok.grid.runs import Run, Subject, runs_among
from vistok.grid.step import Ids
from vistok.grid.study import Study


def pretrainings(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    """The pretrainings of tokenizers: each behind those that it is made from."""
    return [(pretrained.path,) for pretrained in study.models_study.pretrainings(runs_among(runs))]


def llms(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    """The language models that are trained: each behind what it is tuned from."""
    if not study.models_study.scale.language_model:
        return []
    trained = study.models_study.stages(runs_among(runs))
    names = (name for run in trained for name in (study.models_study.llm(run.llm).base, run.llm) if name)
    return [(name,) for name in dict.fromkeys(names)]


def tunings(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    """The trainings of MLLMs: each behind those that it follows."""
    return [(run.path,) for run in study.models_study.stages(runs_among(runs))]


def suites(study: Study, runs: Sequence[Subject]) -> list[tuple[Subject, str]]:
    """Each run with each suite that it answers; a run of no table answers all that are shown, or ETT's if it is its."""
    answered = {**study.suites_by_subject(apart=True), **study.suites_by_subject()}
    shown, asked_of_ett = study.suites_shown(), suites_of(study)
    other = {run: asked_of_ett for run in runs if of_ett(study, run)}
    return [(run, suite) for run in runs for suite in answered.get(run, other.get(run, shown))]


def fittings(study: Study, runs: Sequence[Subject], *, own: bool) -> list[Ids]:
    """The suites of which blind baselines are scored: the study's, or ETT's own."""
    asked = ((suite, of_ett(study, run) and own_blind(study, suite)) for run, suite in suites(study, runs))
    return list(dict.fromkeys((suite,) for suite, is_own in asked if is_own == own))


def of_tokenizer(study: Study, runs: Sequence[Subject], *names: str) -> list[Ids]:
    """The job that makes a tokenizer of ETT's, where runs read it, under one of its names."""
    read = {run.tokenizer for run in runs_among(runs) if of_ett(study, run)}
    return [] if read.isdisjoint(names) else [()]


def tables(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    return [(table,) for table in study.tables if not set(runs).isdisjoint(study.subjects(table))]


def shown_runs(study: Study) -> list[Run]:
    """The two runs of Figures 3 and 4."""
    pair = shown_pair(study)
    return list(pair.runs) if pair else []
