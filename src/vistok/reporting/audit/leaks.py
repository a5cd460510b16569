"""Finds answers that a question's wording gives away, with a text classifier that does not see the object."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vistok.evaluation.blind import constant_answer
from vistok.evaluation.statistics import paired_test
from vistok.reporting.audit.baselines import RESAMPLES, SMALLEST_LIFT
from vistok.reporting.audit.benchmark_file import BenchmarkFile
from vistok.reporting.audit.findings import Finding, p_text

MASK = "OBJECT"
_FOLDS = 5
_WORDS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TellingWords:
    """Words, or pairs of words, that stand in some questions only, with the answer that they go with."""

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


def check_leak(file: BenchmarkFile) -> Finding:
    """Trains a classifier on word n-grams to tell the answer, and tests it on other images."""
    texts, images = masked_texts(file), len(set(file.images))
    guesses, words = _classify(texts, file.answers, file.images, min(_FOLDS, images))
    right = file.correct(guesses)
    constant = file.correct([constant_answer(file.answers)] * len(guesses))
    test = paired_test(right, constant, file.images, resamples=RESAMPLES)
    leaks = test.difference > SMALLEST_LIFT and test.p_value < 0.01
    telling = f" Telling words: {', '.join(repr(word.words) for word in words)}." if leaks else ""
    variants = len(set(texts))
    return Finding(
        anchor=f"{file.anchor}-label-leak",
        group=file.group,
        verdict="wrong" if leaks else "clean",
        title=f"{file.name}: the wording alone {'tells the answer' if leaks else 'tells nothing'}, "
        f"{right.mean():.1f} % right",
        tested="A logistic regression on words and pairs of words, the object's name masked, cross-validated "
        "over "
        f"{_FOLDS} folds of the images.",
        facts={
            "accuracy": float(right.mean()),
            "constant answer": float(constant.mean()),
            "lift": test.difference,
            "p": test.p_value,
            "wordings": variants,
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
        surprise=f"{test.difference:+.1f} points over the constant answer, {p_text(test.p_value)} by sign "
        "flips over "
        f"images ({RESAMPLES} tried); {variants} different wordings.{telling}",
        meaning="A model that reads the question needs no image. Scores on this file measure the wording as "
        "well as sight; use the corrected file."
        if leaks
        else "The wording gives nothing away.",
    )


def _classify(
    texts: list[str], answers: list[str], images: list[int | str], folds: int
) -> tuple[list[str], list[TellingWords]]:
    """Returns a classifier's guess for each text, fitted on other images, and the words it goes by."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    vectorizer = CountVectorizer(ngram_range=(1, 2), binary=True, lowercase=False, token_pattern=r"\w+")
    features = vectorizer.fit_transform(texts)
    seen = np.asarray(features.sum(axis=0)).ravel()
    varying = np.flatnonzero(seen < len(texts))
    if not len(varying) or _too_uniform(answers, folds):
        return [constant_answer(answers)] * len(texts), []
    kept = features[:, varying].toarray().astype(np.float64)
    model = LogisticRegression(max_iter=1000)
    guesses = cross_val_predict(model, kept, answers, groups=images, cv=GroupKFold(folds))
    strength = np.abs(model.fit(kept, answers).coef_).max(axis=0)
    names = vectorizer.get_feature_names_out()[varying]
    return [str(guess) for guess in guesses], _telling(kept, strength, names, answers)


def _too_uniform(answers: list[str], folds: int) -> bool:
    """Tells whether some fold may hold one answer only, which no classifier can be fitted on."""
    counts = Counter(answers).most_common(2)
    return len(counts) < 2 or counts[1][1] < 2 * folds


def _telling(
    features: NDArray[np.float64],
    strength: NDArray[np.float64],
    names: NDArray[np.object_],
    answers: list[str],
) -> list[TellingWords]:
    order = sorted(
        range(len(names)),
        key=lambda place: (-round(float(strength[place]), 3), " " in names[place], str(names[place])),
    )
    found = []
    for place in order[:_WORDS_SHOWN]:
        rows = np.flatnonzero(features[:, place])
        answer, count = Counter(answers[row] for row in rows).most_common(1)[0]
        found.append(TellingWords(str(names[place]), len(rows), answer, count / len(rows)))
    return found
