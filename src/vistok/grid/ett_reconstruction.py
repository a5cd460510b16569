"""What reconstructions are measured with: the files, the questions and the modules of that step."""

from pathlib import Path
from typing import Final

from vistok.grid.ett import EttPaths
from vistok.grid.ett_scale import IBQ, LONGER, TASK, read_scale, tuned_runs
from vistok.grid.files_of import parts
from vistok.grid.kinds import task_kind_modules
from vistok.grid.marks import SCORING, counted
from vistok.grid.modules_of import parts_modules
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.specs import Spec, task_spec
from vistok.grid.study import Study

ASKED: Final = (TASK, "coco-mci")  # what is asked about reconstructions


def reader_of(study: Study) -> Run:
    """Returns the model of the study that is asked about reconstructions: its row of CLIP, frozen."""
    return Run(tokenizer="clip", recipe="frozen", llm=read_scale(study.models_study).llm, seed=0)


def reconstruction_inputs(study: Study) -> list[Path]:
    """Returns the measured models, those that measure them, and the images of the reference rows and of the probe."""
    tuned = [Paths(study).mllm(run) for run in tuned_runs(study)]
    if read_scale(study.models_study).reconstruction:
        parts_of_tuned = [path for run in tuned_runs(study) for path in parts(study, run.path)]
        own = [EttPaths(study).checkpoint(name) for name in (IBQ, LONGER)]
        return list(dict.fromkeys([*own, *tuned, *parts_of_tuned]))
    models = [EttPaths(study).checkpoint(name) for name in (IBQ, LONGER, "judge", "features")]
    reader, probe_set = reader_of(study), study.models_study.scale.probe_set
    sets = [read_scale(study).tokenizer.images[0], *([probe_set] if probe_set else [])]
    read = [Paths(study).mllm(reader), *parts(study, reader.path)]
    return [*models, *tuned, *read, *(Paths(study).shards(name) for name in dict.fromkeys(sets))]


def reconstruction_spec(study: Study) -> Spec:
    """Returns what the measurements of reconstructions depend on besides the models: what is asked, and its scoring."""
    if photographs := read_scale(study.models_study).reconstruction:
        return counted(photographs) | {"bootstrap_resamples": study.scale.bootstrap_resamples}
    return {
        "tasks": {task: task_spec(study, task, SCORING) for task in ASKED},
        "answer_batch": study.scale.answer_batch,
        "bootstrap_resamples": study.scale.bootstrap_resamples,
    }


def reconstruction_modules(study: Study) -> list[str]:
    """Returns the modules of what answers questions about reconstructions, and of their kinds."""
    if read_scale(study.models_study).reconstruction:
        return list(
            dict.fromkeys(
                name for run in tuned_runs(study) for name in parts_modules(study.models_study, run.path)
            )
        )
    kinds = task_kind_modules(study.task(task).kind for task in ASKED)
    return [*parts_modules(study.models_study, reader_of(study).path), *kinds]
