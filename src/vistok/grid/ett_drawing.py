"""What images are drawn from and by whom: the rows of Table 4, the files of their jobs, and what those depend on."""

from collections.abc import Sequence
from pathlib import Path

from vistok.grid.ett import EttPaths, EttRow
from vistok.grid.ett_generation import PublishedPrompts
from vistok.grid.ett_scale import (
    IBQ,
    LONGER,
    generation_of,
    made_prompts_of,
    makes_ett,
    painted_by,
    pair_folders,
    read_scale,
    tables_of,
)
from vistok.grid.files_of import parts
from vistok.grid.marks import counted
from vistok.grid.paths import Paths
from vistok.grid.runs import Run, Subject
from vistok.grid.specs import Spec
from vistok.grid.step import Ids
from vistok.grid.study import Study


def prompts_spec(study: Study) -> Spec:
    """Returns what the prompts, and the images to learn from, depend on; nothing where they are published."""
    if publishes_prompts(study):
        return {}
    size = made_prompts_of(study)
    return {name: getattr(size, name) for name in ("seed", "pairs", "captions", "prompts", "true_images")}


def publishes_prompts(study: Study) -> bool:
    """Returns whether a study's scale takes published prompts, and images with captions that it has anyway."""
    return makes_ett(study.models_study) and isinstance(
        read_scale(study.models_study).generation, PublishedPrompts
    )


def prompts_outputs(study: Study) -> list[Path]:
    """Returns the folder of prompts that a scale makes; none where they are published."""
    return [] if publishes_prompts(study) else [EttPaths(study).prompts]


def learnt_from(study: Study) -> list[Path]:
    """Returns the images with captions that models learn to draw from; of a world, with what else is made of it."""
    return pair_folders(study) if publishes_prompts(study) else [EttPaths(study).prompts]


def drawer_inputs(study: Study, run: str) -> list[Path]:
    """Returns what a run's model is taught to draw with: itself, its parts, and images with captions."""
    return [*learnt_from(study), Paths(study).mllm(run), *parts(study, run)]


def drawer_spec(study: Study, run: str) -> Spec:
    """Returns what a model that draws depends on besides those."""
    return {"training": counted(generation_of(study).training)}


def drawing_rows(study: Study) -> list[tuple[EttRow, Run]]:
    """Returns the rows of Table 4, each with the run of its first seed: what draws."""
    llm = read_scale(study.models_study).llm
    return [(row, row.runs(llm, 1)[0]) for row in tables_of(study)["table-4"].rows]


def drawing_jobs(study: Study, runs: Sequence[Subject]) -> list[Ids]:
    """Returns those of some runs whose models learn to draw."""
    draws = makes_ett(study.models_study) and read_scale(study.models_study).generation
    drawing = {run for _, run in drawing_rows(study)} if draws else set()
    return [(run.path,) for run in runs if run in drawing]


def drawn_name(row: EttRow, *, guided: bool) -> str:
    """Returns what a row's drawn images are called in the record of generation."""
    return f"{row.tokenizer}/{row.recipe}" + ("/guided" if guided else "")


def painters(study: Study) -> dict[str, Run | None]:
    """Returns the tokenizers of those rows, by the names that the record of reconstruction has; with what tuned it."""
    tuned = {run.recipe: run for row, run in drawing_rows(study) if painted_by(study, row) == row.recipe}
    return {IBQ: None, LONGER: None, **tuned}


def generation_spec(study: Study) -> Spec:
    """Returns what the scores of drawn images depend on besides the models."""
    size = generation_of(study)
    if isinstance(size, PublishedPrompts):
        return {name: value for name, value in counted(size).items() if name not in ("training", "at_once")}
    fields = {name: getattr(size, name) for name in ("least", "images", "seed", "guidance")}
    return fields | {"resamples": study.scale.bootstrap_resamples}


def generation_inputs(study: Study) -> list[Path]:
    """Returns the prompts, what judges images of them, the tokenizers that paint them, and the models that draw."""
    paths, size = EttPaths(study), generation_of(study)
    runs = [run for _, run in drawing_rows(study)]
    if isinstance(size, PublishedPrompts):
        learnt = [path for run in runs for path in (paths.drawer(run), Paths(study).mllm(run))]
        whole = [path for run in runs for path in parts(study, run.path)]
        prompts = Paths(study.models_study).digest(size.prompts)
        return list(dict.fromkeys([prompts, *pair_folders(study), *learnt, *whole]))
    made = [paths.checkpoint(name) for name in (IBQ, LONGER, "judge")]
    drawers = [path for run in runs for path in (paths.drawer(run), Paths(study).mllm(run))]
    return [paths.prompts, *made, *drawers]
