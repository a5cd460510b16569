"""Makes the whole image world below one folder, in the layouts of the official datasets."""

import ctypes
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Final

import numpy as np

from vistok.errors import VistokError
from vistok.files import staged_folder, write_text
from vistok.world.catalog import CATEGORY_NAMES, IMAGE_SIZE
from vistok.world.choices import SMALLEST, Choice, sample_choices
from vistok.world.documents import Conversation, instruction_conversations, pretraining_documents
from vistok.world.draws import Draws
from vistok.world.sampling import Style, sample_labelled_scene, sample_scene, sample_until_new
from vistok.world.scene import Scene, Signature
from vistok.world.write_coco import CocoSplit, write_coco_split, write_compact, write_objects365
from vistok.world.write_imagenet import write_imagenet
from vistok.world.write_seedbench import write_seedbench
from vistok.world.write_vcr import write_vcr_split, write_vocabulary
from vistok.world.write_vqa import write_vqa_split
from vistok.world.write_web import write_unlabelled, write_web

COCO_FIRST_IDS = {"train": 1, "dev": 200_001, "val": 300_001}
VCR_FIRST_MOVIES = {"dev": 1, "val": 5001}
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
# Each part draws from a stream of its own, so that a longer part changes no other one.
_STREAMS = (
    "coco_train", "coco_dev", "coco_val", "vcr_dev", "vcr_val", "objects365", "imagenet", "web",
    "pretraining_documents", "instruction_conversations", "lvd", "seed_bench_val", "seed_bench_dev",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorldSizes:
    """How much of everything to make: numbers of images, of documents, and of questions per image."""

    seed: int
    image_size: int
    coco_train: int
    coco_dev: int
    coco_val: int
    vcr_dev: int
    vcr_val: int
    objects365: int
    imagenet: int
    lvd: int
    web: int
    questions_per_image: int
    pretraining_documents: int
    instruction_conversations: int
    seed_bench_dev: int
    seed_bench_val: int


@dataclass(frozen=True, slots=True)
class WorldScenes:
    """The scenes of every split; no training scene is a dev or val scene, no dev scene a val scene."""

    coco: dict[str, list[Scene]]
    vcr: dict[str, list[Scene]]
    objects365: list[Scene]
    imagenet: list[Scene]
    lvd: list[Scene]
    web: list[Scene]

    @property
    def all(self) -> list[Scene]:
        """Every scene of every split."""
        splits = (*self.coco.values(), *self.vcr.values(), self.objects365, self.imagenet, self.lvd, self.web)
        return [scene for split in splits for scene in split]


def make_world(sizes: WorldSizes, out: Path, *, processes: int = 1) -> None:
    """Writes coco/, vqa/, vcr/, objects365/, imagenet/, lvd/, web/, seedbench/ and text/ below `out`, or nothing.

    The same sizes give the same bytes on every machine, by any number of processes. An earlier world in `out` is
    replaced.

    Raises:
        VistokError: a size is not legal, or the files cannot be written.
    """
    _check(sizes)
    scenes = sample_scenes(sizes)
    with staged_folder(out) as folder:
        # The longest first, so that no process ends long after the others.
        _each(
            [
                partial(_write_web, sizes, scenes, folder / "web"),
                partial(_write_seedbench, sizes, scenes, folder / "seedbench"),
                partial(write_unlabelled, scenes.lvd, folder / "lvd"),
                *(partial(_write_coco, sizes, scenes, name, folder) for name in COCO_FIRST_IDS),
                partial(_write_conversations, sizes, folder / "text"),
                partial(write_objects365, scenes.objects365, folder / "objects365"),
                partial(_write_documents, sizes, folder / "text"),
                partial(write_imagenet, scenes.imagenet, folder / "imagenet"),
                *(partial(_write_vcr, sizes, scenes, name, folder) for name in VCR_FIRST_MOVIES),
                partial(write_vocabulary, folder / "vcr"),
            ],
            processes,
        )


def sample_scenes(sizes: WorldSizes) -> WorldScenes:
    """Samples every split: val first, then dev without val's scenes, then training without either's."""
    nothing: frozenset[Signature] = frozenset()
    coco, vcr = {}, {}
    coco["val"] = _plain(sizes, "coco_val", sizes.coco_val, "coco", nothing)
    vcr["val"] = _plain(sizes, "vcr_val", sizes.vcr_val, "vcr", nothing)
    val = _signatures(coco["val"] + vcr["val"])
    coco["dev"] = _plain(sizes, "coco_dev", sizes.coco_dev, "coco", val)
    vcr["dev"] = _plain(sizes, "vcr_dev", sizes.vcr_dev, "vcr", val)
    held_out = val | _signatures(coco["dev"] + vcr["dev"])
    coco["train"] = _plain(sizes, "coco_train", sizes.coco_train, "coco", held_out)
    return WorldScenes(
        coco=coco,
        vcr=vcr,
        objects365=_plain(sizes, "objects365", sizes.objects365, "varied", held_out),
        imagenet=_labelled(sizes, "imagenet", sizes.imagenet, held_out),
        lvd=_labelled(sizes, "lvd", sizes.lvd, held_out),
        web=_plain(sizes, "web", sizes.web, "varied", held_out),
    )


def sample_seedbench(sizes: WorldSizes, scenes: WorldScenes) -> dict[str, list[Choice]]:
    """Returns SEED-Bench's questions by file, about scenes that no other part has, nor the other file."""
    seen = _signatures(scenes.all)
    val = sample_choices(_words(sizes, "seed_bench_val"), sizes.seed_bench_val, seen)
    seen |= _signatures([choice.scene for choice in val])
    dev = sample_choices(_words(sizes, "seed_bench_dev"), sizes.seed_bench_dev, seen)
    return {"SEED-Bench.json": val, "SEED-Bench_dev.json": dev}


def _each(tasks: Sequence[Callable[[], None]], processes: int) -> None:
    """Runs tasks, each in one of so many processes that are forked with all of them: no scene is sent anywhere.

    Raises:
        VistokError: a task raises it, or a process was killed.
    """
    if processes == 1:
        for task in tasks:
            task()
        return
    context, others = get_context("fork"), set(active_children())
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(tasks,)) as pool:
        try:
            for future in [pool.submit(_run_task, number) for number in range(len(tasks))]:
                future.result()
        except BrokenProcessPool as error:
            raise VistokError(
                "a process that makes the world was killed, perhaps because memory ran out. Give the job more, or let "
                "one process make it: `cpus: 1` of make-world under `resources` in the scale's file."
            ) from error
        except BaseException:
            for worker in set(active_children()) - others:
                worker.terminate()  # what is made is thrown away
            raise


_TASKS: Final[list[Callable[[], None]]] = []  # of this process


def _begin(tasks: Sequence[Callable[[], None]]) -> None:
    """Prepares a process that lives and dies with the one that it is forked from."""
    _TASKS.extend(tasks)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if control := getattr(ctypes.CDLL(None), "prctl", None):  # Linux
        control(_DIE_WITH_PARENT, signal.SIGKILL)


def _run_task(number: int) -> None:
    _TASKS[number]()


def _plain(
    sizes: WorldSizes, stream: str, count: int, style: Style, seen: frozenset[Signature]
) -> list[Scene]:
    draws = Draws(_generator(sizes, stream, 0))
    return [
        sample_until_new(lambda: sample_scene(draws, style, web=stream == "web"), seen) for _ in range(count)
    ]


def _labelled(sizes: WorldSizes, stream: str, count: int, seen: frozenset[Signature]) -> list[Scene]:
    draws = Draws(_generator(sizes, stream, 0))

    def sampler(label: str) -> Callable[[], Scene]:
        return lambda: sample_labelled_scene(draws, label)

    labels = [CATEGORY_NAMES[number % len(CATEGORY_NAMES)] for number in range(count)]
    return [sample_until_new(sampler(label), seen) for label in labels]


def _signatures(scenes: list[Scene]) -> frozenset[Signature]:
    return frozenset(scene.signature for scene in scenes)


def _generator(sizes: WorldSizes, stream: str, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([sizes.seed, _STREAMS.index(stream), purpose]))


def _words(sizes: WorldSizes, stream: str) -> Draws:
    """Returns the draws for the captions, questions and answers of a stream."""
    return Draws(_generator(sizes, stream, 1))


def _write_coco(sizes: WorldSizes, scenes: WorldScenes, name: str, folder: Path) -> None:
    split, draws = CocoSplit(name, COCO_FIRST_IDS[name], scenes.coco[name]), _words(sizes, f"coco_{name}")
    write_coco_split(split, draws, folder / "coco")
    write_vqa_split(split, draws, folder / "vqa", sizes.questions_per_image)


def _write_vcr(sizes: WorldSizes, scenes: WorldScenes, name: str, folder: Path) -> None:
    write_vcr_split(
        name, VCR_FIRST_MOVIES[name], scenes.vcr[name], _words(sizes, f"vcr_{name}"), folder / "vcr"
    )


def _write_web(sizes: WorldSizes, scenes: WorldScenes, folder: Path) -> None:
    write_web(scenes.web, _words(sizes, "web"), folder)


def _write_seedbench(sizes: WorldSizes, scenes: WorldScenes, folder: Path) -> None:
    write_seedbench(sample_seedbench(sizes, scenes), folder)


def _write_documents(sizes: WorldSizes, folder: Path) -> None:
    generator = _generator(sizes, "pretraining_documents", 1)
    documents = pretraining_documents(generator, sizes.pretraining_documents)
    write_text(folder / "pretraining.txt", "".join(f"{document}\n" for document in documents))


def _write_conversations(sizes: WorldSizes, folder: Path) -> None:
    generator = _generator(sizes, "instruction_conversations", 1)
    conversations = instruction_conversations(generator, sizes.instruction_conversations)
    records = [_sharegpt(number, conversation) for number, conversation in enumerate(conversations)]
    write_compact(folder / "instructions.json", records)


def _sharegpt(number: int, conversation: Conversation) -> dict[str, object]:
    turns = []
    for prompt, answer in conversation:
        turns += [{"from": "human", "value": prompt}, {"from": "gpt", "value": answer}]
    return {"id": f"{number:06d}", "conversations": turns}


def _check(sizes: WorldSizes) -> None:
    if sizes.image_size != IMAGE_SIZE:
        raise VistokError(
            f"the world's image_size is {sizes.image_size}; it draws {IMAGE_SIZE} pixel images only. "
            f"Set image_size: {IMAGE_SIZE} in the scale file."
        )
    negative = [name for name in sizes.__dataclass_fields__ if getattr(sizes, name) < 0]
    if negative:
        raise VistokError(
            f"the world's sizes may not be negative: {', '.join(negative)}. Set 0 or more in the scale file."
        )
    for name in ("seed_bench_dev", "seed_bench_val"):
        if getattr(sizes, name) % SMALLEST:
            raise VistokError(
                f"the world's {name} is {getattr(sizes, name)}; all dimensions have as many questions, and each text "
                f"four: legal are multiples of {SMALLEST}. Correct it in the scale file."
            )
