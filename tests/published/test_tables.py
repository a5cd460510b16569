"""The published tables are the paper's, digit for digit, and are read without losing one."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from vistok.errors import VistokError
from vistok.published.tables import NUMBERS, PublishedTable, read_all_published, read_published


@pytest.fixture(scope="module")
def tables(repository: Path) -> dict[int, PublishedTable]:
    return read_all_published(repository / "paper_tables/published")


@pytest.mark.parametrize("number", NUMBERS)
def test_files_equal_the_transcription(repository: Path, shared_data: Path, number: int) -> None:
    name = f"table{number}.csv"
    original = (shared_data.parent / "published" / name).read_bytes()
    assert (repository / "paper_tables/published" / name).read_bytes() == original


def test_cells_are_exact_and_blanks_are_none(tables: dict[int, PublishedTable]) -> None:
    assert tables[2].printed(8, "Avg") == Decimal("56.7")
    assert tables[7].value(0, "Reason") == 50.75
    assert tables[5].value(0, "COCO-OC") is None
    assert tables[2].rows[0]["Visual Tokenizer"] == "DeiT (Touvron et al., 2021)"


def test_printed_decimals(tables: dict[int, PublishedTable]) -> None:
    assert [tables[number].decimals("Avg") for number in (2, 5, 7)] == [1, 1, 2]


def test_labels_are_no_scores(tables: dict[int, PublishedTable]) -> None:
    assert tables[1].numeric_columns == ()
    assert tables[4].numeric_columns[0] == "VQAv2"
    assert tables[5].score_columns == ("VQAv2", "COCO-Caption", "COCO-OC", "COCO-MCI", "VCR-OC", "VCR-MCI")


@pytest.mark.parametrize(
    ("number", "row", "row_id"),
    [
        (2, 5, "clip/frozen"),
        (2, 10, "clip-20m/tuned"),
        (3, 2, "owl-vit/frozen"),
        (4, 1, "fd/frozen"),
        (5, 5, "gvt"),
        (7, 1, "eva-clip-fd"),
        (8, 3, "llama-7b/eva-clip-fd"),
    ],
)
def test_row_ids(tables: dict[int, PublishedTable], number: int, row: int, row_id: str) -> None:
    assert tables[number].row_ids[row] == row_id
    assert tables[number].row_index(row_id) == row


def test_row_ids_tell_all_rows_apart(tables: dict[int, PublishedTable]) -> None:
    assert all(len(set(table.row_ids)) == len(table.rows) for table in tables.values())


def test_the_grid_points_at_the_rows_that_it_names(
    repository: Path, tables: dict[int, PublishedTable]
) -> None:
    grid = yaml.safe_load((repository / "workflow/grid/tables.yaml").read_text())
    for entry in grid.values():
        published = tables[entry["number"]]
        assert {column["published"] for column in entry["columns"] if "published" in column} <= set(
            published.columns
        )
        if "Tuning" in published.columns:
            for row in (row for row in entry["rows"] if "published" in row):
                named = published.row_ids[row["published"] - 1]  # the paper writes RegionCLIP
                assert named.replace("-", "") == f"{row['tokenizer']}/{row['recipe']}".replace("-", "")


def test_wrong_cells_are_refused_with_the_legal_ones(tables: dict[int, PublishedTable]) -> None:
    with pytest.raises(VistokError, match=r"Legal rows: 0\.\.11; columns: Tuning"):
        tables[2].value(12, "VQA")
    with pytest.raises(VistokError, match="no cell at row 0, column 'VQAv2'"):
        tables[2].value(0, "VQAv2")
    with pytest.raises(VistokError, match=r"is not a number: '1\.28M'"):
        tables[2].value(0, "# Images")
    with pytest.raises(VistokError, match=r"no row 'gpt'\. Legal: flamingo-9b"):
        tables[5].row_index("gpt")


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="published table not found"):
        read_published(tmp_path, 9)
    (tmp_path / "table1.csv").write_text("a,b\n1\n")
    with pytest.raises(VistokError, match="line 2: 2 cells are needed, found 1"):
        read_published(tmp_path, 1)
