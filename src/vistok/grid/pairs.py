"""The two runs that Figures 3 and 4 show: one whose tokenizer was distilled from another's features, and that one."""

from dataclasses import dataclass

from vistok.grid.runs import Run
from vistok.grid.study import Study

DISTILLATION = "feature-distillation"
_TABLE_OF_GVT = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs that differ in their tokenizer.

    Attributes:
        first, second: the runs.
        distilled: whether the second's tokenizer was distilled (FD) from the first's.
    """

    first: Run
    second: Run
    distilled: bool

    @property
    def runs(self) -> tuple[Run, Run]:
        return self.first, self.second


def shown_pair(study: Study) -> Pair | None:
    """Returns the two runs that figures show, by a rule that looks at no result.

    The second is the first run whose tokenizer is distilled and whose teacher stands in the same place of another run:
    that of Table 6, which is GVT's own, before those of other tables. Where no row is distilled, they are the first two
    runs that differ in their tokenizer alone. None where no two do.
    """
    tables = sorted(study.tables.values(), key=lambda table: table.number != _TABLE_OF_GVT)
    runs = tuple(dict.fromkeys(run for table in tables for run in study.runs(table.id)))
    for run in runs:
        entry = study.models_study.tokenizer(run.tokenizer)
        twin = run.model_copy(update={"tokenizer": entry.teacher or ""})
        if entry.objective == DISTILLATION and twin in runs:
            return Pair(twin, run, distilled=True)
    first = runs[0] if runs else None
    others = (run for run in runs if first and run == first.model_copy(update={"tokenizer": run.tokenizer}))
    second = next((run for run in others if run != first), None)
    return Pair(first, second, distilled=False) if first and second else None
