"""The answers of a running job: a killed job resumes from them, to the same bytes.

They are kept outside the outputs of a workflow, as a training's state is, until the answers have been scored. They
belong to one identity (a digest of everything that decides the answers), and each group of them has its own digest.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vistok.chain.results import answer_files
from vistok.files import digest_value
from vistok.grid.kinds import SCORING, task_kind_modules
from vistok.grid.tasks import Task
from vistok.sources import source_digest
from vistok.steps.asking import TaskQuestions
from vistok.training.progress import say

Row = dict[str, Any]
_SECONDS: Final = 30.0  # between two saves: a kill then loses less than loading a large model takes


def identity_of(
    inputs: Mapping[str, Mapping[str, str]],
    suite: Mapping[str, tuple[Task, TaskQuestions]],
    step: str,
    batch: int,
) -> str:
    """Returns the digest of everything that decides a suite's answers.

    Args:
        inputs: the digests that each task's answers are made from.
        suite: what is asked.
        step: the module that the job runs.
        batch: how many questions are asked at once, which decides the groups.
    """
    contents = {
        name: [list(map(str, questions.references.ids)), list(questions.prompts)]
        for name, (_, questions) in suite.items()
    }
    kinds = task_kind_modules(task.kind for task, _ in suite.values())
    return digest_value([inputs, contents, source_digest(step, *kinds, without=SCORING), batch])


class SavedAnswers:
    """One file a process, to which groups of answers are appended; a last line truncated by a kill is dropped."""

    def __init__(self, file: Path, identity: str, *, rank: int = 0, seconds: float = _SECONDS) -> None:
        """Reads what an earlier job of the same identity has saved, in however many processes; others are ignored."""
        self.first, self.identity, self.seconds = file, identity, seconds
        self.file = file.with_name(f"{file.stem}.{rank}{file.suffix}") if rank else file
        self._new: list[tuple[str, int, list[Row]]] = []
        self._saved_at = time.monotonic()
        self._known = self._own() if self.file.is_file() else {}
        self.read_others()

    def of(self, task: str, group: int) -> list[Row] | None:
        """Returns the answers to a task's group of questions; None if there are none yet."""
        return self._known.get((task, group))

    def note(self, task: str, group: int, rows: list[Row]) -> None:
        """Keeps a group's answers, and saves them with the next that are due."""
        self._known[task, group] = rows
        self._new.append((task, group, rows))
        if time.monotonic() - self._saved_at >= self.seconds:
            self.save()

    def save(self) -> None:
        """Flushes unsaved answers to disk."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        head = [] if self.file.is_file() else [_line({"identity": self.identity})]
        lines = [_line({"task": task, "group": group, "rows": rows}) for task, group, rows in self._new]
        with self.file.open("ab") as stream:
            stream.write("".join(head + lines).encode())
            stream.flush()
            os.fsync(stream.fileno())
        self._new, self._saved_at = [], time.monotonic()

    def save_rest(self) -> None:
        """Saves the rest if anything was saved before: a job of seconds leaves no file to clean up."""
        if self._new and self.file.is_file():
            self.save()

    def read_others(self) -> None:
        """Reads what the job's other processes have saved so far, each in a file of its own."""
        for file in answer_files(self.first):
            if file != self.file:
                groups, _ = self._read(file)
                self._known |= groups or {}

    def _own(self) -> dict[tuple[str, int], list[Row]]:
        groups, length = self._read(self.file)
        if groups is None:
            say(
                f"{self.file} is not used, and all questions are asked: it is of other answers; the study, the "
                "checkpoint, the questions or the code have changed since."
            )
            self.file.unlink()
            return {}
        os.truncate(self.file, length)
        return groups

    def _read(self, file: Path) -> tuple[dict[tuple[str, int], list[Row]] | None, int]:
        """Returns a file's answers and the number of its whole bytes; None if they are of another identity."""
        groups = {}
        with file.open("rb") as stream:
            head = _parsed(stream.readline())
            if head is None or head.get("identity") != self.identity:
                return None, 0
            length = stream.tell()
            while (entry := _parsed(stream.readline())) is not None:
                groups[entry["task"], entry["group"]] = entry["rows"]
                length = stream.tell()
        return groups, length


def _line(entry: dict[str, Any]) -> str:
    return json.dumps({**entry, "digest": digest_value(entry)}, ensure_ascii=False) + "\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Returns a line's content; None if it was changed or truncated."""
    try:
        entry = json.loads(line)
        digest = entry.pop("digest")
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    return entry if isinstance(entry, dict) and digest == digest_value(entry) else None
