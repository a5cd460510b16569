"""Counts what the benchmark asks: Table 1, beside what the paper prints and what its authors released."""

from vistok.evaluation.references import load_references
from vistok.grid.needs import absent_questions
from vistok.grid.paths import RELEASED_STATISTICS, TABLE_FORMATS, Paths
from vistok.grid.study import Study
from vistok.pages.benchmark import write_benchmark
from vistok.published.tables import PUBLISHED, read_published
from vistok.tables.benchmark import PrintedRow, Statistics, beside_printed, count, read_statistics


def run(study: Study) -> None:
    """Writes `paper_tables/<results>/table-1.{csv,md,tex,html}`.

    Raises:
        VistokError: an official file is wrong, or the statistics of the released files are not there.
    """
    rows, others = table_one(study)
    targets = {suffix: Paths(study).table("table-1", suffix) for suffix in TABLE_FORMATS}
    write_benchmark(rows, others, study.results_id, targets)


def table_one(study: Study) -> tuple[tuple[PrintedRow, ...], tuple[Statistics, ...]]:
    """Returns the rows of Table 1, and what this study asks that is in none.

    Raises:
        VistokError: as `run`.
    """
    printed = read_published(PUBLISHED, 1).rows
    return beside_printed(printed, counted(study), read_statistics(RELEASED_STATISTICS))


def counted(study: Study) -> dict[str, Statistics]:
    """Returns what every task asks whose questions are there."""
    counts = {}
    for task in study.answered_tasks():
        files = study.task_files(task.id)
        if files is not None and not absent_questions(study, task.id):
            counts[task.id] = count(task, load_references(task.kind, Paths(study).data / files.references))
    return counts
