"""Scores answers to any of the tasks under any of its protocols, without a model or torch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vistok.errors import unknown
from vistok.evaluation.kinds import task_kind
from vistok.evaluation.references import References
from vistok.evaluation.score.base import Scored
from vistok.evaluation.score.predictions import missing_ids
from vistok.evaluation.statistics import group_sums, interval_of_mean

# Enough digits for any comparison, few enough that two machines print the same.
DECIMALS = 6


def score_questions(
    references: References,
    answers: Mapping[str, Any],
    protocol: str,
    *,
    caption_metrics: Sequence[str] = ("CIDEr",),
) -> Scored:
    """Scores answers under one protocol, with the value of every question.

    Args:
        references: the questions; a part of a file is scored as a part.
        answers: by the text of the question's id; a question without one is scored as wrong.
        protocol: one of the kind's.
        caption_metrics: which metrics to compute for captions.

    Raises:
        VistokError: the kind or the protocol is unknown, or there are no questions.
    """
    in_order = [answers.get(str(key)) for key in references.ids]
    chosen = protocol_of(references.kind, protocol)
    return task_kind(references.kind).score(
        references.records, in_order, chosen, full_set=references.full_set, metrics=caption_metrics
    )


def protocol_of(kind: str, name: str | None) -> str:
    """Returns the protocol that was asked for, or the kind's first.

    Raises:
        VistokError: the kind or the protocol is unknown.
    """
    legal = task_kind(kind).protocols
    if name and name not in legal:
        raise unknown(f"{kind} protocol", name, legal)
    return name or next(iter(legal))


def score_answers(
    references: References,
    answers: Mapping[str, Any],
    *,
    protocols: Sequence[str] = (),
    caption_metrics: Sequence[str] = ("CIDEr",),
    resamples: int = 10_000,
    seed: int = 0,
    by_image: str = "",
) -> dict[str, dict[str, Any]]:
    """Returns, for each protocol, `n`, `metrics`, `intervals` and `by_type` as metrics.json holds them.

    `of` is added where the references are a part of their file, `missing` where questions have no answer, and `cells`,
    each with `n`, `of`, `metrics` and `intervals`, where each type of question is worth one.

    Args:
        references: the questions.
        answers: by the text of the question's id.
        protocols: which to score under; none means all of the kind.
        caption_metrics: which metrics to compute for captions.
        resamples: of the bootstrap over images.
        seed: of the bootstrap.
        by_image: a protocol under which each image's `sums` and `counts` of values are told too, for paired tests.

    Raises:
        VistokError: a protocol is unknown, or there are no questions.
    """
    reports = {}
    for protocol in protocols or task_kind(references.kind).protocols:
        scored = score_questions(references, answers, protocol, caption_metrics=caption_metrics)
        reports[protocol] = reported(scored, references, answers, resamples=resamples, seed=seed)
        if protocol == by_image:
            reports[protocol]["by_image"] = _by_image(scored)
        if scored.types:
            full = task_kind(references.kind).score(
                references.full_set, [None] * len(references.full_set), protocol, full_set=references.full_set
            )
            of = Counter(full.types)
            reports[protocol]["cells"] = {
                name: cell | {"of": of[name]}
                for name, cell in _cells(
                    scored, resamples=resamples, seed=seed, by_image=protocol == by_image
                ).items()
            }
    return reports


def _by_image(scored: Scored) -> dict[str, list[float] | list[int]]:
    """Returns the sum and the number of each image's values, in the order in which images are asked about."""
    sums, counts = group_sums(scored.values, scored.groups)
    return {
        "sums": [round(value, DECIMALS) for value in sums.tolist()],
        "counts": [int(count) for count in counts],
    }


def _cells(scored: Scored, *, resamples: int, seed: int, by_image: bool) -> dict[str, dict[str, Any]]:
    """Returns `n`, `metrics` and `intervals` of each type of question by itself."""
    types, cells = np.asarray(scored.types), {}
    for name in sorted(set(scored.types)):
        indices = np.flatnonzero(types == name)
        values = scored.values[indices]
        subset = replace(
            scored,
            values=values,
            metrics={scored.metric: float(values.mean())},
            groups=tuple(scored.groups[index] for index in indices),
        )
        cells[name] = _measured(subset, resamples=resamples, seed=seed)
        if by_image:
            cells[name]["by_image"] = _by_image(subset)
    return cells


def reported(
    scored: Scored,
    references: References,
    answers: Mapping[str, Any],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Returns `n`, `metrics`, `intervals` and `by_type` as metrics.json holds them; `of` and `missing` if it must.

    Args:
        scored: what a scorer made of the answers.
        references: the questions.
        answers: by the text of the question's id.
        resamples: of the bootstrap over images.
        seed: of the bootstrap.
    """
    report = _measured(scored, resamples=resamples, seed=seed)
    report["by_type"] = {name: _rounded(metrics) for name, metrics in scored.by_type.items()}
    return report | _remarks(references, answers)


def _measured(scored: Scored, *, resamples: int, seed: int) -> dict[str, Any]:
    shares = scored.metric == "accuracy"
    interval = interval_of_mean(scored.values, scored.groups, shares=shares, resamples=resamples, seed=seed)
    return {
        "n": len(scored.values),
        "metrics": _rounded(scored.metrics),
        "intervals": {scored.metric: interval and [round(end, DECIMALS) for end in interval]},
    }


def _rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: int(value) if name == "n" else round(value, DECIMALS) for name, value in metrics.items()}


def _remarks(references: References, answers: Mapping[str, Any]) -> dict[str, Any]:
    remarks: dict[str, Any] = {}
    if len(references.full_set) != len(references.records):
        remarks["of"] = len(references.full_set)
    if missing := missing_ids(references.ids, answers):
        remarks["missing"] = {"count": len(missing), "first": missing[0], "scored": "as wrong"}
    return remarks
