"""The cost of training and answering, in floating-point operations and bytes, from the numbers of the grid alone.

Operations follow the usual count of 2 per parameter and token for a forward pass: the same again for gradients that
pass through, and once more for gradients of trained weights. Attention between tokens is left out: at 32 visual tokens
and short questions it is a few per cent.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vistok.evaluation.kinds import task_kind
from vistok.grid.downloads import downloads_for, load_downloads
from vistok.grid.ett import NetworkSize
from vistok.grid.ett_memory import kept_bytes, kept_to_read, positions_of
from vistok.grid.ett_scale import generation_of, longer_training
from vistok.grid.recipes import Recipe
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.grid.tokenizers import Encoder
from vistok.planning.answering import answering, answering_blind
from vistok.planning.cost import AROUND_IMAGE, Cost, bytes_of, connector_of

# About the longest answer of LLaVA-Instruct-150K, to which a micro-batch is padded. Chosen: its descriptions have some
# hundred words.
LONG_ANSWER: Final = 512
# What a Llama-type layer keeps for the backward pass, in bytes per token and unit of width, 2 bytes a number: two norms
# that are computed in 4 bytes (20), attention (8), and the gated feed-forward part of 2.7 widths (16).
KEPT_BYTES: Final = 44
# The same of a plain ViT layer: "34 s b h" of Korthikanti et al. (2022).
KEPT_BYTES_VIT: Final = 34
# Roughly the share of a language model's context that a text of the mini world fills.
_FILLED: Final = 1 / 5
# The memory of a training's process and of each worker (benchmarks/training_start.py, at 15 M rows), the batches that
# each worker prefetches, and the bytes read for one image: the half megabyte around it.
_PROCESS: Final = 1.0e9
_WORKER: Final = 0.5e9
AHEAD: Final = 2  # PyTorch's default
_READ: Final = 1 << 19
_LOOKED_AT: Final = 500  # files per folder
_TRAINED_BYTES: Final = 16  # weight, gradient and two moments of AdamW, 4 bytes each
_SAVED_BYTES: Final = 12  # weight and two moments
_CAPTION: Final = 16  # tokens of a caption, about
_LOGITS: Final = 12  # bytes of a code's logit, its log-softmax and its gradient
_IMAGE_TEXT_PASSES: Final = 5  # contrast, captioning, and matching of a pair and two that are none


def tuning(study: Study, run: Run) -> Cost:
    """Returns the cost of training one run, spread over processes of one GPU each."""
    job = study.scale.job("tune-mllm")
    recipe, encoder = study.recipe(run.recipe), study.tapped(run)
    llm, (text, turns) = study.shape(run.llm), _text_tokens(recipe)
    front = AROUND_IMAGE + recipe.connector.front(encoder.tokens)
    longer = (
        LONG_ANSWER if any(study.image_set(name).format == "llava" for name in study.scale.mixture) else 0
    )
    seen, number = encoder.parameters_m * 1e6, bytes_of(study)
    connector, join = connector_of(study, run)
    tuned, whole = (
        recipe.learnt_of_tokenizer(encoder.parameters_m * 1e6, encoder.width),
        "llm" in recipe.trains,
    )
    read = (3 if whole else 2) * llm.learning(front, text, turns) + 3 * join
    sample = 3 * join * _IMAGE_TEXT_PASSES if recipe.learns == "image-text" else read
    sample += 2 * (seen + 2 * tuned) * encoder.tokens
    looked = KEPT_BYTES_VIT * 2 * tuned / (12 * encoder.width) * encoder.tokens
    learnt = recipe.connector.trained(encoder.width, llm.width)
    trained = learnt + tuned + (llm.parameters if whole else 0)
    frozen = (0 if whole else number * llm.parameters) + 4 * (seen - tuned) + 4 * (connector - learnt)
    share_of_batch = -(-recipe.batch // max(job.gpus, 1))
    image, painted = front, 0
    if recipe.tokenizer_loss:
        network = NetworkSize.model_validate(encoder.arguments)
        image, painted = positions_of(network), kept_bytes(network)
    elif encoder.library == "ibq" and "tokenizer" in recipe.trains:
        painted = kept_to_read(NetworkSize.model_validate(encoder.arguments))  # it is cut as any other
    most = max(
        min(share_of_batch, max(1, (job.positions or sys.maxsize) // int(image + length)))
        * (
            KEPT_BYTES * number / 2 * llm.passed(front, length, turns)
            + 6 * length * llm.vocabulary
            + looked
            + painted
        )
        for length in (text, text + longer)
    )
    return Cost(
        flops=recipe.steps * recipe.batch * sample,
        memory=frozen + _TRAINED_BYTES * trained + most,
        stored=4 * (trained + connector - learnt),
        temporary=_SAVED_BYTES * trained,
        host=0 if study.scale.world else _host(study, encoder, number * llm.parameters, share_of_batch),
        read=0 if study.scale.world else recipe.steps * recipe.batch * _READ,
    )


def _host(study: Study, encoder: Encoder, weights: float, share: int) -> float:
    """Returns the memory of a node while it trains: each process loads all weights, and has workers that prefetch."""
    job = study.scale.job("tune-mllm")
    processes, workers = -(-max(job.gpus, 1) // job.nodes), job.cpus - 1
    ahead = AHEAD * workers * share * 3 * encoder.image_size**2
    each = _PROCESS + weights + 4 * encoder.parameters_m * 1e6 + workers * _WORKER + ahead
    return processes * each


def _text_tokens(recipe: Recipe) -> tuple[float, int]:
    """Returns the tokens of a sample's turns and their number, for an image that has questions of every kind."""
    turns = sum(recipe.turns.values())
    drawn = min(turns, recipe.turns_a_sample or turns)
    return sum(task_kind(kind).tokens * count for kind, count in recipe.turns.items()) * drawn / turns, drawn


def pretraining(study: Study, tokenizer: str) -> Cost:
    """Returns the rough cost of a tokenizer's pretraining: objectives differ in how many views they encode."""
    entry, encoder = study.tokenizer(tokenizer), study.encoder(tokenizer)
    if entry.objective is None:
        return Cost(0, 0, 0)
    size = study.pretraining(tokenizer)
    passes = 12 if entry.objective in ("dino", "dinov2") else 3  # views of student and teacher
    parameters = encoder.parameters_m * 1e6
    teacher = study.encoder(entry.teacher) if entry.teacher else None
    taught = teacher.parameters_m * 1e6 * teacher.tokens if teacher else 0
    flops = 2 * (passes * parameters * encoder.tokens + taught) * size.batch * size.steps
    return Cost(flops, _TRAINED_BYTES * parameters, 4 * parameters, _SAVED_BYTES * parameters)


def longer_training_of(study: Study) -> Cost:
    """Returns the rough cost of training ETT's tokenizer for longer: its convolutions work on more than its tokens."""
    size = longer_training(study)
    parameters = size.parameters_m * 1e6
    return Cost(
        flops=6 * parameters * size.network.tokens * size.steps * size.batch,
        memory=_TRAINED_BYTES * parameters + kept_bytes(size.network),
        stored=4 * parameters,
        temporary=_SAVED_BYTES * parameters,
        read=0 if study.scale.world else size.steps * size.batch * _READ,
    )


def drawing(study: Study, run: Run) -> Cost:
    """Returns the rough cost of teaching a model to draw: all of it but its tokenizer, and a head over all codes."""
    size, job, llm = generation_of(study).training, study.scale.job("tune-mllm"), study.shape(run.llm)
    network, side = NetworkSize.model_validate(study.encoder(run.tokenizer).arguments), size.drawer.side
    read, head = network.tokens // side**2 + _CAPTION, size.drawer.hidden * network.codes
    trained = llm.parameters + head
    at_once = max(1, (job.positions or sys.maxsize) // (network.tokens + _CAPTION))
    most = min(size.batch, at_once) * (
        2 * KEPT_BYTES * llm.passed(0, read, 1) + _LOGITS * network.tokens * network.codes
    )
    return Cost(
        flops=6 * size.steps * size.batch * (llm.parameters * read + head * network.tokens),
        memory=_TRAINED_BYTES * trained + most,
        stored=4 * trained,
        temporary=_SAVED_BYTES * trained,
    )


def text_training(study: Study, llm: str) -> Cost:
    """Returns the cost of training a scale's own language model."""
    own = study.language_model_size(llm)
    if own is None:
        return Cost(0, 0, 0)
    parameters = study.shape(llm).parameters
    stage = own.instruction_tuning if study.llm(llm).base else own.pretraining
    steps = 0 if study.llm(llm).random else stage.steps
    flops = 6 * parameters * steps * stage.batch * own.context * _FILLED
    return Cost(flops, _TRAINED_BYTES * parameters, 4 * parameters, _SAVED_BYTES * parameters)


def sharding(study: Study, image_set: str) -> Cost:
    """Returns the bytes of shards: those of all photographs, or, before they are there, of their archives."""
    folder = Path(study.scale.data_root) / study.image_set(image_set).images
    if not study.scale.world and folder.is_dir():
        return Cost(0, 0, stored=folder_bytes(folder))
    downloads = {} if study.scale.world else load_downloads()
    archives = downloads_for(study.image_set(image_set).images, downloads)
    return Cost(0, 0, stored=sum(entry.bytes or 0 for entry in archives))


def folder_bytes(folder: Path) -> float:
    """Returns about the bytes of a folder's files, extrapolated from the first hundreds of a large folder."""
    total, count, looked = 0.0, 0, 0
    for entry in os.scandir(folder):
        if entry.is_dir():
            total += folder_bytes(Path(entry.path))
        else:
            count += 1
            if count <= _LOOKED_AT:
                looked += entry.stat().st_size
    return total + looked * max(1.0, count / _LOOKED_AT)


_COSTS: Final[dict[str, Callable[..., Cost]]] = {
    "write-shards": lambda study, image_set: sharding(study.models_study, image_set),
    "pretrain-tokenizer": lambda study, pretrained: pretraining(
        study.models_study, study.models_study.pretrained(pretrained).tokenizer
    ),
    "train-llm": lambda study, llm: text_training(study.models_study, llm),
    "tune-mllm": lambda study, run: tuning(study.models_study, study.models_study.run(run)),
    "lengthen-ibq": lambda study: longer_training_of(study.models_study),
    "teach-drawing": lambda study, run: drawing(study.models_study, study.models_study.run(run)),
    "answer": lambda study, subject, suite: answering(study, study.models_study.subject(subject), suite),
    "answer-blind": answering_blind,
}


def cost_of(study: Study, step: str, *ids: str) -> Cost:
    """Returns the cost of one job of a step; zero if it is negligible."""
    return _COSTS[step](study, *ids) if step in _COSTS else Cost(0, 0, 0)
