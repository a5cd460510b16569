"""Judges images of prompts: retrieved ones, true ones that a tokenizer has reconstructed, and drawn ones."""

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
from vistok.grid.ett_generation import GenerationSize, PublishedPrompts
from vistok.grid.ett_scale import generation_of, made_prompts_of, network_of
from vistok.grid.study import Study
from vistok.pages.sheet import picture_sheet
from vistok.probes.cell_net import CellNet
from vistok.steps.draw_published import drawn_of_published
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
class _Evaluator:
    """The prompts of both sets, and the net that judges images of them.

    Attributes:
        prompts: of one set after the other.
        sets: the indices of each set's prompts.
    """

    prompts: tuple[Prompt, ...]
    sets: Mapping[str, range]
    judge: CellNet
    resamples: int

    def shown(self, pictures: Pictures) -> Shown:
        """Returns whether each picture shows its prompt; the pictures of a prompt are consecutive, as many for each."""
        read = [self.judge.read(from_bytes(batch)) for batch in pictures.split(_AT_ONCE)]
        category, colour = (np.concatenate(batches) for batches in zip(*read, strict=True))
        times = len(pictures) // len(self.prompts)
        verdicts = [
            shows(self.prompts[index // times], seen_in(category[index], colour[index], self.judge.contents))
            for index in range(len(pictures))
        ]
        return np.array(verdicts).reshape(len(self.prompts), times)

    def of_kind(self, shown: Shown, kind: str, indices: Sequence[int]) -> Scores:
        of_this_kind = [index for index in indices if self.prompts[index].kind == kind]
        return shown[of_this_kind].astype(np.float64)

    def row(self, shown: Shown, blind: Shown) -> dict[str, Any]:
        """Returns, for each set, the score of each kind, their mean, and its difference from the blind row's."""
        return {name: self._scores(shown, blind, indices) for name, indices in self.sets.items()}

    def _scores(self, shown: Shown, blind: Shown, indices: Sequence[int]) -> dict[str, Any]:
        kinds, blindly = (
            {kind: self.of_kind(some, kind, indices).mean(axis=1, keepdims=True) for kind in KINDS}
            for some in (shown, blind)
        )
        each = {kind: score_of({kind: scores}, resamples=self.resamples) for kind, scores in kinds.items()}
        more = {kind: kinds[kind] - blindly[kind] for kind in KINDS}
        each |= {
            name: score_of(of, resamples=self.resamples) for name, of in (("mean", kinds), ("more", more))
        }
        return {name: asdict(score) for name, score in each.items()}


def run(study: Study) -> None:
    """Writes `results/<results>/ett/generation.json`: the judge's accuracy, and each row's scores with intervals.

    Also writes `paper_tables/<results>/ett/generation.png`, a sheet of pictures.

    Raises:
        VistokError: the scale has no models of ETT, a checkpoint is missing or changed, or the judge is wrong about
            too many true images.
    """
    make_deterministic(0)
    paths, published = EttPaths(study), generation_of(study)
    if isinstance(published, PublishedPrompts):
        record, sheet = drawn_of_published(study, published)
        write_json(paths.generation, record)
        with staged_file(paths.sheet) as partial:
            partial.write_bytes(sheet)
        return
    size, evaluator = published, _evaluator(study)
    true, near = (_images(study, name) for name in ("shown", "near"))
    right, wrong = evaluator.shown(true), evaluator.shown(near)
    judged = {kind: _judged(evaluator, right, ~wrong, kind) for kind in KINDS}
    check_judge(judged, size)
    pictures = (
        _retrieved(study, evaluator) | {"true": true} | _painted(study, true) | _drawn(study, evaluator)
    )
    shown = {name: evaluator.shown(each) for name, each in pictures.items()}
    rows = {name: evaluator.row(each, shown["retrieval"]) for name, each in shown.items()}
    protocol = _protocol(study, evaluator, size)
    write_json(paths.generation, {"judge": judged, "rows": rows, "protocol": protocol})
    with staged_file(paths.sheet) as partial:
        partial.write_bytes(_sheet(evaluator, pictures))


def _images(study: Study, name: str, positions: Sequence[int] | None = None) -> Pictures:
    """Returns the images of a set, or those at some positions."""
    pool = ImagePool([EttPaths(study).prompts / name], network_of(study).image_size)
    return pool.pixels(np.arange(len(pool)) if positions is None else np.array(positions))


def _sheet(evaluator: _Evaluator, pictures: Mapping[str, Pictures]) -> bytes:
    """Returns a sheet of each row's first picture of the first held-out prompt of each kind."""
    indices = [
        next(index for index in evaluator.sets["held-out"] if evaluator.prompts[index].kind == kind)
        for kind in KINDS
    ]
    columns = {
        ROWS[name]: [each[index * (len(each) // len(evaluator.prompts))].numpy() for index in indices]
        for name, each in pictures.items()
    }
    return picture_sheet([evaluator.prompts[index].text for index in indices], columns)


def _evaluator(study: Study) -> _Evaluator:
    folder = EttPaths(study).prompts
    prompts: list[Prompt] = []
    sets: dict[str, range] = {}
    for name in PROMPT_SETS:
        start = len(prompts)
        prompts += read_prompts(folder / name / METADATA)
        sets[name] = range(start, len(prompts))
    return _Evaluator(tuple(prompts), sets, load_cell_net(study, "judge"), study.scale.bootstrap_resamples)


def _judged(evaluator: _Evaluator, right: Shown, refused: Shown, kind: str) -> dict[str, float | int]:
    """Returns the judge's accuracy on true images that show a prompt, on those that nearly do, and on both."""
    each = range(len(evaluator.prompts))
    yes, no = (evaluator.of_kind(verdicts, kind, each) for verdicts in (right, refused))
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
    low = [
        f"{kind} {accuracies['both']:.1f} %"
        for kind, accuracies in judged.items()
        if accuracies["both"] < size.least
    ]
    if low:
        raise VistokError(
            f"the judge is right about too few of the true images that show a prompt or nearly do: {', '.join(low)}; "
            f"{size.least:g} % are needed, or no score of generation could be believed. Give the cell net `judge` more "
            "`steps` in the scale's file below workflow/scales/ett."
        )


def _retrieved(study: Study, evaluator: _Evaluator) -> dict[str, Pictures]:
    """Returns, for each prompt, the training image whose caption is nearest, and a random one."""
    size, rows = made_prompts_of(study), Shards(EttPaths(study).prompts / "pairs")
    captions = [(position, text) for position, row in enumerate(rows) for text in row.captions]
    nearest = nearest_captions([prompt.text for prompt in evaluator.prompts], [text for _, text in captions])
    any_ = np.random.default_rng(size.seed).integers(len(rows), size=len(evaluator.prompts))
    matches = {"retrieval": [captions[position][0] for position in nearest], "random": any_.tolist()}
    return {name: _images(study, "pairs", positions) for name, positions in matches.items()}


def _painted(study: Study, images: Pictures) -> dict[str, Pictures]:
    """Returns each tokenizer's reconstructions of images: as its own training left it, or as a run tuned it."""
    painted: dict[str, Pictures] = {}
    for name, run in painters(study).items():
        model: Ibq = (
            load_trained(study.models_study, run).eval().tokenizer.trunk if run else load_ibq(study, name)
        )
        painted[f"true-{name}"] = torch.cat([model.reconstructed(batch) for batch in images.split(_AT_ONCE)])
    return painted


def _drawn(study: Study, evaluator: _Evaluator) -> dict[str, Pictures]:
    """Returns the pictures that each model draws of each prompt in turn, without guidance and with it."""
    size = made_prompts_of(study)
    drawn: dict[str, Pictures] = {}
    texts = [prompt.text for prompt in evaluator.prompts for _ in range(size.images)]
    for row, run in drawing_rows(study):
        drawer = load_drawer(study.models_study, run)
        for guidance in (1.0, size.guidance):
            generator = torch.Generator().manual_seed(size.seed)
            batches = [
                drawer.tokenizer.trunk.painted(drawer.draw(batch, guidance=guidance, generator=generator))
                for batch in groups(iter(texts), _AT_ONCE)
            ]
            drawn[drawn_name(row, guided=guidance != 1.0)] = torch.cat(batches)
    return drawn


def _protocol(study: Study, evaluator: _Evaluator, size: GenerationSize) -> dict[str, Any]:
    return {
        "prompts": {name: len(indices) for name, indices in evaluator.sets.items()},
        "true_images": size.true_images,
        "images": size.images,
        "guidance": size.guidance,
        "pairs": size.pairs,
        "judge_digest": digest_tensors(evaluator.judge.state_dict()),
        "told": read_config(EttPaths(study).checkpoint("judge"))["told"],
    }
