"""Finds answers that a question's wording gives away, with a text classifier that does not see the object.

The spelling of the object's name counts as the name: what it gives away is part of the object's prior.
"""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vistok.audit.baselines import RESAMPLES, SMALLEST_LIFT
from vistok.audit.benchmark_file import BenchmarkFile
from vistok.audit.findings import Finding
from vistok.evaluation.score.blind import constant_answer
from vistok.evaluation.statistics import paired_test

MASK = "OBJECT"
_FOLDS = 5
_PART = re.compile(r"\w+|\W")
_SIZES = (1, 2, 3)
_WORDS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TellingWords:
    """A run of words that occurs in some questions only, with the answer that it goes with."""

    words: str
    questions: int
    answer: str
    share: float


def masked_texts(file: BenchmarkFile) -> list[str]:
    """Returns the questions with the object's name replaced, so that only the wording is left."""
    return [
        re.sub(rf"\b{re.escape(key)}\b", MASK, question.question, count=1)
        for question, key in zip(file.questions, file.keys, strict=True)
    ]


def check_leak(file: BenchmarkFile) -> Finding | None:
    """Trains a classifier on word n-grams to tell the answer, and tests it on other images; None for one image."""
    texts, folds = masked_texts(file), min(_FOLDS, len(set(file.images)))
    if folds < 2:
        return None
    guesses, words = _classify(texts, file.answers, file.images, folds)
    right = file.correct(guesses)
    constant = file.correct([constant_answer(file.answers)] * len(guesses))
    test = paired_test(right, constant, file.images, resamples=RESAMPLES)
    leaks = test.difference > SMALLEST_LIFT and test.p_value < 0.01
    return Finding(
        kind="label-leak",
        anchor=f"{file.anchor}-label-leak",
        group=file.group,
        verdict="wrong" if leaks else "clean",
        facts={
            "accuracy": float(right.mean()),
            "constant answer": float(constant.mean()),
            "lift": test.difference,
            "p": test.p_value,
            "wordings": len(set(texts)),
            "telling words": ", ".join(word.words for word in words) if leaks else "",
        },
        rows=tuple(
            {
                "words": w.words,
                "questions": w.questions,
                "answer": w.answer,
                "share of that answer": round(w.share, 4),
            }
            for w in words
        )
        if leaks
        else (),
        details={
            "file": file.name,
            "leaks": leaks,
            "folds": folds,
            "resamples": RESAMPLES,
            "words": [word.words for word in words],
        },
    )


def _classify(
    texts: list[str], answers: list[str], images: list[int | str], folds: int
) -> tuple[list[str], list[TellingWords]]:
    """Returns a classifier's guess for each text, fitted on other images, and the words it goes by."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    vectorizer = CountVectorizer(analyzer=_runs, binary=True)
    features = vectorizer.fit_transform(texts)
    seen = np.asarray(features.sum(axis=0)).ravel()
    varying = np.flatnonzero(seen < len(texts))
    splits = list(GroupKFold(folds).split(texts, groups=images))
    # A classifier needs two answers to be fitted on, in every fold.
    if not len(varying) or any(len({answers[index] for index in fitted}) < 2 for fitted, _ in splits):
        return [constant_answer(answers)] * len(texts), []
    inputs = features[:, varying].toarray().astype(np.float64)
    model = LogisticRegression(max_iter=1000)
    guesses = cross_val_predict(model, inputs, answers, cv=splits)
    strength = np.abs(model.fit(inputs, answers).coef_).max(axis=0)
    names = vectorizer.get_feature_names_out()[varying]
    return [str(guess) for guess in guesses], _telling(inputs, strength, names, answers)


def _runs(text: str) -> list[str]:
    """Returns every run of one to three words, spaces and marks, as they occur in the text."""
    parts = _PART.findall(text)
    return ["".join(parts[start : start + size]) for size in _SIZES for start in range(len(parts) + 1 - size)]


def _telling(
    features: NDArray[np.float64],
    strength: NDArray[np.float64],
    names: NDArray[np.object_],
    answers: list[str],
) -> list[TellingWords]:
    order = sorted(
        range(len(names)),
        key=lambda index: (
            -round(float(strength[index]), 3),
            not str(names[index]).isalnum(),
            str(names[index]),
        ),
    )
    words: dict[bytes, TellingWords] = {}  # of runs that stand in the same questions, the first
    for index in order:
        rows = np.flatnonzero(features[:, index])
        if rows.tobytes() not in words:
            answer, count = Counter(answers[row] for row in rows).most_common(1)[0]
            words[rows.tobytes()] = TellingWords(str(names[index]), len(rows), answer, count / len(rows))
        if len(words) == _WORDS_SHOWN:
            break
    return list(words.values())
