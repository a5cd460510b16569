"""The experiments of a study as DVC needs them: their list, and all that each one's result depends on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from vistok.files import write_text
from vistok.grid import specs
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.values import Run
from vistok.pins import PINS, pinned_digest
from vistok.sources import source_digest

LIST: Final = Path("workflow/experiments.yaml")
RECORDS: Final = Path("records")
_HEADER: Final = (
    "# Made from workflow/grid by `vistok export-experiments`; dvc.yaml has one stage for each entry.\n"
)
Values = dict[str, Any]


def export(study: Study, root: Path = Path()) -> None:
    """Writes the list of experiments, and `records/<results>/params.yaml`: what they depend on."""
    write_text(root / LIST, _HEADER + yaml.safe_dump(listing(study), sort_keys=False))
    values = json.loads(json.dumps(parameters(study, root)))  # plain lists and texts alone
    write_text(root / RECORDS / study.results_id / "params.yaml", yaml.safe_dump(values))


def listing(study: Study) -> Values:
    """Returns what `dvc.yaml` is templated from: the ids of everything that is made, and under which names."""
    models, runs, paths = study.models, study.runs(), Paths(study)
    suites, first = study.suites_by_run(), {suite: tasks[0].id for suite, tasks in study.suites.items()}
    tokenizers = [name for name in dict.fromkeys(run.tokenizer for run in runs) if models.pretrains(name)]
    return {
        "scale": study.scale.id,
        "split": study.split,
        "results": study.results_id,
        "models": models.scale.id,
        "shards": _image_sets(models, tokenizers),
        "llms": _llms(models, runs) if models.scale.language_model else [],
        "tokenizers": tokenizers,
        # Of a job's files one is named, and all come.
        "runs": {
            run.path: {
                "tokenizer": run.tokenizer,
                "llm": run.llm,
                "metrics": " ".join(str(paths.metrics(run, first[suite])) for suite in suites[run]),
            }
            for run in runs
        },
        "blind": " ".join(str(paths.blind(first[suite])) for suite in study.suites_shown()),
        "tables": list(study.tables),
    }


@dataclass(frozen=True)
class Stage:
    """What one stage of `dvc.yaml` versions: `outs`, and the folder of their record."""

    folder: Path
    outs: tuple[Path, ...]


def stages(study: Study) -> dict[str, Stage]:
    """Returns the stages of `dvc.yaml` that version what Snakemake makes, by name."""
    listed, paths = listing(study), Paths(study)
    shared, own = RECORDS / listed["models"], RECORDS / listed["results"]
    found = {
        f"shards@{name}": Stage(shared / "shards" / name, (paths.shards(name),)) for name in listed["shards"]
    }
    for name in listed["llms"]:
        found[f"llm@{name}"] = Stage(shared / "llms" / name, (paths.llm(name),))
    for name in listed["tokenizers"]:
        found[f"tokenizer@{name}"] = Stage(shared / "tokenizers" / name, (paths.tokenizer(name),))
    for run in study.runs():
        outs = (paths.mllm(run), paths.results / run.path)
        found[f"run@{run.path}"] = Stage(own / "runs" / run.path, outs)
    found["blind"] = Stage(own / "blind", (paths.results / "blind",))
    for table in study.tables:
        files = [paths.table(table, suffix) for suffix in ("csv", "md", "tex", "html")]
        curves = files[0].with_name(f"{table}-curves.png")
        found[f"table@{table}"] = Stage(own / "tables" / table, (*files, curves))
    return found


def parameters(study: Study, root: Path = Path()) -> Values:
    """Returns what each experiment depends on, by the sections that the stages of `dvc.yaml` name."""
    models = study.models
    listed = listing(study)
    suites = {name: _suite(study, name) for name in study.suites_shown()}
    return {
        "data": _data(study, root),
        "suites": suites,
        "shards": {
            name: specs.shards_spec(models, name) | _code("write_shards") for name in listed["shards"]
        },
        "llms": {llm: _llm(models, llm) for llm in {run.llm for run in study.runs()} | {*listed["llms"]}},
        "tokenizers": {run.tokenizer: _tokenizer(models, run.tokenizer) for run in study.runs()},
        "runs": {
            run.path: _run(models, run) | _digests(suites, own) for run, own in study.suites_by_run().items()
        },
        "tables": {
            table: specs.table_spec(study, table)
            | _digests(suites, study.suites_shown(table))
            | _code("tabulate", "draw_curves")
            for table in study.tables
        },
    }


def encoder_module(study: Study, tokenizer: str) -> str:
    """Returns the module that builds a tokenizer's kind of encoder."""
    return f"vistok.tokenizers.{study.encoder(tokenizer).library.replace('-', '_')}_encoder"


def objective_module(study: Study, tokenizer: str) -> str:
    """Returns the module of the supervision that a tokenizer is pretrained under."""
    return f"vistok.supervision.{str(study.tokenizer(tokenizer).objective).replace('-', '_')}"


def _image_sets(models: Study, tokenizers: list[str]) -> list[str]:
    pretraining = [models.tokenizer(name).image_set for name in tokenizers]
    probe = [models.scale.probe_set] if tokenizers else []
    return [name for name in dict.fromkeys([*models.scale.mixture, *pretraining, *probe]) if name]


def _llms(models: Study, runs: tuple[Run, ...]) -> list[str]:
    """Returns the language models that are trained: those of the runs, each behind what it is tuned from."""
    names = (name for run in runs for name in (models.llm(run.llm).base, run.llm))
    return list(dict.fromkeys(name for name in names if name))


def _data(study: Study, root: Path) -> Values:
    scales = (study.scale, study.models.scale)
    pinned = {scale.data_root: pinned_digest(root / PINS, Path(scale.data_root)) for scale in scales}
    return {"pinned": pinned, **specs.world_spec(study.models), **_code("make_world")}


def _llm(models: Study, llm: str) -> Values:
    base = models.llm(llm).base
    tuned_from = {"base_spec": specs.llm_spec(models, base)} if base else {}
    return specs.llm_spec(models, llm) | tuned_from | _code("train_llm")


def _tokenizer(models: Study, tokenizer: str) -> Values:
    spec = specs.tokenizer_spec(models, tokenizer)
    if not models.pretrains(tokenizer):
        return spec
    chosen = (objective_module(models, tokenizer), encoder_module(models, tokenizer))
    return spec | _code("pretrain_tokenizer", chosen=chosen)


def _run(models: Study, run: Run) -> Values:
    chosen = (encoder_module(models, run.tokenizer),)
    return specs.mllm_spec(models, run) | _code("tune_mllm", "answer", chosen=chosen)


def _suite(study: Study, suite: str) -> Values:
    spec = specs.score_spec(study, suite) | specs.answer_spec(study, suite)
    return spec | _code("score_run", "fit_blind", "answer_blind")


def _digests(suites: Values, chosen: tuple[str, ...]) -> Values:
    """Returns the chosen suites by digest alone: what is in them stands once, in a section of its own."""
    return {"suites": {name: specs.spec_digest(suites[name]) for name in chosen}}


def _code(*steps: str, chosen: tuple[str, ...] = ()) -> Values:
    return {"code": {step: source_digest(f"vistok.steps.{step}", *chosen) for step in steps}}
