"""ETT's steps among those of the workflow: what each ranges over, reads and writes, and what its result depends on."""

from typing import Final

from vistok.grid import ett_drawing, ett_files, ett_reconstruction, ett_scale, jobs_of, modules_of, specs
from vistok.grid.ett import EttPaths, printed
from vistok.grid.step import Step

STEPS_OF_ETT: Final = (
    Step(
        "train-cell-nets",
        outputs=ett_files.net_outputs,
        inputs=ett_files.net_inputs,
        spec=ett_files.nets_spec,
        shared=True,
        size="write-shards",
    ),
    Step(
        "train-ibq",
        jobs=lambda study, runs: jobs_of.of_tokenizer(
            study, runs, ett_scale.IBQ, ett_scale.CODES, ett_scale.LONGER
        ),
        outputs=ett_files.ibq_outputs,
        inputs=ett_files.ibq_inputs,
        spec=ett_files.ibq_spec,
        shared=True,
        size="write-shards",
    ),
    Step(
        "lengthen-ibq",
        jobs=lambda study, runs: jobs_of.of_tokenizer(study, runs, ett_scale.LONGER),
        outputs=lambda study: [EttPaths(study).checkpoint(ett_scale.LONGER)],
        inputs=ett_files.longer_inputs,
        spec=ett_files.longer_spec,
        shared=True,
        size="tune-mllm",
    ),
    Step(
        "make-prompts",
        outputs=ett_drawing.prompts_outputs,
        spec=ett_drawing.prompts_spec,
        shared=True,
        size="write-shards",
    ),
    Step(
        "teach-drawing",
        jobs=ett_drawing.drawing_jobs,
        outputs=lambda study, run: [EttPaths(study).drawer(run)],
        inputs=ett_drawing.drawer_inputs,
        spec=ett_drawing.drawer_spec,
        modules=lambda study, run: modules_of.parts_modules(study.models_study, run),
        shared=True,
        size="tune-mllm",
    ),
    Step(
        "reconstruct",
        outputs=lambda study: [EttPaths(study).reconstruction],
        inputs=ett_reconstruction.reconstruction_inputs,
        reads_data=True,
        spec=ett_reconstruction.reconstruction_spec,
        modules=ett_reconstruction.reconstruction_modules,
        size="answer",
    ),
    Step(
        "generate",
        outputs=lambda study: [EttPaths(study).generation, EttPaths(study).sheet],
        inputs=ett_drawing.generation_inputs,
        spec=ett_drawing.generation_spec,
        size="answer",
    ),
    Step(
        "fit-ett-blind",
        jobs=lambda study, runs: jobs_of.fittings(study, runs, own=True),
        outputs=ett_files.blind_files,
        inputs=ett_files.blind_answers,
        reads_data=True,
        spec=lambda study, suite: specs.score_spec(study, suite),
        modules=lambda study, suite: modules_of.suite_modules(study, suite),
        size="fit-blind",
    ),
    Step(
        "show-ett",
        outputs=lambda study: [*EttPaths(study).shown(), EttPaths(study).cells],
        inputs=lambda study: [*printed(), *ett_files.measured(study)],
        spec=ett_files.shown_spec,
        size="tabulate",
    ),
)
