"""Makes the prompts for ETT's models, the images that they learn from, and the images that test the judge."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from vistok.datasets.rows import ImageRow
from vistok.datasets.shards import write_rows
from vistok.files import staged_folder
from vistok.grid.ett import PROMPT_SETS, EttPaths
from vistok.grid.ett_generation import GenerationSize
from vistok.grid.ett_scale import made_prompts_of
from vistok.grid.study import Study
from vistok.world.captions import sample_captions
from vistok.world.draws import Draws
from vistok.world.prompts import (
    KINDS,
    HeldOut,
    Prompt,
    sample_held_out,
    sample_near_miss,
    sample_pairs,
    sample_prompts,
    sample_showing,
)
from vistok.world.render import encode_jpegs
from vistok.world.scene import Scene
from vistok.world.write_geneval import write_geneval

# Each draws from a stream of its own, so that making more of one changes no other.
_STREAMS: Final = ("held out", "pairs", "captions", "prompts", "shown", "near")


def run(study: Study) -> None:
    """Writes `shards/<scale>/ett-generation`: prompts in GenEval's format, and three sets of images.

    `pairs` are for training; `shown` and `near` are, for each prompt in turn, scenes that show it and scenes that
    nearly do.

    Raises:
        VistokError: the scale has no models of ETT, or the folder cannot be written.
    """
    size = made_prompts_of(study)
    held_out = sample_held_out(_draws(size, "held out"))
    with staged_folder(EttPaths(study).prompts) as folder:
        _write_pairs(size, held_out, folder / "pairs")
        draws = _draws(size, "prompts")
        all_prompts: list[Prompt] = []
        for name in PROMPT_SETS:
            prompts = [
                prompt
                for kind in KINDS
                for prompt in sample_prompts(draws, kind, held_out, size.prompts, asks=name != "plain")
            ]
            write_geneval(prompts, folder / name)
            all_prompts += prompts
        for name, sample in (("shown", sample_showing), ("near", sample_near_miss)):
            draws = _draws(size, name)
            scenes = [sample(draws, prompt) for prompt in all_prompts for _ in range(size.true_images)]
            write_rows(_rows(scenes, _texts(all_prompts, size.true_images)), folder / name)


def _draws(size: GenerationSize, stream: str) -> Draws:
    return Draws(np.random.Generator(np.random.PCG64([size.seed, _STREAMS.index(stream)])))


def _write_pairs(size: GenerationSize, held_out: HeldOut, folder: Path) -> None:
    scenes, draws = sample_pairs(_draws(size, "pairs"), held_out, size.pairs), _draws(size, "captions")
    captions = [tuple(sample_captions(scene, draws, size.captions)) for scene in scenes]
    write_rows(_rows(scenes, captions), folder)


def _texts(prompts: Sequence[Prompt], times: int) -> list[tuple[str, ...]]:
    return [(prompt.text,) for prompt in prompts for _ in range(times)]


def _rows(scenes: Sequence[Scene], captions: Sequence[tuple[str, ...]]) -> Iterator[ImageRow]:
    pairs = zip(encode_jpegs(scenes), captions, strict=True)
    return (ImageRow(str(number), image, captions=texts) for number, (image, texts) in enumerate(pairs))
