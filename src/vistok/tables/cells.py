"""Makes cells and baselines from metrics.json files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from vistok.tables.metrics import Metrics
from vistok.tables.pairs import by_image_of
from vistok.tables.report import Baseline
from vistok.tables.values import AVERAGE, Cell, Column

# metrics.json holds six decimals; a mean is no more precise.
_DECIMALS = 6
VIEWER = "category-blind-"  # how the names of a kind's viewers begin


def cell_of(seeds: Sequence[Metrics], column: Column, blind: Metrics) -> Cell:
    """Returns a cell without its published number: the mean over seeds."""
    first = seeds[0]
    cell = Cell(
        column.decimals, n=first.n, of=first.of, reason=first.reason, bar=_bar(blind, column.protocol)
    )
    if not all(metrics.n for metrics in seeds):
        return cell
    scores = [metrics.scores["answers"] for metrics in seeds]
    printed = [score[column.protocol] for score in scores]
    return replace(
        cell,
        ours=mean(score.value for score in printed),
        low=_mean_end(score.low for score in printed),
        high=_mean_end(score.high for score in printed),
        seed_values=tuple(score.value for score in printed),
        by_image=by_image_of([score.by_image for score in printed]),
        protocols={
            protocol: mean(score[protocol].value for score in scores)
            for protocol in column.protocols
            if all(protocol in score for score in scores)
        },
    )


def average(cells: Sequence[Cell], column: Column) -> Cell:
    """Returns the mean of a row's cells as the paper takes it; without a value where a cell has none."""
    values = [cell.ours for cell in cells if cell.ours is not None]
    if len(values) < len(cells):
        return Cell(column.decimals)
    seeds = zip(*(cell.seed_values for cell in cells), strict=True)
    return Cell(column.decimals, ours=mean(values), seed_values=tuple(mean(seed) for seed in seeds))


def mean(values: Iterable[float]) -> float:
    """Returns the mean with as many decimals as metrics.json holds."""
    return round(fmean(values), _DECIMALS)


def _mean_end(ends: Iterable[float | None]) -> float | None:
    """Returns the mean of intervals' ends; None where a seed has no interval."""
    all_ends = list(ends)
    present = [end for end in all_ends if end is not None]
    return mean(present) if len(present) == len(all_ends) else None


def _bar(blind: Metrics, protocol: str) -> float | None:
    """Returns the best blind baseline; viewers are not blind."""
    scores = [by_protocol for name, by_protocol in blind.scores.items() if not name.startswith(VIEWER)]
    return max(
        (by_protocol[protocol].value for by_protocol in scores if protocol in by_protocol), default=None
    )


def baseline(name: str, title: str, columns: Sequence[Column], blind: Mapping[str, Metrics]) -> Baseline:
    """Returns one baseline's row: its value in every column, and where it is the best of them."""
    values: list[float | None] = []
    best: list[bool] = []
    protocols: list[dict[str, float]] = []
    for column in columns:
        if column.task == AVERAGE:
            meant = [value for value, of in zip(values, columns, strict=False) if of.printed]
            present = [value for value in meant if value is not None]
            values.append(mean(present) if len(present) == len(meant) else None)
            best.append(False)
            protocols.append({})
            continue
        scores = blind[column.asks].scores.get(name, {})
        value = scores[column.protocol].value if column.protocol in scores else None
        values.append(value)
        best.append(
            not name.startswith(VIEWER)
            and value is not None
            and value == _bar(blind[column.asks], column.protocol)
        )
        protocols.append({protocol: score.value for protocol, score in scores.items()})
    return Baseline(name, title, tuple(values), tuple(best), tuple(protocols))
