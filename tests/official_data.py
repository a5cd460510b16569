"""Stand-ins of every set that the paper scale reads, in the layouts of their owners: a few drawn photographs each."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vistok.datasets.gvtbench import counting_question, identification_question
from vistok.datasets.mme import SUBTASKS
from vistok.datasets.seedbench import DIMENSIONS
from vistok.files import write_json

TRAIN, VAL = range(1, 13), range(21, 27)
NAMES = ("cat", "dog", "wine glass")


def write_official(root: Path) -> None:
    """Fills a data root; of Objects365 one photograph is absent and one is cut, as its owner's archives have it."""
    _coco(root)
    _vqa(root / "vqa")
    _benchmark(root)
    _seed_bench(root / "seedbench")
    _visual_genome(root / "visual_genome")
    _openimages(root / "openimages")
    _objects365(root / "objects365")
    for name in ("cc3m", "sbu"):
        _pairs(root / name / "images/00000.tar", name)
    talk = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A dog on a beach."}]
    told = [{"id": f"{n:012d}", "image": f"{n:012d}.jpg", "conversations": talk} for n in TRAIN]
    write_json(_made(root / "llava/llava_instruct_150k.json"), told)


def write_asked_by_ett(root: Path) -> None:
    """Adds GQA, TextVQA and MME, which ETT's tables ask besides."""
    photographs, kinds = [f"n{n}" for n in VAL], ("verify", "query")
    for split, said in (("testdev", "yes"), ("train", "no")):
        asked = {
            f"{n}": {"imageId": name, "question": "Is it red?", "answer": said, "types": {"structural": kinds[n % 2]}}
            for n, name in enumerate(photographs)
        }  # fmt: skip
        write_json(_made(root / f"gqa/{split}_balanced_questions.json"), asked)
    for split in ("val", "train"):
        rows = [
            {"question_id": n, "image_id": name, "question": "what brand is it?", "answers": ["a"] * 10}
            for n, name in enumerate(photographs)
        ]
        write_json(_made(root / f"textvqa/TextVQA_0.5.1_{split}.json"), {"data": rows})
    for n, name in enumerate(photographs):
        _photograph(root / f"gqa/images/{name}.jpg", n)
        _photograph(root / f"textvqa/train_images/{name}.jpg", n)
    for subtask in SUBTASKS:
        apart = subtask in ("posters", "celebrity", "scene", "landmark", "artwork")
        folder = root / "mme/MME_Benchmark_release_version" / subtask / ("images" if apart else "")
        _photograph(folder / "a.jpg", len(subtask))
        lines = [f"a.jpg\tIs it so? Please answer yes or no.\t{answer}\n" for answer in ("Yes", "No")]
        _made(root / f"mme/eval_tool/Your_Results/{subtask}.txt").write_text("".join(lines))


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((64, 48)).save(stream, "JPEG")
    return stream.getvalue()


def _photograph(path: Path, seed: int) -> None:
    _made(path).write_bytes(_jpeg(seed))


def _instances(ids: range, file_name: str) -> dict[str, Any]:
    images = [{"id": n, "file_name": file_name.format(n), "height": 48, "width": 64} for n in ids]
    objects = [
        {"id": 10 * n + index, "image_id": n, "category_id": index + 1, "bbox": [4, 4, 20, 20], "iscrowd": 0}
        for n in ids
        for index in range(1 + n % 3)
    ]  # fmt: skip
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(NAMES)]
    return {"images": images, "annotations": objects, "categories": categories}


def _captions(ids: range) -> dict[str, Any]:
    images = [{"id": n, "file_name": f"{n:012d}.jpg"} for n in ids]
    said = [
        {"id": 10 * n + copy, "image_id": n, "caption": f"a {NAMES[n % 3]} number {n} seen {copy} times"}
        for n in ids
        for copy in (1, 2)
    ]
    return {"images": images, "annotations": said}


def _coco(root: Path) -> None:
    for n in TRAIN:
        _photograph(root / f"coco/train2017/{n:012d}.jpg", n)
    for n in VAL:
        _photograph(root / f"coco/val2017/{n:012d}.jpg", n)
        _photograph(root / f"coco/val2014/COCO_val2014_{n:012d}.jpg", n)
    folder = root / "coco/annotations"
    for split, ids in (("train2017", TRAIN), ("val2017", VAL), ("train2014", TRAIN)):
        write_json(_made(folder / f"captions_{split}.json"), _captions(ids))
        write_json(folder / f"instances_{split}.json", _instances(ids, "{:012d}.jpg"))
    write_json(_made(root / "coco/karpathy/captions_val5k.json"), _captions(VAL))
    write_json(root / "coco/karpathy/captions_test5k.json", _captions(range(1, 2)))


def _vqa(folder: Path) -> None:
    for split, ids in (("train", TRAIN), ("val", VAL)):
        asked = [{"question_id": n, "image_id": n, "question": f"is there a {NAMES[n % 3]}?"} for n in ids]
        answers = [
            {"question_id": n, "image_id": n, "question_type": "is there a", "answer_type": "yes/no"}
            | {"multiple_choice_answer": "yes", "answers": [{"answer": "yes"}] * 10}
            for n in ids
        ]
        questions = _made(folder / f"v2_OpenEnded_mscoco_{split}2014_questions.json")
        write_json(questions, {"questions": asked})
        write_json(folder / f"v2_mscoco_{split}2014_annotations.json", {"annotations": answers})


def _benchmark(root: Path) -> None:
    stills = [f"scene/{n}.jpg" for n in VAL]
    frame = {"boxes": [[4, 4, 24, 24, 0.9]], "names": ["person"], "width": 64, "height": 48}
    for still, n in zip(stills, VAL, strict=True):
        _photograph(root / "vcr/vcr1images" / still, n)
        write_json((root / "vcr/vcr1images" / still).with_suffix(".json"), frame)
    for origin, images in (("coco", list(VAL)), ("vcr", stills)):
        common = [{"image_id": image, "n_obj_exist": 1} for image in images]
        counted = [row | {"text_in": counting_question("cat"), "text_out": "1"} for row in common]
        named = [row | {"text_in": identification_question("dog"), "text_out": "No."} for row in common]
        write_json(_made(root / f"gvtbench/{origin}_oc.json"), counted)
        write_json(root / f"gvtbench/{origin}_mci.json", named)


def _seed_bench(folder: Path) -> None:
    """Two questions of each dimension about photographs, and one about a video, which nothing shows."""
    names = ("text_one", "text_two", "text_three", "text_four")
    choices = {f"choice_{letter}": name for letter, name in zip("abcd", names, strict=True)}
    asked = [
        {"question_id": str(10 * dimension + copy), "question_type_id": dimension, "data_type": "image"}
        | {
            "data_id": f"{dimension}_{copy}",
            "question": "What is it?",
            **choices,
            "answer": "ABCD"[dimension % 4],
        }
        for dimension in range(1, 10)
        for copy in (1, 2)
    ]
    for number, question in enumerate(asked):
        _photograph(folder / "SEED-Bench-image" / question["data_id"], number)
    film = {**asked[0], "question_id": "v", "question_type_id": 10, "data_type": "video", "data_id": "1.mp4"}
    types = {name: number for number, name in enumerate(DIMENSIONS, start=1)}
    write_json(_made(folder / "SEED-Bench.json"), {"question_type": types, "questions": [*asked, film]})


def _visual_genome(folder: Path) -> None:
    ids = range(1, 7)
    for n in ids:
        _photograph(folder / f"images/VG_100K/{n}.jpg", n)
    told = [
        {"id": n, "regions": [{"region_id": n, "image_id": n, "phrase": f"a red box on table {n}", "x": 1, "y": 1}]}
        for n in ids
    ]  # fmt: skip
    write_json(folder / "region_descriptions.json", told)
    write_json(folder / "image_data.json", [{"image_id": n, "coco_id": None} for n in ids])


def _openimages(folder: Path) -> None:
    lines = ["ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf"]
    for n in range(16):
        _photograph(folder / f"train/train_{n:x}/{n:x}{n:015x}.jpg", n)
        lines += [f"{n:x}{n:015x},xclick,/m/0a,1,0.1,0.5,0.1,0.5,0,0,0"] * (1 + n % 3)
    path = _made(folder / "annotations/oidv6-train-annotations-bbox.csv")
    path.write_text("\n".join(lines) + "\n")
    (folder / "annotations/class-descriptions-boxable.csv").write_text("/m/0a,Cat\n/m/0b,Dog\n")
    tree = {"LabelName": "/m/0bl9f", "Subcategory": [{"LabelName": "/m/0a"}, {"LabelName": "/m/0b"}]}
    write_json(folder / "annotations/bbox_labels_600_hierarchy.json", tree)


def _objects365(folder: Path) -> None:
    name = "images/v1/patch0/objects365_v1_{:08d}.jpg"
    for n in range(1, 6):
        _photograph(folder / "train" / name.format(n), n)
    cut = folder / "train" / name.format(5)
    cut.write_bytes(cut.read_bytes()[:-40])
    write_json(_made(folder / "annotations/zhiyuan_objv2_train.json"), _instances(range(1, 7), name))


def _pairs(path: Path, name: str) -> None:
    with tarfile.open(_made(path), "w") as archive:
        for n in range(4):
            for suffix, data in (("jpg", _jpeg(n)), ("txt", f"{name} says {n}".encode()), ("json", b"{}")):
                member = tarfile.TarInfo(f"{n:09d}.{suffix}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
