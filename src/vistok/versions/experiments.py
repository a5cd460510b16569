"""The experiments of a study as DVC needs them: their list, and all that each one's result depends on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from vistok.files import write_text
from vistok.grid import specs
from vistok.grid.ett import EttPaths
from vistok.grid.ett_files import ett_runs, records
from vistok.grid.ett_scale import makes_ett, of_ett, suites_of
from vistok.grid.paths import Paths
from vistok.grid.runs import Pretrained, Run, Subject
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.pins import PINS, pinned_digest
from vistok.sources import source_digest

LIST: Final = Path("workflow/experiments.yaml")
RECORDS: Final = Path("records")
_HEADER: Final = (
    "# Made from workflow/grid by `vistok export-experiments`; dvc.yaml has one stage for each entry.\n"
)
_ETT: Final = "tables"
Values = dict[str, Any]


def export(study: Study, root: Path = Path(), *, ett: bool = True) -> None:
    """Writes the list of experiments, with ETT's or without, and their parameters (`records/<results>/params.yaml`)."""
    write_text(root / LIST, _HEADER + yaml.safe_dump(listing(study, ett=ett), sort_keys=False))
    values = json.loads(json.dumps(parameters(study, root, ett=ett)))  # plain lists and texts alone
    write_text(root / RECORDS / study.results_id / "params.yaml", yaml.safe_dump(values))


# Which step makes what each kind of stage versions; a run's stage versions its checkpoint and all its results.
_STAGES: Final = {
    "shards": "write-shards",
    "llm": "train-llm",
    "tokenizer": "pretrain-tokenizer",
    "first-stage": "tune-mllm",
    "run": "tune-mllm",
}


def listing(study: Study, *, ett: bool = True) -> Values:
    """Returns what `dvc.yaml` is templated from: the ids of everything that is made, and under which names."""
    runs = _runs(study, ett)
    made = {kind: [ids[0] for ids in _jobs(study, kind, runs)] for kind in _STAGES}
    return {
        "scale": study.scale.id,
        "split": study.split,
        "seeds": study.seeds,
        "results": study.results_id,
        "models": study.models_study.scale.id,
        "with_ett": "yes" if ett else "no",
        "shards": made["shards"],
        "llms": made["llm"],
        "tokenizers": made["tokenizer"],
        "first_stages": made["first-stage"],
        "runs": {
            run.path: {
                "tokenizer": _tokenizer_id(study, run.pretrained),
                "llm": run.llm,
                "metrics": _targets(study, "score-run", run),
            }
            for run in runs
        },
        "blind": _targets(study, "fit-blind", *study.runs()),
        "tables": list(study.tables),
        "ett": [_ETT] if ett and makes_ett(study) else [],
    }


def _runs(study: Study, ett: bool) -> list[Run]:
    return [*study.runs(), *(ett_runs(study) if ett else [])]


def _jobs(study: Study, kind: str, runs: list[Run]) -> list[tuple[str, ...]]:
    """Returns the jobs of a kind of stage; a training that others follow, and that answers nothing, has its own."""
    jobs = STEPS[_STAGES[kind]].jobs(study, runs)
    answering = {run.path for run in runs}
    if kind in ("run", "first-stage"):
        return [ids for ids in jobs if (ids[0] in answering) == (kind == "run")]
    return list(jobs)


def _targets(study: Study, step: str, *runs: Run) -> str:
    """Returns one file of each job of a step behind some runs: the others come with it."""
    return " ".join(str(STEPS[step].outputs(study, *ids)[0]) for ids in STEPS[step].jobs(study, runs))


@dataclass(frozen=True)
class Stage:
    """What one stage of `dvc.yaml` versions: `outs`, the folder of their record, and that of their scores, if any."""

    folder: Path
    outs: tuple[Path, ...]
    scores: Path | None = None


def stages(study: Study, *, ett: bool = True) -> dict[str, Stage]:
    """Returns the stages of `dvc.yaml` that version what Snakemake makes, by name."""
    shared, own, results = (
        RECORDS / study.models_study.scale.id,
        RECORDS / study.results_id,
        Paths(study).results,
    )
    stages: dict[str, Stage] = {}
    for kind, verb in _STAGES.items():
        for ids in _jobs(study, kind, _runs(study, ett)):
            outs, folder = STEPS[verb].outputs(study, *ids), f"{kind.removesuffix('s')}s"
            more = [results / ids[0]] if kind == "run" else []
            stages["@".join((kind, *ids))] = Stage(
                (own if more else shared) / folder / ids[0],
                (*outs, *more),
                own / "scores" / ids[0] if more else None,
            )
    stages["blind"] = Stage(own / "blind", (results / "blind",), own / "scores/blind")
    for table in study.tables:
        outs = STEPS["tabulate"].outputs(study, table) + STEPS["draw-curves"].outputs(study, table)
        # dvc.yaml is one for all scales, and only one that pretrains has probes to draw.
        drawn = (out for out in outs if not str(out).endswith("-probes.svg"))
        stages[f"table@{table}"] = Stage(own / "tables" / table, tuple(drawn))
    if ett and makes_ett(study):
        checkpoints = Paths(study.models_study).checkpoints / "ett"
        stages[f"ett@{_ETT}"] = Stage(own / "ett", (checkpoints, results / "ett", EttPaths(study).pages))
    return stages


def parameters(study: Study, root: Path = Path(), *, ett: bool = True) -> Values:
    """Returns what each experiment depends on, by the sections that the stages of `dvc.yaml` name."""
    runs = _runs(study, ett)
    own = suites_of(study) if ett else ()
    suites = {name: _suite(study, name, runs[0]) for name in dict.fromkeys([*study.suites_shown(), *own])}
    # Several runs share one: what it depends on is asked for once.
    tokenizers = {_tokenizer_id(study, entry): entry for run in runs for entry in _lineage(study, run)}
    answered: dict[Subject, tuple[str, ...]] = {**study.suites_by_subject()}
    answered |= dict.fromkeys(ett_runs(study) if ett else [], own)
    shards = [ids[0] for ids in STEPS["write-shards"].jobs(study, runs)]
    llms = dict.fromkeys(
        [
            *(ids[0] for ids in STEPS["train-llm"].jobs(study, runs)),
            *study.answering_llms(),
            *(run.llm for run in runs),
        ]
    )
    return {
        "data": _data(study, root),
        "suites": suites,
        "shards": {name: _made_by(study, "write-shards", name) for name in shards},
        "llms": {llm: _llm(study, llm) for llm in llms},
        "tokenizers": {name: _tokenizer(study, entry) for name, entry in tokenizers.items()},
        "first_stages": {
            name: _made_by(study, "tune-mllm", name) for (name,) in _jobs(study, "first-stage", runs)
        },
        "runs": {
            run.path: _run(study, run) | _digests(suites, answers)
            for run, answers in answered.items()
            if isinstance(run, Run)
        },
        "tables": {
            table: _made_by(study, "tabulate", table)
            | _digests(suites, study.suites_shown(table))
            | _code(study, ("tabulate", table), ("draw-curves", table))
            for table in study.tables
        },
        "ett": {step: _made_by(study, step, *ids) for step, *ids in (_ett_jobs(study) if ett else [])},
    }


def _ett_jobs(study: Study) -> list[tuple[str, ...]]:
    """Returns the jobs that make ETT's tables besides its runs: each step once, whatever it ranges over."""
    if not makes_ett(study):
        return []
    drawn = [("teach-drawing", *ids) for ids in STEPS["teach-drawing"].jobs(study, ett_runs(study))][:1]
    measures = [
        (step,) for step in ("reconstruct", "generate") if STEPS[step].outputs(study)[0] in records(study)
    ]
    prompts = [("make-prompts",)] if drawn else []
    return [*prompts, *drawn, *measures, ("show-ett",)]


def _data(study: Study, root: Path) -> Values:
    scales = (study.scale, study.models_study.scale)
    pinned = {scale.data_root: pinned_digest(root / PINS, Path(scale.data_root)) for scale in scales}
    return {"pinned": pinned, **_made_by(study, "make-world")}


def _llm(study: Study, llm: str) -> Values:
    base = study.models_study.llm(llm).base
    tuned_from = {"base_spec": STEPS["train-llm"].spec(study, base)} if base else {}
    return _made_by(study, "train-llm", llm) | tuned_from


def _lineage(study: Study, run: Run) -> list[Pretrained]:
    """Returns a run's tokenizer behind those that it is made from, all of the run's seed."""
    names = [run.tokenizer] if of_ett(study, run) else study.models_study.lineage([run.tokenizer])
    return [Pretrained(tokenizer=name, seed=run.seed) for name in names]


def _tokenizer_id(study: Study, pretrained: Pretrained) -> str:
    """Returns under what a tokenizer's parameters are kept: one that is not pretrained has no seed."""
    made = study.models_study.pretrains(pretrained.tokenizer)
    return pretrained.path if made else pretrained.tokenizer


def _tokenizer(study: Study, pretrained: Pretrained) -> Values:
    if not study.models_study.pretrains(pretrained.tokenizer):
        return specs.tokenizer_spec(study.models_study, pretrained) | _made_for_ett(
            study, pretrained.tokenizer
        )
    names = study.models_study.tokenizer(pretrained.tokenizer).made_from
    parts = {name: pretrained.model_copy(update={"tokenizer": name}) for name in names}
    made_from = {name: _tokenizer(study, part) for name, part in parts.items()}
    return _made_by(study, "pretrain-tokenizer", pretrained.path) | (
        {"made_from": made_from} if made_from else {}
    )


def _made_for_ett(study: Study, tokenizer: str) -> Values:
    """Returns what the training of one of ETT's tokenizers depends on; nothing of another."""
    readers = [run for run in ett_runs(study) if run.tokenizer == tokenizer]
    steps = [step for step in ("train-ibq", "lengthen-ibq") if STEPS[step].jobs(study, readers)]
    nets = ["train-cell-nets"] if steps and STEPS["train-cell-nets"].outputs(study) else []
    return {step: _made_by(study, step) for step in (*nets, *steps)}


def _run(study: Study, run: Run) -> Values:
    answers = [("answer", *ids) for ids in STEPS["answer"].jobs(study, [run])]
    return _made_by(study, "tune-mllm", run.path) | _code(study, ("tune-mllm", run.path), *answers)


def _suite(study: Study, suite: str, run: Run) -> Values:
    spec = specs.score_spec(study, suite) | specs.answer_spec(study, suite)
    jobs: list[tuple[str, ...]] = [("score-run", run.path, suite)]
    if suite in study.suites_shown():
        jobs += [("fit-blind", suite), ("answer-blind", study.llms_of(suite)[0], suite)]
    return spec | _code(study, *jobs)


def _digests(suites: Values, names: tuple[str, ...]) -> Values:
    """Returns the chosen suites by digest alone: their content is stored once, in a section of its own."""
    return {"suites": {name: specs.spec_digest(suites[name]) for name in names}}


def _made_by(study: Study, step: str, *ids: str) -> Values:
    return STEPS[step].spec(study, *ids) | _code(study, (step, *ids))


def _code(study: Study, *jobs: tuple[str, ...]) -> Values:
    """Returns the digest of the code of some jobs, each a step and its ids, by step."""
    return {
        "code": {
            step: source_digest(
                STEPS[step].module, *STEPS[step].modules(study, *ids), without=STEPS[step].without
            )
            for step, *ids in jobs
        }
    }
