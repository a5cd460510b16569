"""Every value of the grid, one at a time: what it moves is what its field says of itself."""

from collections.abc import Iterator
from dataclasses import replace
from types import NoneType
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from vistok.errors import VistokError
from vistok.grid.marks import (
    GATE,
    LABEL,
    LOADED,
    MACHINE,
    MADE,
    NOTE,
    SCORING,
    Mark,
    counted,
    mark_of,
    marked,
)
from vistok.grid.needs import image_sets
from vistok.grid.specs import spec_digest
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.grid.tables import ReleasedRow, Row
from vistok.grid.tasks import Decoding, Task

Path = tuple[str | int, ...]
Leaf = tuple[Path, Any, Mark | None]
Specs = dict[tuple[str, ...], str]
TABLES = {"tabulate", "weigh-claims"}
SCORES = {"score-run", "fit-blind"}
PARTS = ("tokenizers", "llms", "recipes", "tasks", "tables", "released", "scale")
# What loading has used up: the names of the scale and of its models, and what it changes in recipes and tasks; and
# floors and ceilings, which no scale of these tests' grid names.
LOADING = {
    ("scale", name) for name in ("id", "models", "recipes", "connectors", "task_kinds", "floors", "ceilings")
}


def leaves(value: Any, path: Path = (), mark: Mark | None = None) -> Iterator[Leaf]:
    """Yields every single value with its path, another that it could be, and what its field is marked as."""
    if path in LOADING or path[-1:] == ("id",):
        return
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            of_field = mark_of(field) or mark
            if getattr(value, name) is None:
                if simple := _of_type(field.annotation):
                    yield (*path, name), simple, of_field
            else:
                yield from leaves(getattr(value, name), (*path, name), of_field)
    elif isinstance(value, dict | tuple):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(entry, (*path, key), mark)
        if not value:
            yield path, {"x": 1} if isinstance(value, dict) else ("x",), mark
    else:
        yield path, _another(value), mark


def _another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case _:
            return f"{value}x"


def _of_type(annotation: Any) -> Any:
    """Returns a value for a field that has none; None where it would have to be made of several."""
    (kind,) = [kind for kind in get_args(annotation) if kind is not NoneType]
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return None
    return 7 if kind in (int, float) else "x"


def changed(value: Any, path: Path, to: Any) -> Any:
    """Returns a value with another at a path."""
    if not path:
        return to
    first, rest = path[0], path[1:]
    if isinstance(value, BaseModel):
        return value.model_copy(update={str(first): changed(getattr(value, str(first)), rest, to)})
    if isinstance(value, tuple):
        return tuple(
            changed(entry, rest, to) if index == first else entry for index, entry in enumerate(value)
        )
    return {**value, first: changed(value[first], rest, to)}


def jobs_of(study: Study) -> list[tuple[str, ...]]:
    """Returns every job, and the claims: its step and its ids."""
    subjects = study.subjects()
    jobs = [(step.id, *ids) for step in STEPS.values() for ids in step.jobs(study, subjects)]
    return [*jobs, ("weigh-claims",)]


def spec_of(study: Study, job: tuple[str, ...]) -> str:
    return spec_digest(STEPS[job[0]].spec(study, *job[1:]))


def specs(study: Study) -> Specs:
    return {job: spec_of(study, job) for job in jobs_of(study)}


def with_values(study: Study, leaves: list[Leaf]) -> Study:
    parts: dict[str, Any] = {}
    for (part, *below), to, _ in leaves:
        parts[str(part)] = changed(parts.get(str(part), getattr(study, str(part))), tuple(below), to)
    return replace(study, **parts)


def moved(study: Study, before: Specs, leaves: list[Leaf]) -> set[str]:
    """Returns the steps that have other jobs or other specs once values are others; all, where one is no value."""
    try:
        after = specs(with_values(study, leaves))
    except (VistokError, KeyError, AttributeError):  # loading would refuse it
        return set(STEPS)
    return {key[0] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def moves(study: Study, before: Specs, leaf: Leaf) -> bool:
    """Returns whether anything is moved: looks at the jobs that name the value's entry first, and stops at a change."""
    entry = str(leaf[0][1]) if len(leaf[0]) > 1 else ""
    try:
        after = with_values(study, [leaf])
        jobs = jobs_of(after)
        if before.keys() != set(jobs):
            return True
        ordered = sorted(jobs, key=lambda job: entry not in "/".join(job).split("/"))
        return any(before[job] != spec_of(after, job) for job in ordered)
    except (VistokError, KeyError, AttributeError):
        return True


def movers(study: Study, before: dict[tuple[str, ...], str], leaves: list[Leaf]) -> Iterator[Leaf]:
    """Yields each of these values that moves something, all of which are tried together first."""
    if not leaves or not moved(study, before, leaves):
        return
    if len(leaves) == 1:
        yield leaves[0]
        return
    half = len(leaves) // 2
    yield from movers(study, before, leaves[:half])
    yield from movers(study, before, leaves[half:])


def unused(study: Study) -> set[Path]:
    """Returns the paths below which nothing is used by what the scale makes."""
    runs, scale, own_llms = study.runs(), study.scale, bool(study.scale.language_model)
    tokenizers = {*study.lineage(run.tokenizer for run in runs)}
    pretrained = {name for name in tokenizers if study.pretrains(name)}
    objectives = {study.tokenizer(name).objective for name in pretrained}
    llms = {run.llm for run in runs}
    llms |= {base for llm in llms if own_llms and (base := study.llm(llm).base)}
    asked = {task.id for task in study.answered_tasks()}
    shown = {
        row.model for table in study.tables.values() for row in table.rows if isinstance(row, ReleasedRow)
    }
    page = {
        ("scale", "questions_shown"),
        ("scale", "attention_images"),
    }  # of steps without ids, no jobs above
    found: set[Path] = (
        page | {("scale", "splits")} | {("released", name) for name in study.released.keys() - shown}
    )
    found |= set() if study.released else {("released",)}
    found |= {("tokenizers", name) for name in study.tokenizers.keys() - tokenizers}
    found |= {("tokenizers", name, "encoder") for name in pretrained}
    makers = tokenizers - {
        run.tokenizer for run in runs
    }  # a base, a teacher or a proposer: no table names it
    words = ("label", "supervision", "published_images", "substitute", "measured_cause")
    found |= {("tokenizers", name, word) for name in makers for word in words}
    rows = [row for table in study.tables.values() for row in table.rows if isinstance(row, Row)]
    left_out = {row.llm for row in rows} - llms  # their rows are shown, with the reason
    found |= {("llms", name) for name in study.llms.keys() - llms - left_out}
    found |= {("llms", name, field) for name in left_out for field in type(study.llm(name)).model_fields} - {
        ("llms", name, "label") for name in left_out
    }
    kinds = {study.llm(name).kind for name in llms}
    found |= {("scale", "language_model", kind) for kind in scale.language_model.keys() - kinds}
    found |= {("llms", name, "label") for name in llms - {run.llm for run in runs}}
    found |= {("recipes", name) for name in study.recipes.keys() - {run.recipe for run in runs}}
    found |= {("tasks", name) for name in study.tasks.keys() - asked}
    found |= {("scale", "tasks", name) for name in scale.tasks.keys() - asked}
    found |= {("scale", "image_sets", name) for name in scale.image_sets.keys() - {*image_sets(study, runs)}}
    found |= {("scale", "pretraining", name) for name in scale.pretraining.keys() - objectives}
    found |= {("scale", "places", name) for name in scale.places.keys() - {*scale.mixture}}
    if not pretrained:
        found |= {("scale", part) for part in ("encoders", "pretraining", "probe_gate")}
    maybe = ("world", "language_model", "places", "pretraining_steps", "leaves_out")
    found |= {("scale", part) for part in maybe if not getattr(scale, part)}
    found |= {("scale", "stand_ins"), ("scale", "others_have")}  # what tables name already, once loaded
    found |= set() if any(row.own_models for row in rows) else {("scale", "trains_others")}
    for name in study.tokenizers:
        made = (
            ("objective", "image_set", "size", "base", "teacher", "proposer", "options")
            if name not in pretrained
            else ()
        )
        found |= {("tokenizers", name, field) for field in made}
    found |= {("llms", name, "weights" if own_llms else "base") for name in study.llms}
    sizes = {study.tokenizer(name).size for name in pretrained}
    found |= {("scale", "encoders", size) for size in scale.encoders.keys() - sizes}
    return found | {("scale", "encoders", size, "weights") for size in sizes}


ALLOWED: dict[Mark | None, set[str]] = {
    LABEL: TABLES,
    GATE: TABLES | {"pretrain-tokenizer"},
    SCORING: SCORES | TABLES,
}


def wrong(study: Study) -> Iterator[str]:
    """Yields each value that does not move what its field says."""
    before, idle = specs(study), unused(study)
    active, still = list[Leaf](), list[Leaf]()
    for part in PARTS:
        for leaf in leaves(getattr(study, part), (part,)):
            used = not any(leaf[0][: len(other)] == other for other in idle)
            (active if used and leaf[2] not in (NOTE, MACHINE) else still).append(leaf)
    for leaf in active:
        path, _, mark = leaf
        if mark in ALLOWED:
            result = moved(study, before, [leaf])
            right = set() < result <= ALLOWED[mark]
        else:
            result, right = set(), moves(study, before, leaf)
        if not right:
            yield f"{'/'.join(map(str, path))} ({mark.meaning if mark else 'counts'}) moves {sorted(result)}"
    for leaf in movers(study, before, still):
        path, _, mark = leaf
        result = moved(study, before, [leaf])
        if mark in (NOTE, MACHINE) or result != set(STEPS):  # loading refuses some that nothing uses
            yield f"{'/'.join(map(str, path))} ({mark.meaning if mark else 'unused'}) moves {sorted(result)}"


@pytest.mark.parametrize("scale", ["mini", "paper"])
def test_every_value_of_the_grid_moves_what_its_field_says(checkout: Any, scale: str) -> None:
    """What counts moves some spec; words move tables alone; sizes of machines and notes move none."""
    study = checkout.load(scale)
    assert sum(1 for part in PARTS for _ in leaves(getattr(study, part), (part,))) > 350
    assert list(wrong(study)) == []


def test_what_counts_of_a_value_is_all_but_what_is_marked() -> None:
    class Inner(Decoding):
        pass

    task = Task(
        id="a", label="A", kind="vqa", suite="s", prompt="{question}", decoding=Inner(max_new_tokens=3),
        metric="m", protocol="p", protocols=("p", "q"), source="here",
    )  # fmt: skip
    asked = {"kind", "suite", "prompt", "decoding"}
    assert counted(task).keys() == asked
    assert counted(task, SCORING).keys() == asked | {"metric", "protocol", "protocols"}
    assert counted(task)["decoding"]["max_new_tokens"] == 3
    assert marked(task, LABEL, SCORING) == {
        "label": "A",
        "metric": "m",
        "protocol": "p",
        "protocols": ["p", "q"],
    }
    assert {MADE, LOADED} & {mark_of(field) for field in Task.model_fields.values()} == set()
