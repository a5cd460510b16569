"""The greatest cost of answering: every answer as long as its task allows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from vistok.evaluation.kinds import task_kind
from vistok.grid.released_models import ReleasedModel
from vistok.grid.runs import Run, Subject
from vistok.grid.study import Study
from vistok.grid.tasks import Task
from vistok.planning.cost import AROUND_IMAGE, Cost, bytes_of, connector_of

_LINE: Final = 300.0  # bytes of a question in a file of predictions


@dataclass(frozen=True)
class _Workload:
    """The size of a task.

    Attributes:
        read: tokens per question.
        answers: per question: beams, or options.
        each: tokens per answer.
        ranked: whether answers are options, which are read and not generated.
    """

    questions: int
    photographs: int
    read: int
    answers: int
    each: int
    ranked: bool

    @property
    def prompts(self) -> int:
        """How many prompts are read: transformers reads one again for each beam."""
        return self.questions * (1 if self.ranked else self.answers)

    def fronts(self, once: bool) -> int:
        """Returns how often the front is read; `once`: per photograph, if a question has one generated answer."""
        return self.photographs if once and not self.ranked and self.answers == 1 else self.prompts


def answering(study: Study, subject: Subject, suite: str) -> Cost:
    """Returns the greatest cost of the answers of a run, or of a released model, to a suite."""
    if isinstance(subject, Run):
        return _of_run(study, subject, suite)
    return _of_released(study, study.released_model(subject.model), suite)


def answering_blind(study: Study, llm: str, suite: str, *, tokens: int = 0) -> Cost:
    """Returns the greatest cost of a language model's answers to a suite, with `tokens` visual tokens before each."""
    model, number = study.shape(llm), bytes_of(study)
    tasks = list(_workloads(study, suite))
    before = AROUND_IMAGE + tokens
    read = sum(before * task.fronts(model.reads_once) + task.prompts * task.read for task in tasks)
    options, words = (
        sum(task.questions * task.answers * task.each for task in tasks if task.ranked == ranked)
        for ranked in (True, False)
    )
    cached = max(task.answers * (before + task.read + task.each) for task in tasks)
    written = model.writing(words)
    return Cost(
        flops=model.reading(read) + model.writing(options) + written,
        memory=number
        * (model.parameters + study.scale.answer_batch * cached * 2 * model.width * model.layers),
        stored=_LINE * sum(task.questions for task in tasks),
        written=written,
    )


def _of_run(study: Study, run: Run, suite: str) -> Cost:
    """A photograph is encoded once for all questions of a task."""
    encoder, recipe = study.tapped(run), study.recipe(run.recipe)
    connector, join = connector_of(study, run)
    look = 2 * encoder.parameters_m * 1e6 * encoder.tokens + join
    alone = answering_blind(study, run.llm, suite, tokens=recipe.connector.front(encoder.tokens))
    # A language model that was trained is kept in single precision.
    wider = (4 - bytes_of(study)) * study.shape(run.llm).parameters if "llm" in recipe.trains else 0
    return replace(
        alone,
        flops=alone.flops + sum(task.photographs for task in _workloads(study, suite)) * look,
        memory=alone.memory + 4 * (encoder.parameters_m * 1e6 + connector) + wider,
    )


def _of_released(study: Study, entry: ReleasedModel, suite: str) -> Cost:
    """A photograph is encoded for each question about it, and with each option; options are read one by one."""
    parts = entry.made_of
    seeing, joining = (parts.tokenizer_m * 1e6, parts.connector_m * 1e6) if parts else (0.0, 0.0)
    llm = entry.parameters_m * 1e6 - seeing - joining
    look = 2 * (seeing * (entry.encoder_tokens or entry.visual_tokens) + joining * entry.visual_tokens)
    tasks = list(_workloads(study, suite, entry))
    looked, read, words = 0, 0, 0
    for task in tasks:
        prompt = task.questions * task.answers * (entry.visual_tokens + task.read)
        answer = task.questions * task.answers * task.each
        looked += task.questions * (task.answers if task.ranked else 1)
        read += prompt + (answer if task.ranked else 0)
        words += 0 if task.ranked else answer
    return Cost(
        flops=looked * look + 2 * llm * (read + words),
        memory=bytes_of(study) * entry.parameters_m * 1e6,
        stored=_LINE * sum(task.questions for task in tasks),
        written=2 * llm * words,
    )


def _workloads(study: Study, suite: str, entry: ReleasedModel | None = None) -> Iterator[_Workload]:
    """Yields the workload of each task of a suite, with a released model's own decoding if one is given."""
    for task in study.suite(suite):
        kind, own = task_kind(task.kind), entry and entry.decoding.get(task.kind)
        each, answers = kind.answer_tokens(own or task.decoding)
        questions, photographs = _counts(study, task)
        yield _Workload(questions, photographs, kind.tokens, answers, each, kind.mode == "rank")


def _counts(study: Study, task: Task) -> tuple[int, int]:
    """Returns about how many questions a task asks, and about how many photographs."""
    limit, kind = study.scale.asked.get(task.id), task_kind(task.kind)
    if world := study.models_study.scale.world:
        single = kind.one_per_image or task.kind == "choice"
        shown = world.get("seed_bench_val", 0) if task.kind == "choice" else world["coco_val"]
        most = shown * (1 if single else world.get("questions_per_image", 1))
        return min(limit or most, most), shown
    questions = (task.expected_questions or 0) if limit is None else limit
    return questions, min(questions, task.expected_images or questions)
