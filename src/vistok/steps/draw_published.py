"""Draws images for GenEval's own prompts into its tools' folders, and scores what a detector sees in them."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image

from vistok.checkpoints import digest_tensors
from vistok.datasets.geneval import KINDS, Prompt, read_prompts
from vistok.datasets.images import load_image
from vistok.datasets.preprocessing import squash
from vistok.datasets.shards import Shards
from vistok.evaluation.answer.colours import load_colours
from vistok.evaluation.answer.detector import load_detector
from vistok.evaluation.answer.generated import Models, detect_generated
from vistok.evaluation.geneval import score_of
from vistok.evaluation.retrieval import nearest_captions
from vistok.evaluation.score.geneval import check_prompts, score_generated
from vistok.files import digest_file, digest_value, staged_folder, write_json
from vistok.grid.ett import PUBLISHED_SET, EttPaths
from vistok.grid.ett_drawing import drawing_rows, drawn_name
from vistok.grid.ett_generation import PublishedPrompts
from vistok.grid.ett_scale import network_of, pair_folders
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.mllm.drawers.base import Drawer
from vistok.pages.sheet import picture_sheet
from vistok.planning.listed import check_listed
from vistok.progress import reporting
from vistok.reading import read_json, read_jsonl
from vistok.steps.inputs import input_digests
from vistok.steps.teach_drawing import load_drawer
from vistok.tables.ett_generation import ROWS
from vistok.training.devices import device_of

JOB: Final = "answer"  # whose size the step takes
RETRIEVAL: Final = "retrieval"
_MADE_FROM: Final = "made_from.json"
_SEEN: Final = "detections.jsonl"
_OPENING: Final = "a photo of "  # of every prompt; no caption of a photograph says so
Picture = Image.Image
Values = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class _Work:
    """The prompts, with their lines as they are published, and what judges images of them."""

    file: Path
    prompts: tuple[Prompt, ...]
    lines: list[dict[str, Any]]
    models: Models

    def fill(
        self, folder: Path, identity: str, batch: int, make: Callable[[range], list[list[Picture]]]
    ) -> None:
        """Makes what is missing of a folder of images: of each prompt all images or none.

        Args:
            identity: a digest of what decides the images; a folder of others is made anew.
            batch: how many consecutive prompts are made at once; a batch is made again whole, for one draws after the
                other.
            make: returns the images of some prompts.
        """
        mark = folder / _MADE_FROM
        if not mark.is_file() or read_json(mark, what="images") != {"made_from": identity}:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write_json(mark, {"made_from": identity})
        for start in range(0, len(self.prompts), batch):
            positions = range(start, min(start + batch, len(self.prompts)))
            if not all((folder / f"{position:05}").is_dir() for position in positions):
                for position, pictures in zip(positions, make(positions), strict=True):
                    self._write(folder / f"{position:05}", position, pictures)

    def _write(self, folder: Path, position: int, pictures: Sequence[Picture]) -> None:
        with staged_folder(folder) as partial:
            (partial / "metadata.jsonl").write_text(json.dumps(self.lines[position]) + "\n", encoding="utf-8")
            (partial / "samples").mkdir()
            for number, picture in enumerate(pictures):
                picture.save(partial / "samples" / f"{number:04}.png")

    def scored(self, folder: Path) -> tuple[Values, bool]:
        """Returns the share of right images of each prompt, and whether the prompts are GenEval's own."""
        detect_generated(folder, self.prompts, folder / _SEEN, self.models)
        score = score_generated(self.file, folder / _SEEN)
        return score.values / 100, bool(score.report["official_prompts"])

    def row(self, values: Values, blind: Values, resamples: int) -> dict[str, Any]:
        """Returns the score of each kind, their mean, and its difference from the blind row's."""
        of_kind = {
            kind: found
            for kind in KINDS
            if (found := [index for index, prompt in enumerate(self.prompts) if prompt.kind == kind])
        }
        kinds = {kind: values[found][:, None] for kind, found in of_kind.items()}
        more = {kind: (values - blind)[found][:, None] for kind, found in of_kind.items()}
        scores = {kind: score_of({kind: some}, resamples=resamples) for kind, some in kinds.items()}
        scores |= {name: score_of(of, resamples=resamples) for name, of in (("mean", kinds), ("more", more))}
        return {PUBLISHED_SET: {name: asdict(score) for name, score in scores.items()}}


def drawn_of_published(study: Study, size: PublishedPrompts) -> tuple[dict[str, Any], bytes]:
    """Returns the record of generation, and a sheet of each row's first image of a prompt of each kind.

    Images and what is seen in them stay in `results/<results>/ett/drawn`, so that a run that was stopped goes on.

    Raises:
        VistokError: the prompts or a network are not there or another one, a checkpoint is missing or changed, or an
            image cannot be written.
    """
    paths, device = EttPaths(study), device_of(study.scale.job(JOB).gpus)
    check_listed(study.models_study, [size.prompts])
    file = Paths(study.models_study).data / size.prompts
    prompts = read_prompts(file)
    check_prompts(file, prompts)
    models = Models(load_detector(size.detector, device), load_colours(size.clip, device))
    work = _Work(file, prompts, read_jsonl(file, what="GenEval's prompts"), models)
    folders = {RETRIEVAL: _retrieved(study, work, paths.drawn / RETRIEVAL)}
    for row, run in drawing_rows(study):
        name = drawn_name(row, guided=True)
        drawer, folder = load_drawer(study.models_study, run).to(device), paths.drawn / name
        with reporting(f"images by {name}"):
            _draw(work, folder, drawer, size, digest_file(file))
        folders[name] = folder
        del drawer
    scored = {name: work.scored(folder) for name, folder in folders.items()}
    blind, resamples = scored[RETRIEVAL][0], study.scale.bootstrap_resamples
    rows = {name: work.row(values, blind, resamples) for name, (values, _) in scored.items()}
    protocol = {
        "prompts": {PUBLISHED_SET: len(prompts)},
        "file": size.prompts,
        "official_prompts": scored[RETRIEVAL][1],
        "images": size.images,
        "guidance": size.guidance,
        "pairs": sum(len(Shards(folder)) for folder in pair_folders(study)),
        "detector": size.detector,
        "clip": size.clip,
        "judge_digest": models.digest,
    }
    return {"rows": rows, "protocol": protocol}, _sheet(work, folders, network_of(study).image_size)


def _draw(work: _Work, folder: Path, drawer: Drawer, size: PublishedPrompts, prompts: str) -> None:
    """Draws the images of every prompt, in batches that each draw from a stream of their own."""
    decides = [size.seed, size.images, size.guidance, size.at_once, prompts]
    identity = digest_value([digest_tensors(drawer.state_dict()), *decides])
    device = next(drawer.parameters()).device

    def make(positions: range) -> list[list[Picture]]:
        seed = int(np.random.default_rng([size.seed, positions.start]).integers(2**63))
        generator = torch.Generator(device).manual_seed(seed)
        texts = [work.prompts[position].text for position in positions for _ in range(size.images)]
        codes = drawer.draw(texts, guidance=size.guidance, generator=generator)
        shown = drawer.tokenizer.trunk.painted(codes).permute(0, 2, 3, 1).cpu().numpy()
        pictures = [Image.fromarray(pixels) for pixels in shown]
        return [pictures[start : start + size.images] for start in range(0, len(pictures), size.images)]

    work.fill(folder, identity, max(1, size.at_once // size.images), make)


def _retrieved(study: Study, work: _Work, folder: Path) -> Path:
    """Lays out, for each prompt, the image to learn from whose caption is nearest; returns the folder."""
    folders = pair_folders(study)
    sets = [Shards(each) for each in folders]
    places = [(shards, position) for shards in sets for position in range(len(shards))]
    images = [texts or () for shards in sets for texts in shards.column("captions")]
    captions = [(image, _plain(text)) for image, texts in enumerate(images) for text in texts]
    nearest = nearest_captions(
        [_plain(prompt.text) for prompt in work.prompts], [text for _, text in captions]
    )

    def make(positions: range) -> list[list[Picture]]:
        chosen = (places[captions[nearest[position]][0]] for position in positions)
        rows = [shards.row(position) for shards, position in chosen]
        return [[load_image(row.image, what=f"image {row.image_id}")] for row in rows]

    made_from = [input_digests(folders), digest_file(work.file)]
    work.fill(folder, digest_value(made_from), 1, make)
    return folder


def _plain(text: str) -> str:
    """Returns words as captions and prompts can share them."""
    return text.lower().removeprefix(_OPENING).rstrip(" .")


def _sheet(work: _Work, folders: Mapping[str, Path], side: int) -> bytes:
    first = {prompt.kind: position for position, prompt in reversed([*enumerate(work.prompts)])}
    shown = [first[kind] for kind in KINDS if kind in first]
    columns = {ROWS[name]: [*_first_images(folder, shown, side)] for name, folder in folders.items()}
    return picture_sheet([work.prompts[position].text for position in shown], columns)


def _first_images(
    folder: Path, positions: Sequence[int], side: int
) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    for position in positions:
        image = load_image(folder / f"{position:05}/samples/0000.png", what="a drawn image")
        yield squash(image, side).transpose(2, 0, 1)
