"""Which questions a study asks: those of the official files that are there, with their photographs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vistok.datasets.images import ImageIndex
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import References, load_references
from vistok.files import no_folder
from vistok.grid.needs import absent_photographs, absent_questions
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tasks import Task, TaskFiles
from vistok.planning.listed import check_listed, task_names


@dataclass(frozen=True)
class TaskQuestions:
    """The questions of one task that can be asked.

    Attributes:
        references: the asked part of the official file; `references.full_set` is all of it.
        texts: the words of each question, in the order of the references.
        prompts: all text after the image, in the same order.
        images: image id -> photograph.
        reason: why not all questions are asked; None if all are.
    """

    references: References
    texts: tuple[str, ...]
    prompts: tuple[str, ...]
    images: dict[int | str, Path]
    reason: str | None


def ask_all(study: Study, suite: str) -> dict[str, TaskQuestions]:
    """Reads the questions of every task of a suite.

    Raises:
        VistokError: as `ask` does, or no task of any suite has a question.
    """
    by_task = ask_each(study, [task.id for task in study.suite(suite)])
    elsewhere = (task.id for task in study.answered_tasks() if task.id not in by_task)
    if not any(questions.prompts for questions in by_task.values()) and all(
        absent_questions(study, task) or absent_photographs(study, task) for task in elsewhere
    ):
        reasons = "; ".join(f"{task}: {questions.reason}" for task, questions in by_task.items())
        raise VistokError(
            f"no question can be asked of what is in {study.scale.data_root} ({reasons}). Put the official files of "
            "at least one task there, with some of its photographs."
        )
    return by_task


def ask(study: Study, task: str) -> TaskQuestions:
    """Reads a task's questions and finds their photographs.

    Raises:
        VistokError: a file or photograph is missing at a scale where none may be, or a file is wrong.
    """
    return ask_each(study, [task])[task]


def ask_each(study: Study, tasks: Sequence[str]) -> dict[str, TaskQuestions]:
    """As `ask` for each of some tasks; the files and photographs below the data root are compared once.

    Raises:
        VistokError: as `ask` does.
    """
    root = Paths(study).data
    if not root.is_dir():
        raise VistokError(
            f"the data root {root} of the scale {study.scale.id!r} {no_folder(root)}. Name the folder that holds "
            "the official files: --config data_root=FOLDER (or data_root in the scale's file)."
        )
    named = {task: _files(study, task) for task in tasks}
    check_listed(study, list(dict.fromkeys(task_names(study, tasks))))
    return {task: _ask(study, study.task(task), files, root) for task, files in named.items()}


def _files(study: Study, task: str) -> TaskFiles:
    if files := study.task_files(task):
        return files
    raise VistokError(
        f"the scale {study.scale.id!r} names no files for the task {task!r}: add it to its `tasks`."
    )


def _ask(study: Study, entry: Task, files: TaskFiles, root: Path) -> TaskQuestions:
    if absent := absent_questions(study, entry.id):
        return TaskQuestions(References(entry.kind, (), (), ()), (), (), {}, absent)
    everything = load_references(entry.kind, root / files.references)
    references = everything.shown
    index = ImageIndex(root, files.images)
    photographs = {image: index.find(image) for image in dict.fromkeys(references.images)}
    images = {image: path for image, path in photographs.items() if path is not None}
    moving = len(everything.ids) - len(references.ids)
    reason = f"{moving} of {len(everything.ids)} questions are about videos" if moving else None
    if len(images) < len(photographs):
        absent_images = [image for image in photographs if image not in images]
        folders = ", ".join(files.images)
        here = f"{len(absent_images)} of {len(photographs)} photographs are not in {folders}"
        reason = f"{reason}; {here}" if reason else here
        if study.scale.missing_images == "error":
            index.require(absent_images[0])
    answerable = references.of_images(images)
    texts = tuple(_texts(entry, answerable, files, root))
    prompts = tuple(entry.prompt.replace("{question}", text) for text in texts)
    return TaskQuestions(answerable, texts, prompts, images, reason)


def _texts(task: Task, references: References, files: TaskFiles, root: Path) -> list[str]:
    """Returns the words of each question."""
    kind = task_kind(task.kind)
    if kind.texts_apart and files.questions is None:
        raise VistokError(f"the task {task.id!r} needs a `questions` file beside its annotations.")
    questions = root / files.questions if files.questions else None
    return kind.texts(references.records, root / files.references, questions)
