"""Detects the objects of generated images, in the folders that GenEval's tools write and read."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from PIL import Image

from vistok.checkpoints import digest_tensors
from vistok.datasets.geneval import Prompt, read_prompts
from vistok.datasets.geneval_images import Detection, amount
from vistok.datasets.images import image_bytes, load_image
from vistok.errors import VistokError
from vistok.evaluation.answer.colours import ColourClassifier
from vistok.evaluation.answer.detector import Detector, Found
from vistok.evaluation.score.geneval import counted
from vistok.files import digest_bytes, digest_value, no_folder, write_jsonl
from vistok.progress import stage
from vistok.reading import read_jsonl

_SAMPLE: Final = re.compile(r"\d+\.png")
_AT_ONCE: Final = 50  # images between two writes of the file
_WHAT: Final = "a generated image"


class Sample(NamedTuple):
    """An image, by its name below the folder, and the position of its prompt."""

    name: str
    prompt: int


class Written(NamedTuple):
    """How many images a file is of, how many of them are new in it, and how many of its old lines are dropped."""

    total: int
    new: int
    dropped: int


@dataclass(frozen=True, eq=False)
class Models:
    """What looks at images."""

    detector: Detector
    colours: ColourClassifier

    @property
    def digest(self) -> str:
        networks = (self.detector.network, self.colours.network)
        return digest_value([digest_tensors(network.state_dict()) for network in networks])


def samples(folder: Path, prompts: Sequence[Prompt]) -> list[Sample]:
    """Returns the images of a folder, in order: `<position of the prompt>/samples/<number>.png`.

    Raises:
        VistokError: there is no such folder or no image in it, or one of its folders is of no prompt, of another one
            than its `metadata.jsonl` says, or of the same one as another folder.
    """
    if not folder.is_dir():
        raise VistokError(f"{folder} {no_folder(folder)}. Name the folder of the generated images.")
    found: list[Sample] = []
    folders: dict[int, Path] = {}
    for part in sorted(path for path in folder.iterdir() if path.name.isdecimal() and path.is_dir()):
        if (position := int(part.name)) >= len(prompts):
            there = (
                "only 0 is there"
                if len(prompts) == 1
                else f"the {len(prompts)} prompts are 0 to {len(prompts) - 1}"
            )
            raise VistokError(
                f"{part} is of no prompt: {there}. Name the prompts that the images were made from."
            )
        if (other := folders.setdefault(position, part)) != part:
            raise VistokError(
                f"{other} and {part} are both of the prompt at position {position}. Keep one of them."
            )
        metadata = part / "metadata.jsonl"
        if metadata.exists() and read_prompts(metadata) != (prompts[position],):
            raise VistokError(
                f"{metadata} is not the prompt at position {position}, {prompts[position].text!r}. Name the prompts "
                "that the images were made from."
            )
        names = sorted(path.name for path in (part / "samples").glob("*.png") if _SAMPLE.fullmatch(path.name))
        found += [Sample(f"{part.name}/samples/{name}", position) for name in names]
    if not found:
        raise VistokError(
            f"{folder} holds no images: files such as 00000/samples/0000.png are needed, the folder being named by the "
            "position of the prompt."
        )
    return found


def check_out(folder: Path, prompts: Sequence[Prompt], out: Path) -> None:
    """Refuses a wrong folder, and a file that is not of its images; needs no models.

    Raises:
        VistokError: see `samples`; an image cannot be read; or the file is there and is no JSON Lines, has a line that
            `detect_generated` did not write, or has lines, and none of these images and prompts.
    """
    listed = samples(folder, prompts)
    if out.exists():
        _old(out, _keys(folder, listed, prompts))


def detect_generated(folder: Path, prompts: Sequence[Prompt], out: Path, models: Models) -> Written:
    """Writes what is seen in each image of a folder, see `datasets.geneval_images`.

    Where the file exists, images are kept of which neither bytes nor prompt nor models have changed. It is written
    whole every few images, so that a run that was stopped goes on from there.

    Raises:
        VistokError: see `check_out`; the file has lines, and none by these models; or it cannot be written.
    """
    keys, digest = _keys(folder, samples(folder, prompts), prompts), models.digest
    old = _old(out, keys) if out.exists() else []
    rows = {row["made_from"]: row for row in old if row["made_from"] in keys and row.get("models") == digest}
    if old and not rows:
        raise _not_of(out, old, "this detector and this CLIP")
    new = [key for key in keys if key not in rows]
    dropped = len(old) - len(rows)
    for number, key in enumerate(new, start=1):
        with stage(f"image {number} of {len(new)}"):
            rows[key] = _row(folder, keys[key], prompts, models) | {"made_from": key, "models": digest}
        if number % _AT_ONCE == 0:
            write_jsonl(out, [rows[key] for key in keys if key in rows])
    write_jsonl(out, [rows[key] for key in keys])
    return Written(len(keys), len(new), dropped)


def _old(out: Path, keys: Container[str]) -> list[dict[str, Any]]:
    """Returns the lines of a file that is there, which are of these images in part at least, or refuses it."""
    old = read_jsonl(out, what="detections")
    if foreign := [number for number, row in enumerate(old, 1) if not isinstance(row.get("made_from"), str)]:
        raise VistokError(
            f"{out} is there, and vistok detect did not write it: {len(foreign)} of {amount(len(old), 'record')} "
            f"without a text `made_from` (first: record {foreign[0]}). It is left as it is. Name another --out."
        )
    if old and not any(row["made_from"] in keys for row in old):
        raise _not_of(out, old, "these images and prompts")
    return old


def _not_of(out: Path, old: Sequence[Any], what: str) -> VistokError:
    return VistokError(
        f"{out} is there, and none of its {amount(len(old), 'record')} is of {what}. It is left as it is. Name another "
        "--out."
    )


def _keys(folder: Path, listed: Iterable[Sample], prompts: Sequence[Prompt]) -> dict[str, Sample]:
    """Returns images by a digest of their names, bytes and prompts."""
    return {
        digest_value(
            [
                sample.name,
                digest_bytes(image_bytes(folder / sample.name, what=_WHAT)),
                asdict(prompts[sample.prompt]),
            ]
        ): sample
        for sample in listed
    }


def _row(folder: Path, sample: Sample, prompts: Sequence[Prompt], models: Models) -> dict[str, Any]:
    image = load_image(folder / sample.name, what=_WHAT)
    return {
        "prompt": sample.prompt,
        "image": sample.name,
        "detections": [
            {"class": each.category, "score": each.score, "box": [*each.box]}
            | ({"color": each.colour} if each.colour else {})
            for each in detected(image, prompts[sample.prompt], models)
        ],
    }


def detected(image: Image.Image, prompt: Prompt, models: Models) -> list[Detection]:
    """Returns the objects of an RGB image, with the colours that its prompt makes necessary, as GenEval does."""
    found = models.detector.seen(image)
    colours: dict[Detection, str] = {}
    for required in prompt.include:
        if required.colour:
            colours |= _colours(image, _counting(found, prompt, required.category, required.count), models)
    return [replace(each.detection, colour=colours.get(each.detection)) for each in found]


def _counting(found: Sequence[Found], prompt: Prompt, category: str, count: int) -> list[Found]:
    """Returns the objects of a category whose colour counts: the surest, if there are enough."""
    by_detection = {each.detection: each for each in found}
    sure = counted(prompt.kind, [each.detection for each in found])
    some = [by_detection[each] for each in sure if each.category == category][:count]
    return some if len(some) == count else []


def _colours(image: Image.Image, objects: Sequence[Found], models: Models) -> Mapping[Detection, str]:
    if not objects:
        return {}
    colours = models.colours.colours(image, objects)
    return {each.detection: colour for each, colour in zip(objects, colours, strict=True)}
