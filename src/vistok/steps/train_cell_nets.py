"""Trains ETT's networks that classify cells: the judge, the perceptual loss, and the features of rFID."""

import numpy as np

from vistok.checkpoints import save_checkpoint
from vistok.errors import VistokError
from vistok.files import digest_value
from vistok.grid.ett import EttPaths
from vistok.grid.ett_scale import check_nets, network_of, read_scale
from vistok.grid.ett_sizes import CellNetSize
from vistok.grid.marks import counted
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.probes.cell_net import CellNet, cell_labels, contents_of
from vistok.provenance import Stopwatch
from vistok.sources import source_digest
from vistok.steps.ett_models import cell_net_config
from vistok.steps.inputs import input_digests
from vistok.steps.training import training
from vistok.supervision.ibq.cell_learner import CellLearner, category_accuracy
from vistok.supervision.ibq.images import ImagePool
from vistok.training.curves import write_curves
from vistok.training.loop import Plan, make_deterministic, train


def run(study: Study) -> None:
    """Writes `checkpoints/<scale>/ett/{judge,perceptual,features}`, each a checkpoint with its curves.

    Raises:
        VistokError: the scale has no such nets, or one tells too few held-out objects.
    """
    check_nets(study)
    for name, size in read_scale(study).nets.items():
        _train(study, name, size)


def _train(study: Study, name: str, size: CellNetSize) -> None:
    stopwatch, paths, out = Stopwatch(), Paths(study), EttPaths(study).checkpoint(name)
    folders, pixels = (
        [paths.shards(each) for each in size.images],
        network_of(study).image_size,
    )
    inputs = input_digests(folders) | {"spec": digest_value([counted(size), pixels])}
    with training(paths, out, [inputs, source_digest(__name__)]) as work:
        if work is None:
            return
        make_deterministic(size.seed)
        pool = ImagePool(folders, pixels)
        objects = pool.objects()
        contents = contents_of(objects)
        net = CellNet(size.widths, contents)
        labels = cell_labels(objects, pool.sizes(), contents, cells=pixels >> len(size.widths))
        shown = len(pool) - size.held_out
        learner = CellLearner(net, pool, labels, shown=shown, batch=size.batch, seed=size.seed)
        plan = Plan(size.steps, size.optimiser, study.scale.save_every)
        curves = train(learner, plan, state=work.state, identity=work.identity, name=f"cell net {name}")
        accuracy = category_accuracy(net.eval(), pool, labels, np.arange(shown, len(pool)))
        _check(name, accuracy, size)
        save_checkpoint(
            work.out,
            net.state_dict(),
            cell_net_config(net, size, accuracy),
            work.about(stopwatch, inputs),
            also=lambda folder: write_curves(folder, curves),
        )


def _check(name: str, accuracy: float, size: CellNetSize) -> None:
    if accuracy < size.least:
        raise VistokError(
            f"the cell net {name!r} tells the category of {accuracy:.1f} % of the objects of {size.held_out} held-out "
            f"images, and {size.least:g} % are needed: nothing that it judges could be believed. Give it more `steps` "
            "in the scale's file below workflow/scales/ett."
        )
