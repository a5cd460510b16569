"""A small study on the real grid: official files written here, answered at random, really scored."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vistok.chain.results import answer_inputs, blind_inputs, write_predictions
from vistok.datasets.gvtbench import counting_question, identification_question
from vistok.evaluation.kinds import task_kind
from vistok.files import write_json
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.study import Study
from vistok.grid.tables import Row
from vistok.grid.tasks import Task
from vistok.steps import fit_blind, score_run
from vistok.steps.asking import ask

IMAGES = range(1, 13)
NAMES = ("cat", "dog", "car")
COLOURS = ("red", "blue", "green")
# How often a run is right; a run of `my-encoder` always says what the blind constant says on VCR-OC.
SKILL = {
    "deit/frozen/vicuna-7b/seed-0": 0.5,
    "clip-20m/frozen/vicuna-7b/seed-0": 0.6,
    "clip/frozen/vicuna-7b/seed-0": 0.95,
    "clip/frozen/vicuna-7b/seed-1": 0.8,
    "clip-20m/tuned/vicuna-7b/seed-0": 0.0,
    "my-encoder/frozen/vicuna-7b/seed-0": 0.7,
    "untrained/frozen/vicuna-7b/seed-0": 0.4,
    "untrained/tuned/vicuna-7b/seed-0": 0.45,
    "perfect/frozen/vicuna-7b/seed-0": 0.99,
    "perfect/tuned/vicuna-7b/seed-0": 0.9,
}
ROWS = (
    Row(tokenizer="deit", recipe="frozen", llm="vicuna-7b", published=1),
    Row(tokenizer="clip-20m", recipe="frozen", llm="vicuna-7b", published=5),
    Row(tokenizer="clip", recipe="frozen", llm="vicuna-7b", published=6, seeds=(0, 1)),
    Row(tokenizer="my-encoder", recipe="frozen", llm="vicuna-7b"),
    Row(tokenizer="clip-20m", recipe="tuned", llm="vicuna-7b", published=11),
)


@dataclass(frozen=True)
class Small:
    """A study whose answers are scored, and the root of its checkout."""

    study: Study
    root: Path

    def metrics(self, run: str, task: str) -> dict[str, Any]:
        path = self.root / Paths(self.study).metrics(self.study.run(run), task)
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def small_study(scale: str, root: Path, data_root: str | None = None) -> Study:
    """Returns the grid's Table 2 with four of its rows and a row of the user's own."""
    study = load_study(scale, root=root, data_root=data_root)
    own = study.tokenizer("clip").model_copy(
        update={"id": "my-encoder", "label": "My_Encoder <50% & #1|", "published_images": "7 M"}
    )
    table = study.table("table-2").model_copy(update={"rows": ROWS})
    small = study.scale.model_copy(update={"bootstrap_resamples": 200})
    tokenizers = {**study.tokenizers, own.id: own}
    models_study = study.other_models_study and replace(study.other_models_study, tokenizers=tokenizers)
    return replace(
        study, tokenizers=tokenizers, tables={"table-2": table}, scale=small, other_models_study=models_study
    )


def write_official_files(root: Path, *, photographs: Callable[[str, int], bool]) -> None:
    """Writes the files that the mini scale names; `photographs` says which of them are there."""
    rng = np.random.default_rng(7)
    for split in ("val", "train", "dev"):
        shift = {"val": 0, "train": 100, "dev": 200}[split]
        images = [image + shift for image in IMAGES]
        _write_vqa(root / "vqa", split, images, rng)
        captions = [
            {"id": 2 * image + copy, "image_id": image, "caption": _caption(image, copy)}
            for image in images
            for copy in range(2)
        ]
        rows = [{"id": image, "file_name": f"{image:012d}.jpg"} for image in images]
        _write_annotations(root, split, images, vcr=photographs("vcr", 1))
        write_json(
            root / f"coco/annotations/captions_{split}2017.json", {"images": rows, "annotations": captions}
        )
        for origin in ("coco", "vcr"):
            suffix = "" if split == "val" else f"_{split}"
            named: list[int | str] = [f"scene/{image}.jpg" if origin == "vcr" else image for image in images]
            _write_objects(root / "gvtbench", origin, suffix, named, rng)
    for image in IMAGES:
        for origin, name in (("coco/val2017", f"{image:012d}.jpg"), ("vcr/vcr1images/scene", f"{image}.jpg")):
            if photographs(origin.split("/")[0], image):
                path = root / origin / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()


def _write_annotations(root: Path, split: str, images: list[int], *, vcr: bool) -> None:
    """Writes what is annotated: of the objects that are asked about 1, 2 and 3, or all of them 2."""
    counts = {image: (1, 2, 3) if image % 2 else (2, 2, 2) for image in images}
    shown = {
        image: [name for name, often in zip(NAMES, counts[image], strict=True) for _ in range(often)]
        for image in images
    }
    records = [{"id": image, "file_name": f"{image:012d}.jpg", "height": 10, "width": 10} for image in images]
    annotations = [
        {
            "id": 100 * image + place,
            "image_id": image,
            "category_id": NAMES.index(name),
            "bbox": [0, 0, 1, 1],
            "iscrowd": 0,
        }
        for image in images
        for place, name in enumerate(shown[image])
    ]
    categories = [{"id": place, "name": name} for place, name in enumerate(NAMES)]
    write_json(
        root / f"coco/annotations/instances_{split}2017.json",
        {"images": records, "annotations": annotations, "categories": categories},
    )
    for image in images if vcr else ():
        names = shown[image]
        frame = {"boxes": [[0, 0, 1, 1, 0.9]] * len(names), "names": names, "width": 10, "height": 10}
        write_json(root / f"vcr/vcr1images/scene/{image}.json", frame)


def _caption(image: int, copy: int) -> str:
    colour, name = COLOURS[image % 3], NAMES[image % 2]
    return (
        f"a {colour} {name} beside {image % 4} small {NAMES[2]}s"
        if copy
        else f"there is a {colour} {name} here"
    )


def _write_vqa(folder: Path, split: str, images: list[int], rng: np.random.Generator) -> None:
    questions, annotations = [], []
    for image in images:
        for place, (kind, legal) in enumerate((("what color", COLOURS), ("is there", ("yes", "no")))):
            key = 10 * image + place
            answer = str(rng.choice(legal, p=[0.5, *[0.5 / (len(legal) - 1)] * (len(legal) - 1)]))
            said = [answer] * 8 + [str(rng.choice(legal)) for _ in range(2)]
            questions.append({"question_id": key, "image_id": image, "question": f"{kind} of thing {place}?"})
            row = {"question_id": key, "image_id": image, "question_type": kind, "answer_type": "other"}
            given = [{"answer": text} for text in said]
            annotations.append(row | {"multiple_choice_answer": answer, "answers": given})
    write_json(folder / f"v2_OpenEnded_mscoco_{split}2014_questions.json", {"questions": questions})
    write_json(folder / f"v2_mscoco_{split}2014_annotations.json", {"annotations": annotations})
    if split == "val":  # the excerpt scale's names of the same two files
        write_json(folder / "allennlp_vqav2_questions.json", {"questions": questions})
        write_json(folder / "allennlp_vqav2_annotations.json", {"annotations": annotations})


def _write_objects(
    folder: Path, origin: str, suffix: str, images: list[Any], rng: np.random.Generator
) -> None:
    counting = [
        {"image_id": image, "text_in": counting_question(name), "n_obj_exist": 3,
         "text_out": str(rng.choice(["1", "2", "3"], p=[0.5, 0.3, 0.2]))}
        for image in images for name in NAMES
    ]  # fmt: skip
    identification = [
        {"image_id": image, "text_in": identification_question(name), "n_obj_exist": 3,
         "text_out": str(rng.choice(["Yes.", "No."]))}
        for image in images for name in NAMES
    ]  # fmt: skip
    write_json(folder / f"{origin}_oc{suffix}.json", counting)
    write_json(folder / f"{origin}_mci{suffix}.json", identification)


def answer_at_random(study: Study, wanted: Run) -> None:
    """Writes predictions that are right as often as `SKILL` says, for the questions that can be asked."""
    rng = np.random.default_rng(list(SKILL).index(wanted.path))
    for task in study.answered_tasks():
        questions = ask(study, task.id)
        rows = []
        for key, record in zip(questions.references.ids, questions.references.records, strict=True):
            right = {
                "vqa": lambda record: record.multiple_choice_answer,
                "caption": lambda record: record.captions[0],
            }.get(task.kind, lambda record: record.answer)(record)
            wrong = {"vqa": "purple", "caption": "a photograph", "counting": "nine"}.get(task.kind, "maybe")
            constant = task.id == "vcr-oc" and wanted.tokenizer == "my-encoder"
            said = "1" if constant else right if rng.random() < SKILL[wanted.path] else wrong
            rows.append(_line(task, key, record, said))
        write_predictions(Paths(study).predictions(wanted, task.id), rows, answer_inputs(study, wanted, task))


def _line(task: Task, key: int | str, record: Any, said: str) -> dict[str, Any]:
    truth = list(task_kind(task.kind).truth(record))
    return {
        "id": key,
        "image": record.image_id,
        "prompt": "",
        "answer": said,
        "raw": said,
        "truth": truth,
    }


def say_without_images(study: Study, llm: str) -> None:
    """Writes what a language model says that sees nothing: the same to every question of a kind."""
    said = {"vqa": "yes", "caption": "a photograph", "counting": "1", "identification": "No."}
    for task in study.answered_tasks():
        questions = ask(study, task.id).references
        pairs = zip(questions.ids, questions.records, strict=True)
        rows = [_line(task, key, record, said[task.kind]) for key, record in pairs]
        write_predictions(Paths(study).blind_predictions(llm, task.id), rows, blind_inputs(study, llm, task))


def build(root: Path, study: Study, photographs: Callable[[str, int], bool]) -> Small:
    """Makes and scores a small study below `root`, which stands for the checkout."""
    write_official_files(root / Paths(study).data, photographs=photographs)
    return scored(root, study)


def scored(root: Path, study: Study) -> Small:
    """Answers and scores a small study whose official files are there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for run in study.runs():
            answer_at_random(study, run)
            score_run.run(study, run, "gvt")
        for llm in study.answering_llms():
            say_without_images(study, llm)
        fit_blind.run(study, "gvt")
    return Small(study, root)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A folder with what a checkout holds of the study: the grid, the scales and the published tables."""
    return new_checkout(tmp_path_factory.mktemp("checkout"), repository)


def new_checkout(root: Path, repository: Path) -> Path:
    """Puts into a folder what a checkout holds of the study, and returns it."""
    (root / "workflow").symlink_to(repository / "workflow")
    (root / "paper_tables").mkdir()
    (root / "paper_tables" / "published").symlink_to(repository / "paper_tables" / "published")
    return root


@pytest.fixture(scope="session")
def mini(checkout: Path) -> Small:
    """The mini scale: every photograph is there."""
    return build(checkout, small_study("mini", checkout), lambda *_: True)


@pytest.fixture(scope="session")
def excerpt(checkout: Path) -> Small:
    """The excerpt scale on a user's own folder: two of three COCO photographs are there, and none of VCR."""
    study = small_study("excerpt", checkout, data_root=str(checkout / "official"))
    return build(checkout, study, lambda origin, image: origin == "coco" and image % 3 > 0)


@pytest.fixture(scope="session")
def partial(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Small:
    """The excerpt scale on a part of the official files: COCO's own, and the questions of one benchmark."""
    root = new_checkout(tmp_path_factory.mktemp("partial"), repository)
    study = small_study("excerpt", root, data_root=str(root / "part"))
    write_official_files(root / "part", photographs=lambda origin, _: origin == "coco")
    for path in (root / "part").rglob("*.json"):
        if path.name not in ("captions_val2017.json", "coco_oc.json", "allennlp_vqav2_questions.json"):
            path.unlink()
    return scored(root, study)
