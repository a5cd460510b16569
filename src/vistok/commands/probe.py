"""`vistok probe`: what any encoder's tokens say about annotated boxes, compared with the same encoder untrained."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch

from vistok.commands.arguments import add_data_root, add_scale, study_of
from vistok.errors import VistokError
from vistok.files import check_destination, write_json
from vistok.grid.entries import GRID
from vistok.grid.runs import Pretrained
from vistok.grid.study import Study
from vistok.grid.tokenizers import Encoder
from vistok.probes.encoders import PUBLISHED, timm_encoder
from vistok.probes.features import tokens_of
from vistok.probes.gate import collapses, gains
from vistok.probes.images import Photographs, read_photographs
from vistok.probes.probe import Pixels, probe_cells
from vistok.probes.values import CellProbe, Estimate
from vistok.steps.tokenizer import load_study_tokenizer
from vistok.supervision.starts import prepared
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_tokenizer
from vistok.training.devices import device_of
from vistok.training.loop import make_deterministic

_IMAGES: Final = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `vistok probe`."""
    parser.add_argument(
        "tokenizer", help="a tokenizer of the grid, such as clip or clip/seed-1, or a model of timm"
    )
    parser.add_argument("--images", type=Path, required=True, help="the folder of the annotated images")
    parser.add_argument(
        "--instances", type=Path, required=True, help="their objects, in COCO's instances format"
    )
    parser.add_argument(
        "--weights",
        help="published, random, or a file of another training of the same encoder (default: the scale's own "
        "checkpoint, else published)",
    )
    parser.add_argument("--image-size", type=int, help="pixels a side, of a model of timm (default: its own)")
    parser.add_argument("--first", type=int, default=_IMAGES, help="images at most (default: %(default)s)")
    parser.add_argument("--gpu", action="store_true", help="compute tokens on a GPU")
    parser.add_argument("--out", type=Path, help="a JSON file to write all numbers to, too")
    add_scale(parser)
    add_data_root(parser)


def run(args: argparse.Namespace) -> None:
    """Prints the probe of an encoder, of the same encoder untrained, and their difference.

    Raises:
        VistokError: no such tokenizer, its weights are not here, or the images and their file do not fit.
    """
    if args.first < 1:
        raise VistokError(f"--first {args.first}: at least one image is needed.")
    if args.out:
        check_destination(args.out, args.instances)
    make_deterministic(0)
    device = device_of(int(args.gpu))
    study = study_of(args)
    photographs = read_photographs(args.images, args.instances, most=args.first)
    tokenizer = _trained(study, args)
    pixels = photographs.squashed(tokenizer.encoder.image_size)
    control, how = _untrained(study, args.tokenizer, tokenizer.encoder, pixels)
    probes = {
        args.tokenizer: probe_cells(tokens_of(tokenizer, device=device), pixels, photographs.cells),
        "untrained": probe_cells(tokens_of(control, device=device), pixels, photographs.cells),
    }
    print("\n".join(_lines(probes, photographs, how)))
    if args.out:
        write_json(args.out, {name: probe.plain() for name, probe in probes.items()})


def _in_grid(study: Study, name: str) -> Pretrained | None:
    """Returns the tokenizer of the grid that is meant; None where a model of timm is."""
    tokenizer, _, seed = name.partition("/")
    if tokenizer not in study.tokenizers:
        return None
    return study.pretrained(name) if seed else Pretrained(tokenizer=tokenizer, seed=0)


def _trained(study: Study, args: argparse.Namespace) -> VisualTokenizer:
    meant = _in_grid(study, args.tokenizer)
    if meant is None:
        encoder = _of_timm(study, args)
    elif args.image_size:
        raise VistokError(f"--image-size is for a model of timm; {args.tokenizer!r} has its own in {GRID}.")
    elif args.weights is None:
        return load_study_tokenizer(study, meant)
    else:
        encoder = study.encoder(meant.tokenizer).model_copy(update={"weights": _absolute(args.weights)})
    return load_tokenizer(encoder, checkpoint=None, data_root=Path())


def _of_timm(study: Study, args: argparse.Namespace) -> Encoder:
    weights = _absolute(args.weights or PUBLISHED)
    try:
        return timm_encoder(args.tokenizer, weights=weights, image_size=args.image_size)
    except VistokError as error:
        if not str(error).startswith("unknown"):
            raise
        own = ", ".join(study.tokenizers)
        near = str(error).partition(" Legal:")[0]
        raise VistokError(f"{near} It is not a tokenizer of the grid either: {own}.") from None


def _absolute(weights: str) -> str:
    return weights if weights in (PUBLISHED, "random") else str(Path(weights).absolute())


def _untrained(study: Study, name: str, encoder: Encoder, pixels: Pixels) -> tuple[VisualTokenizer, str]:
    """Returns the same encoder without training, and in words what it is."""
    meant = _in_grid(study, name)
    if meant and study.pretrains(meant.tokenizer):
        return prepared(
            encoder, pixels, meant.seed
        ), "the same encoder as pretraining starts from, on these images"
    torch.manual_seed(0)
    return build_tokenizer(encoder), "the same encoder with random weights"


def _lines(probes: Mapping[str, CellProbe], photographs: Photographs, how: str) -> list[str]:
    """Returns a table, and what it means."""
    (trained, untrained) = probes.values()
    rows = {name: _numbers(probe) for name, probe in probes.items()}
    added = gains(trained, untrained)
    rows["gain"] = {"linear": added["linear"], "category": added["category"]}
    heads = ["", *next(iter(rows.values()))]
    cells = [[name, *(_text(row.get(head)) for head in heads[1:])] for name, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    table = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in (heads, *cells)
    ]
    passed = all(gain.value > 2 * gain.error for gain in added.values())
    return [
        f"{trained.boxes} boxes of {len(photographs.cells.categories)} categories in {trained.images} of "
        f"{photographs.listed} images; the most frequent category alone is right in {trained.chance:.1f} %.",
        *table,
        "linear, MLP: boxes whose category is read from their tokens, per cent. Then the share of the tokens' variance "
        "that is each attribute, per cent; rank: in how many directions they vary. +-: standard error over images.",
        f"untrained: {how}. Training {'adds' if passed else 'does NOT add'} category by more than twice the error.",
        *(f"Collapsed: {sentence}." for sentence in collapses(trained)),
    ]


def _numbers(probe: CellProbe) -> dict[str, Estimate | float | None]:
    return {"linear": probe.linear, "MLP": probe.mlp, **probe.shares, "rank": probe.rank}


def _text(number: Estimate | float | None) -> str:
    if isinstance(number, Estimate):
        return f"{number.value:.1f} +-{number.error:.1f}"
    return "" if number is None else f"{number:.1f}"
