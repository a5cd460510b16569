"""Scores answers that never look at the image, and names the published cells that they beat."""

from collections.abc import Mapping

from vistok.audit.benchmark_file import BenchmarkFile
from vistok.audit.findings import Finding, Verdict
from vistok.evaluation.score.blind import constant_answer, prior_answers_by_fold
from vistok.evaluation.statistics import PairedTest, bootstrap_interval, paired_test
from vistok.published.tables import PublishedTable

RESAMPLES = 1000
FOLDS = 5
# A constant answer to a balanced binary question scores 50; to a count balanced as curated, 25 at most.
MOST_CONSTANT = {2: 52.0}
MOST_CONSTANT_OF_MANY = 30.0
SMALLEST_LIFT = 2.0
Published = Mapping[int, PublishedTable]


def check_constant(file: BenchmarkFile, tables: Published) -> Finding:
    """Scores the most frequent answer, said to every question."""
    guess = constant_answer(file.answers)
    right = file.correct([guess] * len(file.answers))
    share, interval = float(right.mean()), bootstrap_interval(right, file.images, resamples=RESAMPLES)
    beaten = beaten_cells(tables, file.column, share)
    most = MOST_CONSTANT.get(len(file.answer_counts), MOST_CONSTANT_OF_MANY)
    verdict: Verdict = "doubtful" if beaten or share > most else "clean"
    return Finding(
        kind="constant",
        anchor=f"{file.anchor}-constant",
        group=file.group,
        verdict=verdict,
        facts={
            "answer": guess,
            "accuracy": share,
            "low": interval[0],
            "high": interval[1],
            "answers": len(file.answer_counts),
            **_counts(tables, file.column, beaten),
        },
        rows=tuple(beaten),
        details={"file": file.name, "column": file.column, "best": _best(beaten)},
    )


def check_object_prior(file: BenchmarkFile, tables: Published) -> Finding | None:
    """Scores each object's most frequent answer in other images; None for a file about one image."""
    folds = min(FOLDS, len(set(file.images)))
    if folds < 2:
        return None
    guesses = prior_answers_by_fold(file.keys, file.answers, file.images, folds=folds)
    right = file.correct(guesses)
    constant = file.correct([constant_answer(file.answers)] * len(guesses))
    test = paired_test(right, constant, file.images, resamples=RESAMPLES)
    share = float(right.mean())
    interval = bootstrap_interval(right, file.images, resamples=RESAMPLES)
    beaten = beaten_cells(tables, file.column, share)
    return Finding(
        kind="object-prior",
        anchor=f"{file.anchor}-object-prior",
        group=file.group,
        verdict="doubtful" if beaten or _tells(test) else "clean",
        facts={
            "accuracy": share,
            "low": interval[0],
            "high": interval[1],
            "over the constant answer": test.difference,
            "p": test.p_value,
            **_counts(tables, file.column, beaten),
        },
        rows=tuple(beaten),
        details={
            "file": file.name,
            "column": file.column,
            "best": _best(beaten),
            "folds": folds,
            "resamples": RESAMPLES,
            "below_constant": test.difference <= -SMALLEST_LIFT,
        },
    )


def _tells(test: PairedTest) -> bool:
    return test.difference > SMALLEST_LIFT and test.p_value < 0.01


def beaten_cells(tables: Published, column: str | None, share: float) -> list[dict[str, str]]:
    """Returns the published cells of the column below `share`, a row that several tables print once."""
    cells: dict[str, dict[str, str]] = {}
    for table, row, value in _cells(tables, column):
        if value < share:
            name = "eva-clip-fd" if row == "gvt" else row
            cells.setdefault(name, {"table": str(table), "row": row, "published": f"{value}"})
    return list(cells.values())


def _cells(tables: Published, column: str | None) -> list[tuple[int, str, float]]:
    return [
        (number, row_id, value)
        for number, table in tables.items()
        if column in table.columns
        for row, row_id in enumerate(table.row_ids)
        if (value := table.value(row, str(column))) is not None
    ]


def _counts(tables: Published, column: str | None, beaten: list[dict[str, str]]) -> dict[str, int]:
    distinct = {"eva-clip-fd" if row == "gvt" else row for _, row, _ in _cells(tables, column)}
    return {"published cells": len(distinct), "published cells beaten": len(beaten)} if column else {}


def _best(beaten: list[dict[str, str]]) -> dict[str, str] | None:
    return max(beaten, key=lambda row: float(row["published"]), default=None)
