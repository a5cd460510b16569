"""The entry point of scoring: anybody's predictions, without a model or torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError
from vistok.evaluation.kind import QuestionId
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import References, load_references
from vistok.evaluation.score import captions
from vistok.evaluation.score.base import Values
from vistok.evaluation.score.predictions import Predictions, read_predictions
from vistok.evaluation.score.scoring import DECIMALS, protocol_of, reported, score_questions
from vistok.files import write_jsonl
from vistok.progress import stage

GENEVAL: Final = "geneval"  # scored like a task kind, though nothing is asked about its images


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """The scores of answers to the questions of an official file under one protocol.

    Attributes:
        report: what metrics.json holds: `task`, `protocol`, `n`, `metrics`, `intervals` and `by_type`; `missing` too,
            where answers are, and `of`, where only a part of the questions is scored.
        ids: (n) of the questions, in file order.
        images: (n) the image of each question.
        values: (n,) the table's metric of each question, in per cent.
    """

    report: Mapping[str, Any]
    ids: tuple[QuestionId, ...]
    images: tuple[int | str, ...]
    values: Values

    @property
    def protocol(self) -> str:
        return str(self.report["protocol"])

    @property
    def n(self) -> int:
        """The number of questions that are scored."""
        return int(self.report["n"])

    @property
    def metrics(self) -> Mapping[str, float]:
        """All metrics by name; shares, CIDEr and BLEU in per cent, errors of counts in objects."""
        metrics: Mapping[str, float] = self.report["metrics"]
        return metrics

    @property
    def metric(self) -> str:
        """The name of the metric that tables print."""
        (name,) = self.report["intervals"]
        return str(name)

    @property
    def value(self) -> float:
        """The table's metric, in per cent."""
        return self.metrics[self.metric]

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval over images; None where there are too few."""
        ends = self.report["intervals"][self.metric]
        return (ends[0], ends[1]) if ends else None

    def rows(self) -> list[dict[str, Any]]:
        """Returns the value of each question, as `--per-question` writes it."""
        values = zip(self.ids, self.images, self.values.tolist(), strict=True)
        return [{"id": key, "image": image, "value": round(value, DECIMALS)} for key, image, value in values]

    def __str__(self) -> str:
        report, interval = self.report, self.interval
        between = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""
        missing = f", {report['missing']['count']} of them unanswered" if "missing" in report else ""
        missing += f", the answered ones of {report['of']}" if "of" in report else ""
        return (
            f"{self.metric} {self.value:.2f}{between} of {self.n} {report['task']} questions{missing}, "
            f"{self.protocol} protocol"
        )


def score_answers_to(
    kind: str,
    *,
    references: Path,
    predictions: Predictions,
    protocol: str | None = None,
    allow_missing: bool = False,
    only_answered: bool = False,
    caption_metrics: Sequence[str] = captions.ALL_BUT_SPICE,
) -> Score:
    """Scores answers under a protocol.

    Args:
        kind: the id of a task kind, or `geneval`, see `score.geneval.score_generated`.
        references: the official file, see `load_references`.
        predictions: a file of answers, or answers by id, see `read_predictions`.
        protocol: one of the kind's; None means the first.
        allow_missing: score questions without an answer as wrong, and say so.
        only_answered: leave questions without an answer out, and say so.
        caption_metrics: which metrics to compute for captions.

    Raises:
        VistokError: either file or the protocol is not as it should be.
    """
    if kind == GENEVAL:
        from vistok.evaluation.score.geneval import score_generated

        return score_generated(
            references,
            predictions,
            protocol=protocol,
            allow_missing=allow_missing,
            only_answered=only_answered,
        )
    chosen = protocol_of(kind, protocol)
    questions, answers = read_files(
        kind,
        references=references,
        predictions=predictions,
        allow_missing=allow_missing,
        only_answered=only_answered,
    )
    return score_of(questions, answers, chosen, caption_metrics=caption_metrics)


def score_of(
    questions: References,
    answers: Mapping[str, Any],
    protocol: str,
    *,
    caption_metrics: Sequence[str] = ("CIDEr",),
) -> Score:
    """Scores answers to questions that have been read.

    Args:
        questions: some or all of an official file.
        answers: by the text of the question's id.
        protocol: one of the kind's.
        caption_metrics: which metrics to compute for captions.

    Raises:
        VistokError: the protocol is unknown, or there are no questions.
    """
    with stage(f"scoring {len(questions.ids)} {questions.kind} answers"):
        scored = score_questions(questions, answers, protocol, caption_metrics=caption_metrics)
        report = {"task": questions.kind, "protocol": protocol, **reported(scored, questions, answers)}
    return Score(report, questions.ids, questions.images, scored.values)


def write_each(path: Path, score: Score) -> None:
    """Writes the value of each question: JSON Lines of `id`, `image` and `value`; of GenEval's prompts `wrong` too.

    Raises:
        VistokError: the file cannot be written.
    """
    write_jsonl(path, score.rows())


def read_files(
    kind: str,
    *,
    references: Path,
    predictions: Predictions,
    allow_missing: bool = False,
    only_answered: bool = False,
) -> tuple[References, dict[str, Any]]:
    """Returns the questions to score and the answers to them, by the text of the question's id.

    Args:
        kind: the id of a task kind.
        references: the official file, see `load_references`.
        predictions: a file of answers, or answers by id, see `read_predictions`.
        allow_missing: questions may have no answer.
        only_answered: questions without an answer are left out.

    Raises:
        VistokError: either file is not as it should be, or the kind is unknown.
    """
    with stage(f"reading {references}"):
        questions = load_references(kind, references)
    name = predictions if isinstance(predictions, Path) else Path("the answers given")
    with stage(f"reading {name}"):
        answers = read_predictions(
            predictions,
            questions.ids,
            allow_missing=allow_missing or only_answered,
            identities=questions.identities,
        )
    _check_answers(kind, name, answers)
    return _answered(questions, answers, name) if only_answered else questions, answers


def _answered(questions: References, answers: Mapping[str, Any], predictions: Path) -> References:
    ids = [key for key in questions.ids if str(key) in answers]
    if not ids:
        raise VistokError(
            f"{predictions} answers none of the {len(questions.ids)} {questions.kind} questions, and only those with "
            "an answer are to be scored. Give it at least one."
        )
    return questions.of_questions(ids)


def _check_answers(kind: str, path: Path, answers: Mapping[str, Any]) -> None:
    scorer = task_kind(kind)
    if wrong := [key for key, answer in answers.items() if not scorer.accepts(answer)]:
        raise VistokError(
            f"{path}: {len(wrong)} answers are not {scorer.answers} as {kind} needs (first: id {wrong[0]})."
        )
