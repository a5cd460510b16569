"""curves.csv in a checkpoint folder: the loss and the learning rate of a training, by step."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from vistok.errors import VistokError
from vistok.files import write_text

CURVES = "curves.csv"
COLUMNS = ("step", "loss", "rate")


def write_curves(folder: Path, curves: Sequence[Mapping[str, float]]) -> None:
    """Writes the points of a training, each with `step`, `loss` and `rate`, to `folder`/curves.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([int(point["step"]), float(point["loss"]), float(point["rate"])] for point in curves)
    write_text(folder / CURVES, text.getvalue())


def read_curves(folder: Path) -> list[dict[str, float]]:
    """Returns the points of `folder`/curves.csv, in the order of the steps.

    Raises:
        VistokError: the file is missing, has other columns, or holds what is no number.
    """
    path = folder / CURVES
    if not path.is_file():
        raise VistokError(
            f"curves of a training not found: {path}. Delete the folder if it is there, and train it again: "
            f"snakemake {folder} --cores 2, with the --config of its scale."
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    header, *rows = list(csv.reader(lines)) or [[]]
    try:
        if tuple(header) != COLUMNS:
            raise ValueError(f"its header is {','.join(header)!r}")
        return [dict(zip(COLUMNS, map(float, row), strict=True)) for row in rows]
    except (ValueError, csv.Error) as error:
        raise VistokError(
            f"{path} is not a file of curves: {error}. The header {','.join(COLUMNS)} and three numbers a line "
            "are needed: delete the checkpoint's folder and train it again."
        ) from error
