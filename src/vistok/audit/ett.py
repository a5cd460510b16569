"""Checks of the published tables of ETT: the baselines of its gains, and a retrieval that scores as well."""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Final

from vistok.audit.findings import Finding, PublishedCells
from vistok.published.ett import PROMPTS, RETRIEVAL
from vistok.published.tables import PublishedTable

Tables = Mapping[int, PublishedTable]
# Converts a printed number to points of a hundred.
_TO_POINTS: Final = {"SEED-I": 1.0, "GQA": 1.0, "TextVQA": 1.0, "MME-P": 0.05, "GenEval": 100.0}
_CLAIMED: Final = (2.0, 6.0)
_INDEX, _FROZEN, _TUNED = "index/frozen", "embedding/frozen", "embedding/tuned"
_RFID: Final = "ImageNet rFID"


def ett_findings(tables: Tables) -> tuple[Finding, ...]:
    """Returns the findings on ETT's tables, by number."""
    return check_gains(tables[4]), check_retrieval(tables), check_weights(tables[5])


def _value(table: PublishedTable, row: str, column: str) -> float:
    value = table.value(table.row_index(row), column)
    assert value is not None
    return value


def check_gains(table: PublishedTable) -> Finding:
    """Compares the claimed range of gains with each column's, over either frozen input, in points and in per cent."""
    rows: list[dict[str, str | float]] = []
    for column, unit in _TO_POINTS.items():
        index, frozen, tuned = (_value(table, row, column) for row in (_INDEX, _FROZEN, _TUNED))
        rows.append(
            {
                "column": column,
                "points over index": round(unit * (tuned - index), 2),
                "points over frozen embedding": round(unit * (tuned - frozen), 2),
                "per cent over index": round(100 * (tuned / index - 1), 1),
                "per cent over frozen embedding": round(100 * (tuned / frozen - 1), 1),
                "points of frozen embedding over index": round(unit * (frozen - index), 2),
            }
        )
    inside = {
        name: sum(_CLAIMED[0] <= float(row[name]) <= _CLAIMED[1] for row in rows) for name in [*rows[0]][1:5]
    }
    lost = next(row for row in rows if row["column"] == "GenEval")
    return Finding(
        kind="ett-gains",
        anchor="ett-gains",
        group="tables",
        verdict="doubtful",
        facts={"columns": len(rows), **{f"{name}, from 2 to 6": count for name, count in inside.items()}},
        rows=tuple(rows),
        details={
            "over_index": lost["points over index"],
            "over_frozen": lost["points over frozen embedding"],
            "lost": -float(lost["points of frozen embedding over index"]),
        },
        about=(PublishedCells(4, ("GenEval",), _FROZEN),),
    )


def check_retrieval(tables: Tables) -> Finding:
    """Compares ETT's GenEval scores with GenEval's retrieval baseline, which generates nothing."""
    prompts = sum(PROMPTS.values())
    cells = [
        *((4, row, "GenEval", "Overall", prompts) for row in (_INDEX, _FROZEN, _TUNED)),
        *((3, "ett", kind, kind, count) for kind, count in PROMPTS.items()),
    ]
    rows = [
        _comparison(table, row, column, _value(tables[table], row, column), RETRIEVAL[kind], count)
        for table, row, column, kind, count in cells
    ]
    beaten = [row for row in rows if float(row["printed less retrieval"]) < 0]
    return Finding(
        kind="ett-retrieval",
        anchor="ett-retrieval",
        group="tables",
        verdict="doubtful" if beaten else "clean",
        facts={
            "cells": len(rows),
            "cells that retrieval beats": len(beaten),
            "retrieval": RETRIEVAL["Overall"],
        },
        rows=tuple(rows),
        details={
            "frozen": _value(tables[4], _FROZEN, "GenEval"),
            "counting": _value(tables[3], "ett", "Counting"),
            "counted": RETRIEVAL["Counting"],
        },
        about=tuple(
            PublishedCells(int(str(row["table"])), (str(row["column"]),), str(row["row"])) for row in beaten
        ),
    )


def _comparison(
    table: int, row: str, column: str, printed: float, retrieval: float, prompts: int
) -> dict[str, str | float]:
    """Returns one line: both shares of that many prompts, treated as independent samples."""
    error = math.sqrt(sum(share * (1 - share) / prompts for share in (printed, retrieval)))
    difference = round(printed - retrieval, 4)
    return {
        "table": str(table),
        "row": row,
        "column": column,
        "printed": printed,
        "retrieval": retrieval,
        "printed less retrieval": difference,
        "p": float(f"{2 * NormalDist().cdf(-abs(difference) / error):.2g}"),
    }


def check_weights(table: PublishedTable) -> Finding:
    """Checks the table of weights: whether more weight preserves reconstruction, and what they were chosen on."""
    names = [row["Tuning Task"] for row in table.rows]
    rfid = {name: _value(table, row, _RFID) for name, row in zip(names, table.row_ids, strict=True)}
    before, used = rfid["None"], rfid["Weight 0.25"]
    columns = [column for column in table.numeric_columns if column != _RFID]
    first, last = (table.row_index(row) for row in ("weight-0-25", "weight-1-0"))
    return Finding(
        kind="ett-weights",
        anchor="ett-weights",
        group="tables",
        verdict="doubtful",
        facts={
            "rFID before tuning": before,
            "rFID at the weight used": used,
            "more, per cent": round(100 * (used / before - 1), 1),
        },
        rows=tuple(
            {
                "tuning": name,
                "rFID": value,
                "times that before": round(value / before, 2),
                **{column: table.value(row, column) for column in columns},
            }
            for row, (name, value) in enumerate(rfid.items())
        ),
        details={
            "rises": [
                (names[index - 1], names[index], round(rfid[names[index]] - rfid[names[index - 1]], 3))
                for index in range(3, len(names))
                if rfid[names[index]] > rfid[names[index - 1]]
            ],
            "given_up": {
                column: round((table.value(first, column) or 0) - (table.value(last, column) or 0), 1)
                for column in columns
            },
        },
        about=(PublishedCells(5, (_RFID,)),),
    )
