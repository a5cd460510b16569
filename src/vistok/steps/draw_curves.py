"""Draws the loss and learning-rate curves of all trainings behind one table."""

from vistok.files import staged_file
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.pages.curves import draw_curves, trainings


def run(study: Study, table: str) -> None:
    """Writes `paper_tables/<results>/<table>-curves.png`.

    Raises:
        VistokError: a checkpoint of the table has no curves.csv, or a wrong one.
    """
    title = f"Table {study.table(table).number}: trainings of the scale {study.models.scale.id}"
    picture = draw_curves(trainings(study.models, table), title)
    with staged_file(Paths(study).curves(table)) as partial:
        partial.write_bytes(picture)
