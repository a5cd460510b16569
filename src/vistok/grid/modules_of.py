"""The modules that a step's jobs look up by an id of the grid, besides those that its code imports."""

from collections.abc import Iterable

from vistok.grid.fields import OBJECTIVES, RELEASED_KINDS
from vistok.grid.kinds import module_of, task_kind_modules
from vistok.grid.runs import Run
from vistok.grid.study import Study


def encoder_module(study: Study, tokenizer: str) -> str:
    """Returns the module that builds a tokenizer's kind of encoder."""
    return module_of("tokenizers", f"{study.encoder(tokenizer).library}-encoder")


def language_model_module(study: Study, llm: str) -> str:
    """Returns the module of a language model's kind."""
    return module_of("mllm/language_models", study.llm(llm).kind)


def objective_module(study: Study, tokenizer: str) -> str:
    """Returns the module of the supervision that a tokenizer is pretrained under."""
    return module_of(OBJECTIVES, str(study.tokenizer(tokenizer).objective))


def pretraining_modules(study: Study, pretrained: str) -> list[str]:
    """The modules that a pretraining looks up: its objective, and each kind of encoder that it builds."""
    tokenizer = study.models_study.pretrained(pretrained).tokenizer
    built = (tokenizer, *study.models_study.tokenizer(tokenizer).made_from)
    encoders = dict.fromkeys(encoder_module(study.models_study, name) for name in built)
    return [objective_module(study.models_study, tokenizer), *encoders]


def parts_modules(study: Study, run: str) -> list[str]:
    """Returns the modules of the encoder, the connector and the language model of a run."""
    parsed = study.run(run)
    return [
        encoder_module(study, parsed.tokenizer),
        module_of("mllm/connectors", study.recipe(parsed.recipe).connector.kind),
        language_model_module(study, parsed.llm),
    ]


def tuning_modules(study: Study, run: str) -> list[str]:
    """Returns the modules that an MLLM's training looks up: its parts', its learner's and its task kinds'."""
    recipe = study.recipe(study.run(run).recipe)
    learner = module_of("steps/learners", recipe.learner)
    return [*parts_modules(study, run), learner, *task_kind_modules(recipe.turns)]


def suite_modules(study: Study, suite: str) -> list[str]:
    """Returns the modules of the task kinds that a suite asks."""
    return task_kind_modules(task.kind for task in study.suite(suite))


def table_modules(study: Study, tables: Iterable[str]) -> list[str]:
    """Returns the modules of the task kinds that some tables show."""
    columns = (column for table in tables for column in study.table(table).columns)
    return task_kind_modules(study.task(column.task).kind for column in columns)


def asked_modules(study: Study) -> list[str]:
    """Returns the modules of the task kinds that a study asks."""
    return task_kind_modules(task.kind for task in study.answered_tasks())


def page_modules(study: Study) -> list[str]:
    """Returns the modules of all task kinds that a study's page shows."""
    return list(dict.fromkeys([*table_modules(study, study.tables), *asked_modules(study)]))


def attention_modules(study: Study, runs: Iterable[Run]) -> list[str]:
    """Returns the modules of the parts of the runs whose attention is drawn, and of the questions' task kinds."""
    modules = [module for run in runs for module in parts_modules(study.models_study, run.path)]
    return list(dict.fromkeys([*modules, *asked_modules(study)]))


def answering_modules(study: Study, subject: str) -> list[str]:
    """The module that builds a run's encoder, or the one that loads a released model."""
    parsed = study.models_study.subject(subject)
    if isinstance(parsed, Run):
        return parts_modules(study.models_study, subject)
    return [module_of(RELEASED_KINDS, study.models_study.released_model(parsed.model).kind)]


def ceiling_modules(study: Study) -> list[str]:
    return list(
        dict.fromkeys(
            encoder_module(study.models_study, name) for name in study.models_study.scale.ceilings.values()
        )
    )
