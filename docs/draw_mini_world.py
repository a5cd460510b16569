"""Draws docs/mini-world.png: the first images of each set of the mini world, at four times their size.

python docs/draw_mini_world.py
"""

import json
import tarfile
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from vistok.datasets.coco import read_captions, read_instances
from vistok.datasets.images import load_image
from vistok.datasets.vcr import read_metadata
from vistok.files import staged_file
from vistok.grid.load import load_study
from vistok.world.world import WorldSizes, make_world

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "mini-world.png"
COLUMNS = 5
ZOOM = 4
EDGE = 48 * ZOOM
GAP = 8
HEADING, LINES, LINE = 24, 3, 14
INK, PAPER = 32, 255

Cell = tuple[Image.Image, str]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        make_world(few_training_images(), world)
        rows = {
            "coco: bright and clear; a caption, one of five": coco(world / "coco"),
            "vcr: dark, pale and noisy; what its metadata tells": vcr(world / "vcr"),
            "objects365: any light; its boxes": objects365(world / "objects365"),
            "imagenet: mostly one category; its folder": imagenet(world / "imagenet"),
            "lvd: mostly one category; nothing is told": web(world / "lvd"),
            "web: mostly one or two groups; its text": web(world / "web"),
        }
        sheet = drawn({title: list(islice(cells, COLUMNS)) for title, cells in rows.items()})
    with staged_file(PICTURE) as partial:
        # 256 colours are told from the original only side by side, at a third of the bytes.
        sheet.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            partial, format="PNG", optimize=True
        )


def few_training_images() -> WorldSizes:
    """Returns the mini scale's sizes with few training images: the first ones are the same in any number."""
    world = load_study("mini", root=ROOT).scale.world
    assert world is not None
    few = dict.fromkeys(("coco_train", "objects365", "imagenet", "lvd", "web"), 2 * COLUMNS)
    none = dict.fromkeys(("pretraining_documents", "instruction_conversations"), 0)
    return replace(WorldSizes(**world), **few, **none)


def coco(folder: Path) -> Iterator[Cell]:
    captions = read_captions(folder / "annotations/captions_train2017.json")
    for image, texts in captions.captions.items():
        yield load_image(folder / "train2017" / captions.file_names[image], what="image"), texts[0]


def vcr(folder: Path) -> Iterator[Cell]:
    for line in (folder / "val.jsonl").read_text().splitlines():
        row = json.loads(line)
        found = read_metadata(folder / "vcr1images" / row["metadata_fn"])
        yield load_image(folder / "vcr1images" / row["img_fn"], what="image"), counted(found.names)


def objects365(folder: Path) -> Iterator[Cell]:
    instances = read_instances(folder / "annotations/zhiyuan_objv2_train.json")
    for image, objects in zip(instances.images.values(), instances.objects.values(), strict=True):
        yield (
            load_image(folder / "train" / image.file_name, what="image"),
            counted(found.category for found in objects),
        )


def imagenet(folder: Path) -> Iterator[Cell]:
    for line in (folder / "LOC_synset_mapping.txt").read_text().splitlines():
        synset, name = line.split(" ", 1)
        yield load_image(min((folder / "train" / synset).iterdir()), what="image"), f"{synset}: {name}"


def web(folder: Path) -> Iterator[Cell]:
    with tarfile.open(folder / "00000.tar") as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    for name in sorted(name for name in files if name.endswith(".jpg")):
        yield load_image(files[name], what="image"), files[name.replace(".jpg", ".txt")].decode()


def counted(names: object) -> str:
    return ", ".join(f"{number} {name}" for name, number in Counter(names).items())  # type: ignore[call-overload]


def drawn(rows: dict[str, list[Cell]]) -> Image.Image:
    height = HEADING + EDGE + LINES * LINE + 2 * GAP
    sheet = Image.new("RGB", (GAP + COLUMNS * (EDGE + GAP), len(rows) * height), (PAPER,) * 3)
    pen, small, large = ImageDraw.Draw(sheet), ImageFont.load_default(12), ImageFont.load_default(15)
    for row, (title, cells) in enumerate(rows.items()):
        top = row * height + GAP
        pen.text((GAP, top), title, (INK,) * 3, large)
        for column, (image, text) in enumerate(cells):
            left = GAP + column * (EDGE + GAP)
            sheet.paste(image.resize((EDGE, EDGE), Image.Resampling.NEAREST), (left, top + HEADING))
            words = "\n".join(textwrap.wrap(text, 32)[:LINES])
            pen.text((left, top + HEADING + EDGE + 2), words, (INK,) * 3, small, spacing=2)
    return sheet


if __name__ == "__main__":
    main()
