"""Scores answers that never look at an image, for any questions, and compares a model's score with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.evaluation.kind import Questions
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import References, load_references
from vistok.evaluation.score.compare import Comparison, compare_scores
from vistok.evaluation.score.files import Score, score_of
from vistok.progress import stage


@dataclass(frozen=True, slots=True)
class TrainingSplit:
    """A training split that baselines are fitted on; `questions` where words are in a file of their own."""

    references: Path
    questions: Path | None = None


def blind_answers(
    references: References, path: Path, questions: Path | None = None, training: TrainingSplit | None = None
) -> dict[str, dict[str, str]]:
    """Returns each blind baseline's answers, by the text of the question's id.

    Args:
        references: what is to be answered.
        path: the file that it is from.
        questions: the file with the words, where the kind has them apart and a training split is given.
        training: what baselines are fitted on; None: on the questions about other images, in five folds.

    Raises:
        VistokError: a file is not as it should be, or none of the baselines can be fitted.
    """
    kind = task_kind(references.kind)
    if training and kind.texts_apart and not (questions and training.questions):
        raise VistokError(
            f"{references.kind} questions have their words in files of their own: name --questions and "
            "--training-questions too, or fit on other images by leaving --training out."
        )
    fitted_on = _read(kind.name, training) if training else None
    texts: Sequence[str] = [""] * len(references.ids)
    if training or not kind.texts_apart:
        texts = kind.texts(references.records, path, questions)
    with stage("fitting blind baselines"):
        answers = kind.blind(Questions(references.records, texts), fitted_on)
    if not answers:
        raise VistokError(
            f"{path} asks about one image alone: blind answers are fitted on others. Name a training split: --training."
        )
    ids = [str(key) for key in references.ids]
    return {name: dict(zip(ids, guesses, strict=True)) for name, guesses in answers.items()}


def _read(kind: str, training: TrainingSplit) -> Questions[Any]:
    records = load_references(kind, training.references).records
    return Questions(records, task_kind(kind).texts(records, training.references, training.questions))


def against_best(score: Score, blind: Mapping[str, Score]) -> tuple[str, Comparison]:
    """Returns the best blind baseline, and how much better a score is on the same questions, image by image.

    Raises:
        VistokError: the questions are about fewer than ten images.
    """
    best = max(blind, key=lambda name: blind[name].value)
    return best, compare_scores(score, blind[best])


def blind_scores(
    references: References, answers: Mapping[str, Mapping[str, str]], protocol: str
) -> dict[str, Score]:
    """Returns what each baseline scores.

    Raises:
        VistokError: the protocol is unknown.
    """
    return {name: score_of(references, guesses, protocol) for name, guesses in answers.items()}
