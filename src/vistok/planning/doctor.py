"""Checks before a long run what would make it fail later: one line per check, `ok` or what to do."""

import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from vistok.errors import CONTINUED, VistokError, printable
from vistok.evaluation.references import load_references
from vistok.files import no_folder
from vistok.grid.downloads import downloads_for, load_downloads
from vistok.grid.ett_files import released_tokenizer
from vistok.grid.ett_scale import of_ett
from vistok.grid.needs import (
    absent_photographs,
    absent_questions,
    is_absent,
    tokenizer_weights_name,
)
from vistok.grid.runs import Released, Subject, runs_among
from vistok.grid.study import Study
from vistok.planning import limits, machine, slurm
from vistok.planning.ett import check_released, files_read
from vistok.planning.language_weights import check_language_model, check_released_model
from vistok.planning.listed import check_pinned
from vistok.planning.overlap import check_training_captions
from vistok.planning.photographs import Photographs, listed_photographs
from vistok.planning.plan import make_plan
from vistok.planning.weights import check_pretrained, check_tokenizer

Verdict = Literal["ok", "FAIL", "note"]
_NAMED: Final = 20  # absent files in a line; all of them go into the file that is asked for


@dataclass(frozen=True)
class Line:
    """What one check found; `note` is neither good nor bad."""

    verdict: Verdict
    check: str
    message: str

    def __str__(self) -> str:
        message = CONTINUED.join(map(printable, self.message.split(CONTINUED)))  # it may name any file
        return f"{self.verdict:5} {printable(self.check):26} {message}"


def examine(
    study: Study,
    subjects: Sequence[Subject],
    *,
    gpu_memory: float | None = None,
    profile: Path | None = None,
    absent: list[str] | None = None,
) -> Iterator[Line]:
    """Yields the outcome of every check that concerns some runs of a study.

    Args:
        absent: is filled with every file that is listed and is not there, as `TASK OR SET: FILE`.
        gpu_memory: of one GPU that jobs get, in GiB; None: as this machine's.
        profile: the Slurm profile that jobs are submitted with; None: they are not.
    """
    plan = make_plan(study, subjects)
    yield from _data(study, subjects)
    for photographs in listed_photographs(study, subjects):
        yield _photographs(photographs, [] if absent is None else absent)
    yield from _weights(study.models_study, subjects)
    yield _outcome("java", machine.check_java)
    yield _outcome("disk", lambda: machine.check_disk(plan))
    yield _outcome("GPU memory", lambda: machine.check_gpu(plan, gpu_memory))
    yield _outcome("memory of a node", lambda: limits.check_host_memory(plan))
    yield _outcome("offline", machine.check_offline)
    if profile:
        yield _outcome("time limits", lambda: limits.check_hours(plan, profile))
        yield _outcome("slurm partition", lambda: slurm.check_partition(profile))
        yield _outcome("slurm account", lambda: slurm.check_account(profile))


def examine_start(
    study: Study, subjects: Sequence[Subject], rules: Collection[str], *, local: bool
) -> Iterator[Line]:
    """Yields the outcome of those checks that concern the jobs of one start, and that take seconds.

    Args:
        subjects: what is about to be trained or to answer.
        rules: the names of the rules that are about to run.
        local: whether jobs run on this machine, whose GPU and memory are then theirs.
    """
    models_study, runs = study.models_study, runs_among(subjects)
    foreign = [run for run in runs if tokenizer_weights_name(models_study, run.tokenizer)]
    for name in dict.fromkeys(run.tokenizer for run in foreign):
        yield _outcome(f"weights of {name}", lambda name=name: check_tokenizer(models_study, name))  # type: ignore[misc]
    for name in dict.fromkeys(() if models_study.scale.language_model else (run.llm for run in runs)):
        yield _outcome(f"weights of {name}", lambda name=name: check_language_model(models_study, name))  # type: ignore[misc]
    if any(rule.startswith(("score_run", "fit_blind")) for rule in rules):
        yield _outcome("java", machine.check_java)
    if "train_ibq" in rules:
        yield from _of_ett(models_study, importing=True)
    if subjects:
        plan = make_plan(study, subjects)
        yield _outcome("disk", lambda: machine.check_disk(plan))
        if local:
            yield _outcome("GPU memory", lambda: machine.check_gpu(plan))


def examine_node(study: Study, subjects: Sequence[Subject]) -> Iterator[Line]:
    """Yields the outcome of those checks that only a job can make, from inside one.

    Each process of a launcher makes them with the others; what concerns the node alone, its first one makes.
    """
    from vistok.planning import node
    from vistok.training.devices import device_of
    from vistok.training.processes import is_first

    models_study, runs = study.models_study, runs_among(subjects)
    gpus = models_study.scale.job("tune-mllm").gpus
    device = _outcome("GPU", lambda: node.check_device(gpus))
    yield device
    if device.verdict == "ok":
        torch_device = device_of(gpus)
        yield _outcome("product in bf16", lambda: node.check_product(torch_device))
        if not models_study.scale.exact and torch_device.type == "cuda":
            yield _outcome("compiled layers", lambda: node.check_compiled(torch_device))
        yield _outcome("exchange", lambda: node.check_exchange(torch_device))
    if is_first():
        yield _outcome("hub cache", node.check_cache)
        if runs:
            yield _outcome("shared memory", lambda: node.check_shared_memory(models_study, runs[0]))
        yield from _weights(models_study, subjects)


def _outcome(check: str, ask: Callable[[], str]) -> Line:
    try:
        return Line("ok", check, ask())
    except VistokError as error:
        return Line("FAIL", check, str(error))


def _data(study: Study, subjects: Sequence[Subject]) -> Iterator[Line]:
    """Checks each data root: by its pinned digest where one is pinned, else file by file."""
    for each in dict.fromkeys((study.scale.id, study.models_study.scale.id)):
        owner = study if each == study.scale.id else study.models_study
        root = Path(owner.scale.data_root)
        if owner.scale.world:
            yield _outcome(f"data of {each}", lambda root=root: check_pinned(root))  # type: ignore[misc]
            continue
        if not root.is_dir():
            yield Line("FAIL", f"data of {each}", f"{root} {no_folder(root)}. Name it: --data-root FOLDER")
            continue
        names = files_read(owner, subjects)
        downloads = load_downloads()
        for name in names:
            how = "; ".join(
                f"vistok fetch {entry.id} --data-root {shlex.quote(str(root))}"
                for entry in downloads_for(name, downloads)
            )
            if is_absent(root / name):
                verdict: Verdict = "note" if owner.scale.missing_images == "skip" else "FAIL"
                yield Line(verdict, name, f"not in {root}. {how or 'Put it there.'}")
            else:
                yield Line("ok", name, f"in {root}")
        if owner.scale.missing_images == "skip":
            yield from _questions(owner, root)
        if owner is study is study.models_study:
            yield from _expected(owner, root)
            yield _outcome("training captions", lambda owner=owner: check_training_captions(owner))  # type: ignore[misc]


def _photographs(photographs: Photographs, absent: list[str]) -> Line:
    """Checks that every listed photograph exists."""
    check = f"photographs of {photographs.of}"
    try:
        missing = photographs.absent()
    except VistokError as error:
        return Line("FAIL", check, str(error))
    absent += [f"{photographs.of}: {name}" for name in missing]
    if not missing:
        return Line("ok", check, "all that are listed are there")
    more = f" and {len(missing) - _NAMED} more (all of them: --absent FILE)" if len(missing) > _NAMED else ""
    named = f"{len(missing)} of those that are listed are absent: {', '.join(missing[:_NAMED])}{more}."
    if len(missing) > photographs.allowed:
        return Line("FAIL", check, f"{named} {photographs.allowed} may be. Fetch them.")
    return Line("note", check, f"{named} They are left out: `unusable` allows {photographs.allowed}")


def _questions(study: Study, root: Path) -> Iterator[Line]:
    """Reports tasks without any question, where only existing files are asked about; it fails if no task has one."""
    unasked = 0
    for task in study.answered_tasks():
        if reason := absent_questions(study, task.id) or absent_photographs(study, task.id):
            unasked += 1
            yield Line("note", f"questions of {task.id}", f"none is asked: {reason}")
    if unasked == len(study.answered_tasks()):
        yield Line("FAIL", "questions", f"no task has any in {root}. Put those of at least one task there.")


def _expected(study: Study, root: Path) -> Iterator[Line]:
    """Reports, for each task file, whether it has as many questions as the official one."""
    for task in study.answered_tasks():
        files = study.task_files(task.id)
        if files is None or task.expected_questions is None or not (root / files.references).is_file():
            continue
        try:
            count = len(load_references(task.kind, root / files.references).shown.ids)
        except VistokError as error:
            yield Line("FAIL", f"questions of {task.id}", str(error))
            continue
        same = count == task.expected_questions
        other = "" if same else f", the official file {task.expected_questions:,}: numbers will not compare"
        yield Line(
            "ok" if same else "note", f"questions of {task.id}", f"{files.references} asks {count:,}{other}"
        )


def _of_ett(models_study: Study, *, importing: bool = False) -> Iterator[Line]:
    """Checks the released files that ETT's tokenizer is imported from, where the scale does not train it."""
    released = released_tokenizer(models_study)
    if not released:
        return
    check = "released files of ETT"
    try:
        found = check_released(models_study, importing=importing)
    except VistokError as error:
        yield Line("FAIL", check, str(error))
        return
    yield Line("ok", check, str(found))
    if not found.imported:
        yield _outcome(f"weights of {released}", lambda: check_tokenizer(models_study, released))


def _weights(models_study: Study, subjects: Sequence[Subject]) -> Iterator[Line]:
    runs = runs_among(subjects)
    for pretrained in models_study.pretrainings(runs):
        yield _outcome(
            f"weights of {pretrained.path}",
            lambda pretrained=pretrained: check_pretrained(models_study, pretrained),  # type: ignore[misc]
        )
    made = [run.tokenizer for run in runs if of_ett(models_study, run)]
    if made:
        yield from _of_ett(models_study)
    published = (
        name
        for name in models_study.lineage(run.tokenizer for run in runs)
        if not models_study.pretrains(name) and name not in made
    )
    for name in published:
        yield _outcome(f"weights of {name}", lambda name=name: check_tokenizer(models_study, name))  # type: ignore[misc]
    for name in dict.fromkeys(run.llm for run in runs):
        yield _outcome(f"weights of {name}", lambda name=name: check_language_model(models_study, name))  # type: ignore[misc]
    for name in dict.fromkeys(subject.model for subject in subjects if isinstance(subject, Released)):
        yield _outcome(f"weights of {name}", lambda name=name: check_released_model(models_study, name))  # type: ignore[misc]
