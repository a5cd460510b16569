"""What a study is asked for as a whole."""

from vistok.grid.paths import TABLE_FORMATS
from vistok.workflow.files import Files


def test_all_tables_are_asked_for_in_every_form(mini: Files) -> None:
    tables = mini.tables()
    assert len(tables) == len(set(tables))
    of_tables = [path for path in tables if "/table-" in path and "/table-1." not in path]
    assert len(of_tables) == 6 * len(mini.study.tables)  # four formats, curves and probes
    rest = {path.removeprefix("paper_tables/mini/") for path in tables} - {
        path.removeprefix("paper_tables/mini/") for path in of_tables
    }
    figures = {f"figure-{end}" for end in ("3.svg", "3.png", "3.json", "4.svg", "4.png")}
    pages = {"index.html", "compare.html", "runs", "assets"}
    assert rest == {f"table-1.{suffix}" for suffix in TABLE_FORMATS} | figures | pages
    assert {"paper_tables/mini/table-2.tex", "paper_tables/mini/table-2-curves.png"} <= set(tables)


def test_archives_that_are_given_out_by_hand_are_not_fetched(mini: Files, paper: Files) -> None:
    assert mini.fetched() == []
    fetched = {mark.rpartition("/")[2] for mark in paper.fetched()}
    assert fetched and all(paper.downloads[name].urls for name in fetched)
    assert {name for name, entry in paper.downloads.items() if not entry.urls}.isdisjoint(fetched)
