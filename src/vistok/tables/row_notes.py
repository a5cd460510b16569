"""The facts in a row's footnote: stand-ins, probes, and the parts in which its model differs."""

from collections.abc import Sequence
from dataclasses import replace

from vistok.grid.paths import Paths
from vistok.grid.runs import Released
from vistok.grid.study import Study
from vistok.grid.tables import AnyRow, ReleasedRow
from vistok.grid.tables import Row as GridRow
from vistok.probes.record import read_probe
from vistok.tables.report import Otherwise, Row, Shortfall, Substitute


def measured_cause(study: Study, row: AnyRow) -> str:
    """Returns why the pretraining of a row's tokenizer taught it nothing, if its entry gives a cause."""
    if isinstance(row, ReleasedRow) or not study.models_study.pretrains(row.tokenizer):
        return ""
    return " ".join((study.tokenizer(row.tokenizer).measured_cause or "").split())


def substitute(study: Study, row: AnyRow) -> Substitute | None:
    """Returns what replaces weights of a row that were never released; None if its entry names none."""
    own = ""
    if isinstance(row, ReleasedRow):
        text = study.released_model(row.model).substitute
    else:
        text = study.tokenizer(row.tokenizer).substitute
        own = study.models_study.scale.id if text and study.models_study.pretrains(row.tokenizer) else ""
    return Substitute(" ".join(text.split()), own) if text else None


def even(study: Study, row: AnyRow) -> str:
    """Returns the path of the row of the same released model, asked as all are; empty for any other row."""
    name = study.released_model(row.model).even if isinstance(row, ReleasedRow) else None
    return Released(model=name).path if name else ""


def otherwise(study: Study, row: AnyRow) -> Otherwise | None:
    """Returns how our model differs from another group's published one; None for any other row."""
    if not isinstance(row, GridRow) or not row.own_models:
        return None
    recipe = study.recipe(row.recipe)
    own = (study.tokenizer(row.tokenizer).label, study.llm(row.llm).label)
    original = (recipe.original.tokenizer.label, recipe.original.llm.label) if recipe.original else own
    parts = tuple(pair for pair in zip(own, original, strict=True) if pair[0] != pair[1])
    return Otherwise(parts, " ".join(recipe.otherwise.split()))


def shortfall(study: Study, row: AnyRow) -> Shortfall | None:
    """Returns the defects that probes found in a row's tokenizer; None if it was not pretrained here.

    Results may be here without their checkpoints, for example from another machine's build: no probe is read then.
    """
    models_study = study.models_study
    if not isinstance(row, GridRow) or row.tokenizer not in models_study.tokenizers:
        return None
    if not models_study.pretrains(row.tokenizer) or row.tokenizer in models_study.scale.floors.values():
        return None
    folders = {run.pretrained.path: Paths(models_study).pretrained(run.pretrained) for run in row.subjects}
    amiss = {name: read_probe(folder)["amiss"] for name, folder in folders.items() if folder.is_dir()}
    listed = tuple((name, tuple(sentences)) for name, sentences in amiss.items() if sentences)
    return Shortfall(listed) if listed else None


def with_marks(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Returns rows with the letters of their footnotes; rows with the same footnote share a letter."""
    footnotes = dict.fromkeys((row.substitute, row.shortfall, row.otherwise) for row in rows)
    footnotes.pop((None, None, None), None)
    marks = {each: chr(ord("a") + index) for index, each in enumerate(footnotes)}
    return tuple(
        replace(row, mark=marks.get((row.substitute, row.shortfall, row.otherwise), "")) for row in rows
    )
