"""Draws the loss and learning-rate curves of all trainings behind one table."""

from vistok.files import staged_file
from vistok.grid.load import Study, load_study
from vistok.grid.paths import Paths
from vistok.reporting.curves import draw_curves, trainings


def run(study: Study, table: str) -> None:
    """Writes `paper_tables/<results>/<table>-curves.png`.

    Raises:
        VistokError: a checkpoint of the table has no curves.csv, or a wrong one.
    """
    models = study if study.scale.models == study.scale.id else load_study(study.scale.models)
    title = f"Table {study.table(table).number}: trainings of the scale {models.scale.id}"
    picture = draw_curves(trainings(models, table), title)
    with staged_file(Paths(study).table(f"{table}-curves", "png")) as partial:
        partial.write_bytes(picture)
