"""Snakemake's `--config`: the study, and the options that name it in a job's command."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vistok.errors import VistokError, unknown
from vistok.evaluation.tasks import check_tasks
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.sources import PACKAGE
from vistok.tables.checks import check_tables

KEYS: Final = ("scale", "split", "data_root", "seeds")


def open_study(config: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Study:
    """Returns the study that Snakemake's configuration names.

    Args:
        config: all of it, defaults included.
        overrides: the keys that `--config` sets: an unset shell variable leaves a key without a value.

    Raises:
        VistokError: a key or a value of it, or an entry of the grid, is wrong.
    """
    for key in sorted(set(config) - set(KEYS)):
        raise unknown("config key", key, KEYS)
    if empty := [key for key, value in (overrides or {}).items() if value is None]:
        raise VistokError(
            f"--config {empty[0]}= names nothing: a variable may be unset. Give it a value, or leave it out."
        )
    study = load_study(
        config["scale"],
        split=config["split"],
        data_root=_data_root(config["data_root"]),
        seeds=config["seeds"],
    )
    check_tasks(study)
    check_tables(study)
    if set("{}") & set(study.scale.data_root):
        raise VistokError(
            f"the data root {study.scale.data_root!r} has a brace in its name, which Snakemake takes for a "
            "wildcard. Rename it, or make a link to it and name that."
        )
    return study


def _data_root(value: object) -> str | None:
    """Returns the data root as text: YAML takes 1e3 for a number."""
    if value is None:
        return None
    if isinstance(value, str) and value.strip():
        return value
    raise VistokError(
        f"data_root={value!r} names no folder: a text is needed, found {type(value).__name__}. Leave the option out, "
        "or quote the folder's name for YAML too: 'data_root=\"1e3\"'."
    )


def options(study: Study, data_root: str | None) -> str:
    """Returns the options that name a study in a command; `data_root`: the one given in place of the scale's."""
    named = f"--scale {study.scale.id} --split {study.split}"
    named += f" --seeds {study.seeds}" if study.seeds > 1 else ""
    return named if data_root is None else f"{named} --data-root {shlex.quote(study.scale.data_root)}"


def model_options(study: Study, data_root: str | None) -> str:
    """Returns the options that name, in a command, the study whose checkpoints answer.

    A given data root holds for training too, unless the models are those of another scale.
    """
    models_study = study.models_study
    named = f"--scale {models_study.scale.id}"
    own = data_root is not None and models_study is study
    return f"{named} --data-root {shlex.quote(models_study.scale.data_root)}" if own else named


def released_option(study: Study) -> str:
    """Returns the option that names the folder of the released files, for a scale that reads real data."""
    return "" if study.scale.world else f"--data-root {shlex.quote(study.scale.data_root)}"


def check_checkout(root: Path) -> None:
    """Refuses to plan jobs that would run the code of another checkout than the one at `root`."""
    if PACKAGE.resolve().parent != Path(root, "src").resolve():
        raise VistokError(
            f"this environment runs the code of {PACKAGE.parent}, not that of this checkout. "
            "Make this checkout's own: make .venv/installed, then: . .venv/bin/activate"
        )
