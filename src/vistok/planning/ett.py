"""Checks in advance the released files that ETT's tokenizer, and the loss that it is tuned by, are imported from."""

import shlex
from pathlib import Path

from vistok.errors import VistokError
from vistok.grid.downloads import downloads_for, load_downloads
from vistok.grid.ett import EttPaths
from vistok.grid.ett_files import ibq_outputs, released_files
from vistok.grid.study import Study


def check_released(models_study: Study) -> str:
    """Returns what was found of the released files; nothing is needed once they are imported.

    Raises:
        VistokError: some are missing; says how to fetch them.
    """
    root, made = Path(models_study.scale.data_root), ibq_outputs(models_study)
    if all(path.is_dir() for path in made):
        return f"{EttPaths(models_study).checkpoint('')}: imported"
    missing = [name for name in released_files(models_study) if not (root / name).is_file()]
    if missing:
        raise VistokError(
            f"not in {root}: {', '.join(missing)}, from which ETT's tokenizer and its loss are imported. "
            f"{how_to_fetch(missing, root)}"
        )
    return f"in {root}: {', '.join(released_files(models_study))}"


def how_to_fetch(names: list[str], root: Path) -> str:
    """Returns the commands that fetch files to below a data root."""
    downloads = load_downloads()
    entries = dict.fromkeys(entry.id for name in names for entry in downloads_for(name, downloads))
    return "; ".join(f"vistok fetch {entry} --data-root {shlex.quote(str(root))}" for entry in entries)
