"""Judges images of prompts: what is retrieved, true images that a tokenizer has painted again, and drawn ones."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from vistok.checkpoints import digest_tensors, read_config
from vistok.datasets.geneval import KINDS, Prompt, read_prompts
from vistok.datasets.shards import Shards
from vistok.errors import VistokError
from vistok.evaluation.answer.generation import groups
from vistok.evaluation.geneval import Scores, score_of, seen_in, shows
from vistok.evaluation.retrieval import nearest_captions
from vistok.files import staged_file, write_json
from vistok.grid.ett import PROMPT_SETS, EttPaths
from vistok.grid.ett_drawing import drawing_rows, drawn_name, painters
from vistok.grid.ett_generation import GenerationSize
from vistok.grid.ett_scale import read_scale
from vistok.grid.study import Study
from vistok.pages.sheet import picture_sheet
from vistok.probes.cell_net import CellNet
from vistok.steps.ett_models import load_cell_net, load_ibq
from vistok.steps.models import load_trained
from vistok.steps.teach_drawing import load_drawer
from vistok.supervision.ibq.images import ImagePool
from vistok.tables.ett_generation import ROWS
from vistok.tokenizers.ibq.model import Ibq, from_bytes
from vistok.training.loop import make_deterministic
from vistok.world.write_geneval import METADATA

_AT_ONCE: Final = 100
Pictures = UInt8[Tensor, "images 3 S S"]
Shown = Bool[np.ndarray, "prompts images"]


@dataclass(frozen=True, eq=False)
class _Asked:
    """The prompts of both sets one after the other, and what judges images of them.

    Attributes:
        sets: which prompts are of each set.
    """

    prompts: tuple[Prompt, ...]
    sets: Mapping[str, range]
    judge: CellNet
    resamples: int

    def shown(self, pictures: Pictures) -> Shown:
        """Returns whether each picture shows its prompt; as many of each prompt stand in a row."""
        read = [self.judge.read(from_bytes(part)) for part in pictures.split(_AT_ONCE)]
        category, colour = (np.concatenate(parts) for parts in zip(*read, strict=True))
        times = len(pictures) // len(self.prompts)
        verdicts = [
            shows(self.prompts[place // times], seen_in(category[place], colour[place], self.judge.contents))
            for place in range(len(pictures))
        ]
        return np.array(verdicts).reshape(len(self.prompts), times)

    def of_kind(self, shown: Shown, kind: str, places: Sequence[int]) -> Scores:
        chosen = [place for place in places if self.prompts[place].kind == kind]
        return shown[chosen].astype(np.float64)

    def row(self, shown: Shown, blind: Shown) -> dict[str, Any]:
        """Returns for each set the score of each kind, their mean, and how far that is above the blind row's."""
        return {name: self._scores(shown, blind, places) for name, places in self.sets.items()}

    def _scores(self, shown: Shown, blind: Shown, places: Sequence[int]) -> dict[str, Any]:
        kinds, blindly = (
            {kind: self.of_kind(some, kind, places).mean(axis=1, keepdims=True) for kind in KINDS}
            for some in (shown, blind)
        )
        each = {kind: score_of({kind: scores}, resamples=self.resamples) for kind, scores in kinds.items()}
        more = {kind: kinds[kind] - blindly[kind] for kind in KINDS}
        each |= {
            name: score_of(of, resamples=self.resamples) for name, of in (("mean", kinds), ("more", more))
        }
        return {name: asdict(score) for name, score in each.items()}


def run(study: Study) -> None:
    """Writes `results/<results>/ett/generation.json`: what the judge is worth, and each row's scores with intervals.

    And `paper_tables/<results>/ett/generation.png`, a sheet of pictures.

    Raises:
        VistokError: the scale makes nothing of ETT, a checkpoint is missing or changed, or the judge is wrong about too
            many true images.
    """
    make_deterministic(0)
    asked, paths, size = _asked(study), EttPaths(study), read_scale(study).generation
    true, near = (_images(study, name) for name in ("shown", "near"))
    right, wrong = asked.shown(true), asked.shown(near)
    judged = {kind: _judged(asked, right, ~wrong, kind) for kind in KINDS}
    check_judge(judged, size)
    pictures = _retrieved(study, asked) | {"true": true} | _painted(study, true) | _drawn(study, asked)
    shown = {name: asked.shown(each) for name, each in pictures.items()}
    rows = {name: asked.row(each, shown["retrieval"]) for name, each in shown.items()}
    protocol = _protocol(study, asked, size)
    write_json(paths.generation, {"judge": judged, "rows": rows, "protocol": protocol})
    with staged_file(paths.sheet) as partial:
        partial.write_bytes(_sheet(asked, pictures))


def _images(study: Study, name: str, chosen: Sequence[int] | None = None) -> Pictures:
    """Returns the images of a set, or some of them."""
    pool = ImagePool([EttPaths(study).prompts / name], read_scale(study).tokenizer.network.image_size)
    return pool.pixels(np.arange(len(pool)) if chosen is None else np.array(chosen))


def _sheet(asked: _Asked, pictures: Mapping[str, Pictures]) -> bytes:
    """Returns a sheet of the first picture of each row for the first held-out prompt of each kind."""
    places = [
        next(place for place in asked.sets["held-out"] if asked.prompts[place].kind == kind) for kind in KINDS
    ]
    columns = {
        ROWS[name]: [each[place * (len(each) // len(asked.prompts))].numpy() for place in places]
        for name, each in pictures.items()
    }
    return picture_sheet([asked.prompts[place].text for place in places], columns)


def _asked(study: Study) -> _Asked:
    folder = EttPaths(study).prompts
    found: list[Prompt] = []
    sets: dict[str, range] = {}
    for name in PROMPT_SETS:
        prompts = read_prompts(folder / name / METADATA)
        sets[name] = range(len(found), len(found) + len(prompts))
        found += prompts
    return _Asked(tuple(found), sets, load_cell_net(study, "judge"), study.scale.bootstrap_resamples)


def _judged(asked: _Asked, right: Shown, refused: Shown, kind: str) -> dict[str, float | int]:
    """Returns of how many true images that show a prompt, and of how many that nearly do, the judge says so."""
    each = range(len(asked.prompts))
    yes, no = (asked.of_kind(verdicts, kind, each) for verdicts in (right, refused))
    return {
        "shown": _percent(yes),
        "near": _percent(no),
        "both": _percent(np.concatenate([yes, no])),
        "n": yes.size,
    }


def _percent(scores: Scores) -> float:
    return round(100 * float(scores.mean()), 4)


def check_judge(judged: Mapping[str, Mapping[str, float]], size: GenerationSize) -> None:
    """Refuses a judge that is wrong about too many true images.

    Raises:
        VistokError: names the kinds.
    """
    low = [f"{kind} {told['both']:.1f} %" for kind, told in judged.items() if told["both"] < size.least]
    if low:
        raise VistokError(
            f"the judge is right about too few of the true images that show a prompt or nearly do: {', '.join(low)}; "
            f"{size.least:g} % are needed, or no score of generation could be believed. Give the cell net `judge` more "
            "`steps` in the scale's file below workflow/scales/ett."
        )


def _retrieved(study: Study, asked: _Asked) -> dict[str, Pictures]:
    """Returns the image for each prompt, of those to learn from, whose caption is nearest; and any of them."""
    size, rows = read_scale(study).generation, Shards(EttPaths(study).prompts / "pairs")
    told = [(place, text) for place, row in enumerate(rows) for text in row.captions]
    nearest = nearest_captions([prompt.text for prompt in asked.prompts], [text for _, text in told])
    any_ = np.random.default_rng(size.seed).integers(len(rows), size=len(asked.prompts))
    found = {"retrieval": [told[place][0] for place in nearest], "random": any_.tolist()}
    return {name: _images(study, "pairs", chosen) for name, chosen in found.items()}


def _painted(study: Study, images: Pictures) -> dict[str, Pictures]:
    """Returns what each tokenizer leaves of images, as its own training left it or as a run tuned it."""
    painted: dict[str, Pictures] = {}
    for name, run in painters(study).items():
        model: Ibq = load_trained(study.models, run).eval().tokenizer.trunk if run else load_ibq(study, name)
        painted[f"true-{name}"] = torch.cat([model.reconstructed(part) for part in images.split(_AT_ONCE)])
    return painted


def _drawn(study: Study, asked: _Asked) -> dict[str, Pictures]:
    """Returns the pictures that each model draws, prompt by prompt, without guidance and with it."""
    size = read_scale(study).generation
    drawn: dict[str, Pictures] = {}
    texts = [prompt.text for prompt in asked.prompts for _ in range(size.images)]
    for row, run in drawing_rows(study):
        drawer = load_drawer(study.models, run)
        for guidance in (1.0, size.guidance):
            generator = torch.Generator().manual_seed(size.seed)
            parts = [
                drawer.tokenizer.trunk.painted(drawer.draw(part, guidance=guidance, generator=generator))
                for part in groups(iter(texts), _AT_ONCE)
            ]
            drawn[drawn_name(row, guided=guidance != 1.0)] = torch.cat(parts)
    return drawn


def _protocol(study: Study, asked: _Asked, size: GenerationSize) -> dict[str, Any]:
    return {
        "prompts": {name: len(places) for name, places in asked.sets.items()},
        "true_images": size.true_images,
        "images": size.images,
        "guidance": size.guidance,
        "pairs": size.pairs,
        "judge_digest": digest_tensors(asked.judge.state_dict()),
        "told": read_config(EttPaths(study).checkpoint("judge"))["told"],
    }
