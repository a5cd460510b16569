"""Files dated in the future by a wrong clock: whatever is made from them fails and is removed."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vistok.grid.study import Study

_TOLERATED: Final = 60.0  # seconds by which the clocks of a network may differ


def set_back(study: Study) -> None:
    """Resets files dated in the future to now, and says so: only their content counts, and it is checked.

    Snakemake fails a job whose input is dated after its output, and removes that output, at every start.
    """
    now = time.time()
    roots = (
        f"shards/{study.models_study.scale.id}",
        f"checkpoints/{study.models_study.scale.id}",
        f"results/{study.results_id}",
    )
    ahead = [path for root in roots for path in _dated_after(Path(root), now + _TOLERATED)]
    for path in ahead:
        os.utime(path, (now, now))
    if ahead:
        print(
            f"vistok: {len(ahead)} files were dated in the future by a wrong clock, and are reset to now ({ahead[0]}).",
            file=sys.stderr,
        )


def _dated_after(folder: Path, moment: float) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            entry = Path(path, name)
            if entry.lstat().st_mtime > moment:
                yield entry
