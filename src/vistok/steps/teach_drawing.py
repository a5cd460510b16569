"""Trains one run's model of ETT to generate the codes of an image after its caption."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from vistok.chain.checkpoints import parts
from vistok.checkpoints import load_tensors, read_tensors, save_checkpoint
from vistok.datasets.shards import Shards
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.ett import EttPaths
from vistok.grid.ett_drawing import drawer_spec, learnt_from
from vistok.grid.ett_scale import generation_of, network_of, pair_folders
from vistok.grid.modules_of import parts_modules
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.headers import WEIGHTS
from vistok.mllm.drawers.base import Drawer, build_drawer
from vistok.provenance import Stopwatch, check_whole
from vistok.sources import source_digest
from vistok.steps.inputs import input_digests
from vistok.steps.models import load_trained
from vistok.steps.training import training
from vistok.supervision.ibq.drawing import DrawingLearner
from vistok.supervision.ibq.images import ImagePool
from vistok.training.curves import write_curves
from vistok.training.devices import device_of
from vistok.training.loop import Plan, make_deterministic, train

_AT_ONCE: Final = 100


def run(study: Study, target: Run) -> None:
    """Writes `checkpoints/<scale>/ett/drawers/<run>`: everything that is trained (not the tokenizer), and its curves.

    Raises:
        VistokError: the run's model, one of its parts or the images are missing or changed, or it has no codebook.
    """
    stopwatch, paths, size = Stopwatch(), EttPaths(study), generation_of(study).training
    job = study.scale.job("tune-mllm")
    inputs = _inputs(study, target)
    code = source_digest(__name__, *parts_modules(study, target.path))
    with training(Paths(study), paths.drawer(target), [inputs, code], gpus=job.gpus) as work:
        if work is None:
            return
        make_deterministic(target.seed)
        drawer = build_drawer(size.drawer, load_trained(study, target))
        folders, device = pair_folders(study), device_of(job.gpus)
        captions = [tuple(texts or ()) for folder in folders for texts in Shards(folder).column("captions")]
        check_captions(captions, folders)
        codes = _codes(drawer, ImagePool(folders, network_of(study).image_size), device)
        learner = DrawingLearner(drawer, codes, captions, size, target.seed)
        plan = Plan(
            size.steps, size.optimiser, study.scale.save_every, positions=job.positions, gpus=job.gpus
        )
        name = f"drawer {target.path}"
        curves = train(learner, plan, state=work.state, identity=work.identity, name=name)
        save_checkpoint(
            work.out,
            drawer.trained_tensors(),
            {"drawer": size.drawer.model_dump(mode="json")},
            work.about(stopwatch, inputs),
            also=lambda folder: write_curves(folder, curves),
        )


def load_drawer(study: Study, target: Run) -> Drawer:
    """Returns a trained model that draws.

    Raises:
        VistokError: its checkpoint or a part of it is missing or changed, or was made from other inputs.
    """
    folder = EttPaths(study).drawer(target)
    if check_whole(folder)["inputs"] != _inputs(study, target):
        raise VistokError(
            f"{folder} was made from other models, images or sizes than are there now. Delete it and make it again: "
            f"snakemake {folder} --cores 2, with the --config of its scale."
        )
    drawer = build_drawer(generation_of(study).training.drawer, load_trained(study, target))
    load_tensors(drawer, read_tensors(folder / WEIGHTS), source=folder, names=drawer.trained_tensors())
    return drawer.eval()


def _inputs(study: Study, target: Run) -> dict[str, str]:
    """Returns the digest of each input, and of the size."""
    made = [*learnt_from(study), Paths(study).mllm(target), *parts(study, target)]
    return input_digests(made) | {"spec": digest_value(drawer_spec(study, target.path))}


def check_captions(captions: Sequence[Sequence[str]], folders: Sequence[Path]) -> None:
    """Refuses images of which some have no caption.

    Raises:
        VistokError: says how many.
    """
    if silent := sum(not texts for texts in captions):
        raise VistokError(
            f"{silent} of {len(captions)} images in {', '.join(map(str, folders))} have no caption, from which drawing "
            "is learnt. Name sets with captions as `pairs` in the scale's file below workflow/scales/ett."
        )


def _codes(drawer: Drawer, pool: ImagePool, device: torch.device) -> torch.Tensor:
    batches, trunk = np.array_split(np.arange(len(pool)), -(-len(pool) // _AT_ONCE)), drawer.tokenizer.trunk
    trunk.to(device)
    return torch.cat([trunk.codes(pool.pixels(indices).to(device)).cpu() for indices in batches])
