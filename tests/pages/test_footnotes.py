"""What stands under a table of a row: its substitute, and what its tokenizer's pretraining did not do."""

from pathlib import Path

import pytest

from vistok.files import write_json
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tables import Row as GridRow
from vistok.pages.notes import footnote
from vistok.tables.report import Row, Shortfall, Substitute
from vistok.tables.row_notes import shortfall, with_marks

FOUND = (("dino/seed-0", ("one thing", "another")), ("dino/seed-1", ("a third",)))


def row(**more: object) -> Row:
    return Row((), (), (), **more)


def test_a_footnote_says_what_was_measured() -> None:
    assert footnote(row()) == ""
    assert footnote(row(shortfall=Shortfall(FOUND))) == (
        "Its pretraining did not achieve its purpose: `dino/seed-0`: one thing; another; `dino/seed-1`: a third."
    )
    both = footnote(row(substitute=Substitute("this & that", ""), shortfall=Shortfall(FOUND[1:])))
    assert both == (
        "No released weights: this & that. Its pretraining did not achieve its purpose: `dino/seed-1`: a third."
    )


def test_rows_of_one_tokenizer_share_a_mark() -> None:
    short, stand_in = Shortfall(FOUND), Substitute("another", "")
    rows = with_marks(
        [
            row(shortfall=short),
            row(),
            row(substitute=stand_in),
            row(shortfall=short),
            row(substitute=stand_in),
        ]
    )
    assert [each.mark for each in rows] == ["a", "", "b", "a", "b"]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    study = load_study("mini")
    monkeypatch.chdir(tmp_path)
    return study


def test_a_row_says_what_its_checkpoints_say(study: Study) -> None:
    asked = GridRow(tokenizer="dino", recipe="frozen", llm="vicuna-7b", seeds=(0, 1))
    assert shortfall(study, asked) is None  # results without checkpoints
    for seed, amiss in ((0, []), (1, ["a reason"])):
        folder = Paths(study).pretrained(f"dino/seed-{seed}")
        write_json(folder / "config.json", {"probe": {"amiss": amiss}})
    result = shortfall(study, asked)
    assert result is not None and result.findings == (("dino/seed-1", ("a reason",)),)
    write_json(
        Paths(study).pretrained("untrained/seed-0") / "config.json", {"probe": {"amiss": ["of course"]}}
    )
    assert shortfall(study, asked.model_copy(update={"tokenizer": "untrained", "seeds": (0,)})) is None
    assert shortfall(load_study("paper", root=Path(__file__).parents[2]), asked) is None
