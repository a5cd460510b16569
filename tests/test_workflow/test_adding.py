"""A figure of the whole study is a drawing and a line in each list of steps; nothing else of the project names it."""

from typing import Any

DRAWING = '''"""Draws how many rows each table has."""

from vistok.files import write_text
from vistok.grid.paths import Paths
from vistok.grid.study import Study


def run(study: Study) -> None:
    bars = "".join(f"<rect width='{len(table.rows)}' height='1'/>" for table in study.tables.values())
    write_text(Paths(study).figure(9, "svg"), f"<svg xmlns='http://www.w3.org/2000/svg'>{bars}</svg>")
'''
STEP = """Step(
        "draw-rows",
        outputs=lambda study: [Paths(study).figure(9, "svg")],
        spec=lambda study: {table: len(entry.rows) for table, entry in study.tables.items()},
        size="tabulate",
        figure=".svg",
    ),
    Step(
        "show-study","""
VERB = '"draw-rows": Verb("draw how many rows each table has"),\n    "show-study": Verb('
FIGURE = "paper_tables/smoke/figure-9.svg"


def test_a_figure_takes_three_files(built: Any) -> None:
    checkout = built.fresh()  # of which each process imports what was edited
    drawing = checkout.root / "src/vistok/steps/draw_rows.py"
    with (
        checkout.edited("src/vistok/grid/steps.py", 'Step(\n        "show-study",', STEP),
        checkout.edited("src/vistok/grid/verbs.py", '"show-study": Verb(', VERB),
    ):
        drawing.write_text(DRAWING)
        try:
            assert "draw_rows" in checkout.jobs(pages=True)
            checkout.build(FIGURE)
            assert "<rect width='3'" in (checkout.root / FIGURE).read_text()
            (checkout.root / FIGURE).unlink()
        finally:
            drawing.unlink()
