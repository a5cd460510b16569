"""Draws Figure 3: the resampler's attention with and without FD, and how unlike its heads are over many images."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vistok.datasets.images import load_image
from vistok.datasets.preprocessing import Preprocessing
from vistok.errors import VistokError
from vistok.evaluation.statistics import interval_of_mean
from vistok.files import staged_file, write_json, write_text
from vistok.grid.pairs import Pair, shown_pair
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.mllm.attention import has_resampler, head_divergence, resampler_attention
from vistok.mllm.model import MultimodalModel
from vistok.pages.figures import Looks, draw_attention
from vistok.pages.templating import rounded
from vistok.steps.asking import ask
from vistok.steps.models import load_trained
from vistok.tables.questions import drawn_indices
from vistok.training.devices import device_of
from vistok.training.loop import make_deterministic

IMAGES = 4  # that the paper's figure shows about as many of
SEED = 0
_BATCH = 32


def run(study: Study) -> None:
    """Writes `paper_tables/<results>/figure-3.{svg,png,json}`.

    Two heads and one query are drawn by a seed, and so are the images: the first of those over which divergence is
    taken are shown.

    Raises:
        VistokError: no two runs differ in their tokenizer alone, a run has no resampler, or a checkpoint is wrong.
    """
    make_deterministic(0)
    pair = shown_pair(study)
    if pair is None:
        raise VistokError(
            "Figure 3 compares two runs that differ in their tokenizer: no table has two. Add a row."
        )
    images = _images(study)
    draws = np.random.default_rng(SEED)
    looks: list[Looks] = []
    query, heads = 0, (0, 1)
    for model_run in pair.runs:
        model = load_trained(study.models_study, model_run).to(
            device_of(study.scale.job("draw-attention").gpus)
        )
        if not has_resampler(model):
            raise VistokError(f"Figure 3 shows a resampler's attention, and {model_run.path} has none.")
        attention = _attention(study, model_run, model, images)
        if not looks:
            query = int(draws.integers(attention.shape[2]))
            first, second = draws.permutation(attention.shape[1])[:2]
            heads = (int(first), int(second))
        looks.append(_looks(_name(study, pair, model_run), attention, query, heads))
    _write(study, pair, looks, [np.asarray(image) for image in images[:IMAGES]], query, heads)


def _images(study: Study) -> list[Any]:
    """Returns photographs that are asked about, drawn by a seed, of the first task that has some."""
    for task in study.answered_tasks():
        questions = ask(study, task.id)
        if paths := [questions.images[image] for image in dict.fromkeys(questions.references.images)]:
            indices = drawn_indices(len(paths), study.scale.attention_images, SEED)
            return [load_image(paths[index], what="photograph") for index in indices]
    raise VistokError("Figure 3 shows photographs that are asked about: there are none.")


def _attention(study: Study, model_run: Run, model: MultimodalModel, images: Sequence[Any]) -> torch.Tensor:
    encoder = study.models_study.tapped(model_run)
    prepared = Preprocessing(encoder.image_size, encoder.normalisation)
    pixels = torch.stack([torch.as_tensor(prepared.evaluation(image)) for image in images])
    device = next(model.parameters()).device
    maps = [resampler_attention(model.eval(), batch.to(device)).cpu() for batch in pixels.split(_BATCH)]
    return torch.cat(maps).double()


def _looks(name: str, attention: torch.Tensor, query: int, heads: tuple[int, int]) -> Looks:
    values = head_divergence(attention).numpy()
    low, high = interval_of_mean(values, list(range(len(values))), shares=False) or (None, None)
    maps = _on_grid(attention[:IMAGES, list(heads), query].numpy())
    return Looks(name, maps, float(values.mean()), low, high, values)


def _on_grid(weights: NDArray[Any]) -> NDArray[Any]:
    """Returns attention over patches as maps of the image; tokens before them, as the class token, have no place."""
    side = isqrt(weights.shape[-1])
    return weights[..., -side * side :].reshape(*weights.shape[:-1], side, side)


def _name(study: Study, pair: Pair, model_run: Run) -> str:
    label = study.models_study.tokenizer(model_run.tokenizer).label.partition(" (")[0]
    return (
        label if not pair.distilled else f"{label}\n({'with' if model_run == pair.second else 'without'} FD)"
    )


def _write(
    study: Study,
    pair: Pair,
    looks: Sequence[Looks],
    images: Sequence[Any],
    query: int,
    heads: tuple[int, int],
) -> None:
    vector, picture = draw_attention(images, looks, query, heads)
    paths = Paths(study)
    write_text(paths.figure(3, "svg"), vector)
    with staged_file(paths.figure(3, "png")) as partial:
        partial.write_bytes(picture)
    runs = {
        run.path: {
            "divergence_bits": rounded(look.divergence),
            "interval": None
            if look.low is None or look.high is None
            else [rounded(look.low), rounded(look.high)],
            "images": len(look.values),
        }
        for run, look in zip(pair.runs, looks, strict=True)
    }
    write_json(
        paths.figure(3, "json"),
        {"distilled": pair.distilled, "query": query, "heads": list(heads), "runs": runs},
    )
