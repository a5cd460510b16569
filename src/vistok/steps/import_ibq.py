"""Imports a tokenizer with a codebook that its authors released, and LPIPS, by which it is tuned: into checkpoints."""

import numpy as np

from vistok.checkpoints import read_tensors, save_checkpoint
from vistok.evaluation.reconstruction import psnr
from vistok.files import digest_file, digest_value
from vistok.grid.ett import EttPaths
from vistok.grid.ett_files import LPIPS, VGG, ibq_spec
from vistok.grid.ett_scale import IBQ, network_of
from vistok.grid.ett_sizes import TokenizerRelease
from vistok.grid.needs import tokenizer_weights_name
from vistok.grid.paths import PERCEPTUAL, Paths
from vistok.grid.study import Study
from vistok.planning.foreign import weight_digests
from vistok.provenance import Stopwatch
from vistok.steps.ett_models import ibq_config
from vistok.steps.inputs import input_digests
from vistok.steps.training import training
from vistok.supervision.ibq.gates import RELEASED, check_likeness, check_use
from vistok.supervision.ibq.images import ImagePool
from vistok.supervision.ibq.learner import first_images, use_of
from vistok.supervision.ibq.lpips import from_released
from vistok.tokenizers.ibq.model import Ibq
from vistok.tokenizers.weights import load_tokenizer
from vistok.training.loop import make_deterministic


def import_release(study: Study, size: TokenizerRelease, *, code: str) -> None:
    """Writes the checkpoints of a released tokenizer, with the use of its codes, and of LPIPS.

    Args:
        size: which it is, and what it is measured on.
        code: the digest of the code that decides them.

    Raises:
        VistokError: a file is missing, has changed since it was listed, or is another one; too few codes are in use, or
            reconstructions are unlike their images.
    """
    _import_perceptual(study, code)
    _import_tokenizer(study, size, code)


def _import_perceptual(study: Study, code: str) -> None:
    stopwatch, paths, out = Stopwatch(), Paths(study), EttPaths(study).checkpoint(PERCEPTUAL)
    vgg, learnt = files = (paths.data / VGG, paths.data / LPIPS)
    tensors = from_released(read_tensors(vgg), read_tensors(learnt), sources=files)
    inputs = {name: digest_file(paths.data / name) for name in (VGG, LPIPS)}
    with training(paths, out, [inputs, code]) as work:
        if work:
            save_checkpoint(work.out, tensors, {"kind": "lpips"}, work.about(stopwatch, inputs))


def _import_tokenizer(study: Study, size: TokenizerRelease, code: str) -> None:
    stopwatch, paths, out = Stopwatch(), Paths(study), EttPaths(study).checkpoint(IBQ)
    folder, name = paths.shards(size.images[0]), tokenizer_weights_name(study, size.released)
    inputs = input_digests([folder]) | {"spec": digest_value(ibq_spec(study))}
    inputs |= weight_digests(study, [name] if name else [])
    with training(paths, out, [inputs, code]) as work:
        if work is None:
            return
        make_deterministic(size.seed)
        encoder, network = study.encoder(size.released), network_of(study)
        model = load_tokenizer(encoder, checkpoint=None, data_root=paths.data).trunk.eval()
        pool, what = ImagePool([folder], network.image_size), f"the tokenizer {size.released!r}"
        use = use_of(model, pool, size.gate_images)
        check_use(use, size.least_use, what, otherwise=RELEASED)
        decibels = _likeness(model, pool, size.gate_images)
        check_likeness(decibels, size.least_psnr, what)
        config = ibq_config(network, use) | {"psnr": round(decibels, 4)}
        save_checkpoint(work.out, model.state_dict(), config, work.about(stopwatch, inputs))


def _likeness(model: Ibq, pool: ImagePool, images: int) -> float:
    """Returns the mean PSNR of the first images of a pool against their reconstructions."""
    each = [
        psnr(batch.cpu().numpy(), model.reconstructed(batch).cpu().numpy())
        for batch in first_images(model, pool, images)
    ]
    return float(np.concatenate(each).mean())
