"""What the steps of ETT that all its rows share read and write, what they depend on, and what its tables show."""

from pathlib import Path
from typing import Final

from vistok.grid.ett import EttPaths
from vistok.grid.ett_generation import PublishedPrompts
from vistok.grid.ett_scale import (
    IBQ,
    longer_repeats,
    longer_training,
    makes_ett,
    network_of,
    own_blind,
    read_scale,
    runs_of,
    tables_of,
)
from vistok.grid.ett_sizes import NETS, TokenizerRelease
from vistok.grid.marks import LABEL, SCORING, counted, marked
from vistok.grid.needs import tokenizer_weights, tokenizer_weights_name, weight_names
from vistok.grid.paths import PERCEPTUAL, Paths
from vistok.grid.runs import Run
from vistok.grid.specs import Spec, cut_spec
from vistok.grid.study import Study

# LPIPS as published: VGG16 of torchvision, and the learnt weights of its maps; below the data root.
VGG: Final = "weights/vgg16-397923af.pth"
LPIPS: Final = "weights/lpips/vgg.pth"


def net_outputs(study: Study) -> list[Path]:
    """Returns the checkpoints of the networks; of a scale with a released tokenizer there are none."""
    names = () if _released(study) else NETS
    return [EttPaths(study).checkpoint(name) for name in names]


def net_inputs(study: Study) -> list[Path]:
    """Returns the shards that the networks are trained on."""
    sets = dict.fromkeys(name for net in read_scale(study.models_study).nets.values() for name in net.images)
    return [Paths(study).shards(name) for name in sets]


def nets_spec(study: Study) -> Spec:
    """Returns what the networks depend on besides their images."""
    scale = read_scale(study.models_study)
    return {
        "pixels": network_of(study).image_size,
        **{name: counted(net) for name, net in scale.nets.items()},
    }


def ibq_outputs(study: Study) -> list[Path]:
    """Returns the tokenizer's checkpoint; a released one is imported together with LPIPS, its perceptual net."""
    names = (IBQ, PERCEPTUAL) if _released(study) else (IBQ,)
    return [EttPaths(study).checkpoint(name) for name in names]


def ibq_inputs(study: Study) -> list[Path]:
    """Returns the tokenizer's images, and the network of its perceptual loss; or the digests of released files."""
    models_study = study.models_study
    sets = [Paths(study).shards(name) for name in read_scale(models_study).tokenizer.images]
    if released := _released(study):
        weights = tokenizer_weights_name(models_study, released.released)
        names = [*([weights] if weights else []), VGG, LPIPS]
        return [*(Paths(models_study).digest(name) for name in names), sets[0]]
    return [EttPaths(study).checkpoint(PERCEPTUAL), *sets]


def ibq_spec(study: Study) -> Spec:
    """Returns what the tokenizer depends on besides what it is trained on."""
    spec = counted(read_scale(study.models_study).tokenizer)
    if released := _released(study):
        spec |= {"encoder": counted(study.models_study.encoder(released.released))}
    return spec


def longer_inputs(study: Study) -> list[Path]:
    """Returns the tokenizer, and what it is trained on for longer."""
    sets = [Paths(study).shards(name) for name in longer_training(study.models_study).images]
    return [*(EttPaths(study).checkpoint(name) for name in (IBQ, PERCEPTUAL)), *sets]


def longer_spec(study: Study) -> Spec:
    """Returns what the longer training depends on besides the tokenizer and its images."""
    models_study = study.models_study
    spec, repeats = counted(longer_training(models_study)), longer_repeats(models_study)
    if set(repeats) != {1}:
        spec |= {"repeats": list(repeats)}
    return spec | cut_spec(models_study)


def measured(study: Study) -> list[Path]:
    """Returns the measurements of a scale's own models; nothing if it has none."""
    if not makes_ett(study):
        return []
    paths, files = Paths(study), dict.fromkeys(records(study))
    for table in tables_of(study).values():
        for task in table.tasks:
            metrics = [paths.metrics(run, task) for run in runs_of(study, table)]
            files |= dict.fromkeys([*metrics, blind_file(study, task)])
    return list(files)


def shown_spec(study: Study) -> Spec:
    """Returns what the rendered tables depend on besides what is measured: the words that they may print."""
    tables, models_study = tables_of(study), study.models_study
    made = makes_ett(study)
    rows = [row for table in tables.values() for row in table.rows] if made else []
    tasks = dict.fromkeys(task for table in tables.values() for task in table.tasks)
    return {
        "tables": {name: table.model_dump(mode="json") for name, table in tables.items()},
        "tasks": {task: marked(study.task(task), LABEL, SCORING) for task in tasks},
        "tokenizers": {row.tokenizer: marked(models_study.tokenizer(row.tokenizer), LABEL) for row in rows},
    }


def blind_file(study: Study, task: str) -> Path:
    """Returns the blind baselines of one of ETT's tasks: the study's, or its own, with another language model."""
    own = own_blind(study, study.task(task).suite)
    return Paths(study).results / "ett/blind" / task / "metrics.json" if own else Paths(study).blind(task)


def blind_files(study: Study, suite: str) -> list[Path]:
    """Returns the blind baselines of a suite that are ETT's own."""
    return [Paths(study).results / "ett/blind" / task.id / "metrics.json" for task in study.suite(suite)]


def blind_answers(study: Study, suite: str) -> list[Path]:
    """Returns what ETT's language model answers to a suite without the image."""
    llm, paths = read_scale(study).llm, Paths(study)
    return [paths.blind_predictions(llm, task.id) for task in study.suite(suite)]


def ett_runs(study: Study) -> list[Run]:
    """Returns the runs of all rows of ETT's tables, each once; none at a scale without models of it."""
    tables = tables_of(study).values() if makes_ett(study) else ()
    return list(dict.fromkeys(run for table in tables for run in runs_of(study, table)))


def released_tokenizer(study: Study) -> str | None:
    """Returns the entry of the released tokenizer that a scale takes; None where it trains one, or has none."""
    released = _released(study)
    return released.released if released else None


def released_files(study: Study) -> list[str]:
    """Returns the released files, below the data root, that a scale imports; none of a scale that trains its own."""
    released = _released(study)
    weights = tokenizer_weights(study.models_study, released.released) if released else None
    return [*([weights] if weights else []), *_of_lpips(study)]


def listed_files(study: Study) -> list[str]:
    """Returns which of these are listed by their own name below the data root, where they are there."""
    root = Paths(study.models_study).data
    names = [*_of_lpips(study), *photograph_files(study), *prompt_files(study)]
    return [name for name in names if (root / name).exists()]


def photograph_files(study: Study) -> list[str]:
    """Returns the photographs below the data root that a scale measures reconstructions on, and with what."""
    scale = read_scale(study.models_study) if makes_ett(study) else None
    return [*scale.reconstruction.files] if scale and scale.reconstruction else []


def prompt_files(study: Study) -> list[str]:
    """Returns the published prompts below the data root that a scale draws images for."""
    size = read_scale(study.models_study).generation if makes_ett(study) else None
    return [size.prompts] if isinstance(size, PublishedPrompts) else []


def listed_weights(study: Study) -> list[str]:
    """Returns what the weights are listed as that ETT's rows start from, and that the scale does not make itself."""
    released = _released(study)
    own = [released.released] if released else []
    names = [tokenizer_weights_name(study.models_study, name) for name in own]
    return [*(name for name in names if name), *weight_names(study.models_study, ett_runs(study))]


def records(study: Study) -> list[Path]:
    """Returns what a scale measures of its tokenizers' reconstructions and of the images that its models draw."""
    if not makes_ett(study):
        return []
    scale, paths = read_scale(study), EttPaths(study)
    reconstruction = [paths.reconstruction] if scale.reconstructs else []
    return reconstruction + ([paths.generation] if scale.generation else [])


def _of_lpips(study: Study) -> list[str]:
    return [VGG, LPIPS] if _released(study) else []


def _released(study: Study) -> TokenizerRelease | None:
    """Returns the released tokenizer that a study's scale takes; None where it trains one, or has none."""
    made = read_scale(study.models_study).tokenizer if makes_ett(study) else None
    return made if isinstance(made, TokenizerRelease) else None
