"""The lines of a predictions.jsonl: what a model answered, as it is kept and as it is scored."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Final

import numpy as np
import torch

from vistok.datasets.reader import Input, Reader
from vistok.errors import VistokError
from vistok.evaluation.answer.generation import Answerer, Question
from vistok.evaluation.kinds import task_kind
from vistok.grid.tasks import Task
from vistok.locks import only_writer
from vistok.steps.asking import TaskQuestions
from vistok.steps.saved_answers import Row, SavedAnswers
from vistok.training.batches import Batch, batches
from vistok.training.processes import Process, join, meet, this_process
from vistok.training.stops import stop_requests

# Questions of like length are looked for among so many, and so many photographs' visual tokens are kept at a time:
# 2 GB of a 7-B model's in bf16.
_QUESTIONS: Final = 8192
_PHOTOGRAPHS: Final = 8192
ALONE: Final = Process()


@dataclass(frozen=True)
class PhotographReader:
    """How photographs are looked at.

    Attributes:
        reader: decodes one.
        look: has the model look at some, in place of those before.
        batch: how many are decoded at a time.
        workers: the processes that decode ahead of the model; 0: it waits for this one.
    """

    reader: Reader
    look: Callable[[Iterator[tuple[str, Input]]], None]
    batch: int
    workers: int


@dataclass(frozen=True)
class _Chunk:
    """Consecutive questions of a task.

    Attributes:
        first: the number of its first group in the task.
        groups: which questions are answered at once, by their positions.
        images: the photographs to look at before the first group.
    """

    task: Task
    questions: list[Question]
    first: int
    groups: list[list[int]]
    images: tuple[str, ...] = ()


def answer_suite(
    answerer: Answerer,
    suite: Mapping[str, tuple[Task, TaskQuestions]],
    saved: SavedAnswers,
    *,
    name: str,
    photographs: PhotographReader | None = None,
    process: Process = ALONE,
) -> Iterator[tuple[Task, list[Row]]]:
    """Yields each task of a suite with the lines of its predictions.jsonl, one per question, in their order.

    Of several processes each answers its share, and all look at all photographs, in the same batches; the first one
    yields, once all are done.

    Each line holds id, image, prompt, answer, raw generation and the truth; or, of a kind that ranks, options in place
    of the raw generation, and as the answer the summed loss of each option, with the number of its tokens.

    Args:
        suite: by the tasks' ids.
        saved: what is answered already; what is answered now goes there, too.
        name: what an error calls the job.
        photographs: how they are looked at by a model that does so once for all questions.
        process: which of the job's processes this is.

    Raises:
        VistokError: a task says nothing on how its answers are written, a photograph cannot be decoded, or the job
            was told to stop (its answers are saved).
    """
    chunks = [chunk for task, questions in suite.values() for chunk in _chunks(answerer, task, questions)]
    if process.world_size > 1:
        for _ in _answered_chunks(answerer, chunks, saved, name, photographs, process):
            pass
        saved.save()
        meet()
        saved.read_others()
        if process.rank:
            return
    made = _answered_chunks(answerer, chunks, saved, name, photographs, ALONE)
    for task, of_task in groupby(made, key=lambda chunk: chunk[0]):
        rows = [row for _, some in of_task for row in some]
        yield suite[task][0], _lines(suite[task][0], suite[task][1], rows)


def _answered_chunks(
    answerer: Answerer,
    chunks: list[_Chunk],
    saved: SavedAnswers,
    name: str,
    photographs: PhotographReader | None,
    process: Process,
) -> Iterator[tuple[str, list[Row]]]:
    """Yields the task of each chunk with the answers to those of its questions that are this process's, or known."""
    if photographs:
        chunks = _with_images(chunks, saved, process)
    images = [image for chunk in chunks for image in chunk.images]
    with stop_requests() as stop, _decoded(name, images, photographs) as coming:
        for chunk in chunks:
            if chunk.images and photographs:
                photographs.look(islice(coming, len(chunk.images)))
            yield chunk.task.id, _answered(answerer, chunk, saved, stop, name, process)


@contextmanager
def one_writer(out: Path) -> Iterator[Process]:
    """Yields which of the job's processes this is; of them the first locks the output.

    Raises:
        VistokError: another job is writing it.
    """
    join()
    process = this_process()
    with nullcontext() if process.rank else only_writer(out):
        yield process


def _chunks(answerer: Answerer, task: Task, task_questions: TaskQuestions) -> Iterator[_Chunk]:
    kind, first = task_kind(task.kind), 0
    questions = [
        Question(key, str(task_questions.images[record.image_id]), prompt, kind.options(record))
        for key, record, prompt in zip(
            task_questions.references.ids,
            task_questions.references.records,
            task_questions.prompts,
            strict=True,
        )
    ]
    for start in range(0, max(len(questions), 1), _QUESTIONS):
        some = questions[start : start + _QUESTIONS]
        groups = answerer.groups(some)
        yield _Chunk(task, some, first, groups)
        first += len(groups)


def _with_images(chunks: list[_Chunk], saved: SavedAnswers, process: Process) -> list[_Chunk]:
    """Returns the chunks with what is to be looked at before each: before the first one all, if that is not too much.

    A job that goes on looks at all of a chunk's photographs again, in the same batches: they decide the last bits.
    """
    images = [tuple(dict.fromkeys(question.image_id for question in chunk.questions)) for chunk in chunks]
    together = tuple(dict.fromkeys(image for some in images for image in some))
    is_open = [
        any(
            saved.of(chunk.task.id, number) is None and process.owns(number)
            for number in range(chunk.first, chunk.first + len(chunk.groups))
        )
        for chunk in chunks
    ]
    if len(together) <= _PHOTOGRAPHS:
        return [replace(chunks[0], images=together if any(is_open) else ()), *chunks[1:]]
    needed = zip(chunks, images, is_open, strict=True)
    return [replace(chunk, images=some if open_ else ()) for chunk, some, open_ in needed]


@contextmanager
def _decoded(
    name: str, images: list[str], photographs: PhotographReader | None
) -> Iterator[Iterator[tuple[str, Input]]]:
    """Yields the photographs one after the other, decoded."""
    if photographs is None or not images:
        yield iter(())
        return
    reader, size = photographs.reader, photographs.batch

    def make(number: int) -> Batch:
        some = images[number * size : (number + 1) * size]
        return {"images": torch.from_numpy(np.stack([reader.photograph(Path(image)) for image in some]))}

    steps = range(-(-len(images) // size))
    with batches(name, make, steps, photographs.workers) as made:
        yield zip(images, (image.numpy() for batch in made for image in batch["images"]), strict=False)


def _answered(
    answerer: Answerer, chunk: _Chunk, saved: SavedAnswers, stop: list[int], name: str, process: Process
) -> list[Row]:
    """Returns the answers to a chunk's questions that are this process's, or known, in their order."""
    task, made = chunk.task, dict[int, Row]()
    for number, group in enumerate(chunk.groups, start=chunk.first):
        rows = saved.of(task.id, number)
        if rows is None and not process.owns(number):
            continue
        if rows is None:
            rows = _answer(answerer, task, [chunk.questions[index] for index in group])
            saved.note(task.id, number, rows)
            if stop:
                saved.save()
                raise VistokError(
                    f"{name}: stopped at batch {number + 1} of {task.id} on request; the next start goes on from there."
                )
        made |= zip(group, rows, strict=True)
    return [made[index] for index in sorted(made)]


def _lines(task: Task, questions: TaskQuestions, rows: list[Row]) -> list[Row]:
    truths = map(task_kind(task.kind).truth, questions.references.records)
    about = zip(questions.references.images, truths, rows, strict=True)
    return [
        {
            "id": row["id"],
            "image": image,
            **{key: row[key] for key in row if key != "id"},
            "truth": list(truth),
        }
        for image, truth, row in about
    ]


def _answer(answerer: Answerer, task: Task, questions: list[Question]) -> list[Row]:
    ranks = task_kind(task.kind).mode == "rank"
    return _ranked(answerer, questions) if ranks else _written(answerer, task, questions)


def _written(answerer: Answerer, task: Task, questions: list[Question]) -> list[Row]:
    if task.decoding is None:
        raise VistokError(f"the task {task.id!r} has no `decoding`: {task.kind} answers are written.")
    return [
        {
            "id": made.question.id,
            "prompt": made.question.prompt,
            "answer": task_kind(task.kind).keep(made.text),
            "raw": made.text,
        }
        for made in answerer.answer(questions, task.decoding)
    ]


def _ranked(answerer: Answerer, questions: list[Question]) -> list[Row]:
    return [
        {
            "id": made.question.id,
            "prompt": made.question.prompt,
            "options": list(made.question.options),
            "answer": list(made.losses),
            "tokens": list(made.tokens),
        }
        for made in answerer.rank(questions)
    ]
