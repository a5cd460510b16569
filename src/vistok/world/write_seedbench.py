"""Writes four-way questions as SEED-Bench lays them out: one JSON file, and images without a suffix."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from vistok.world.choices import DIMENSIONS, Choice
from vistok.world.write_coco import CocoSplit, write_annotated, write_compact

IMAGES = "SEED-Bench-image"
FIRST_ID = 700_001
_LETTERS = "ABCD"


def write_seedbench(splits: Mapping[str, Sequence[Choice]], folder: Path) -> None:
    """Writes each split's questions under its file name, and the images of all into one folder below `folder`.

    The official set annotates no image. Ours are in COCO's format, which a tokenizer of true contents reads.
    """
    all_choices = [choice for choices in splits.values() for choice in choices]
    split = CocoSplit(IMAGES, FIRST_ID, [choice.scene for choice in all_choices])
    names = [
        f"{image}_{choice.scene.seed}" for image, choice in zip(split.image_ids(), all_choices, strict=True)
    ]
    annotations = folder / "annotations" / f"instances_{IMAGES}.json"
    write_annotated(split, names, folder / IMAGES, annotations, "the vistok world in SEED-Bench's format")
    rest = iter(zip(split.image_ids(), names, strict=True))
    for file, choices in splits.items():
        records = [_record(choice, *next(rest)) for choice in choices]
        types = {name: number for number, (name, _) in DIMENSIONS.items()}
        write_compact(folder / file, {"questions": records, "question_type": types})


def _record(choice: Choice, image_id: int, name: str) -> dict[str, object]:
    options = {
        f"choice_{letter.lower()}": text for letter, text in zip(_LETTERS, choice.options, strict=True)
    }
    return {
        "answer": _LETTERS[choice.answer],
        **options,
        "data_id": name,
        "data_type": "image",
        "question": choice.text,
        "question_id": str(image_id),
        "question_type_id": choice.dimension,
    }
