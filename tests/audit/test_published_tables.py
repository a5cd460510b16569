"""The audit finds what is wrong with the published tables, and is silent where it has been mended."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from vistok.audit.averages import check_averages
from vistok.audit.columns import check_homogeneity, check_marks, check_repeated_rows
from vistok.audit.dimensions import check_dimensions
from vistok.audit.findings import Finding
from vistok.audit.granularity import Search, column_granularity, is_reachable
from vistok.audit.question_counts import check_granularity, distinct_cells, questions_found
from vistok.pages.wording import worded
from vistok.published.facts import UNDERLINED
from vistok.published.tables import PublishedTable, read_all_published

Tables = dict[int, PublishedTable]


@pytest.fixture(scope="module")
def tables(repository: Path) -> Tables:
    return read_all_published(repository / "paper_tables/published")


@pytest.fixture(scope="module")
def granularity(tables: Tables) -> tuple[Finding, ...]:
    return check_granularity(tables)


def by_anchor(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    return {finding.anchor: finding for finding in findings}


def changed(tables: Tables, number: int, row_id: str, cells: Mapping[str, str]) -> Tables:
    """Returns the tables with other text in one row."""
    table = tables[number]
    rows = [dict(row) for row in table.rows]
    rows[table.row_index(row_id)] |= cells
    return {**tables, number: replace(table, rows=tuple(rows))}


def test_three_averages_are_wrong(tables: Tables) -> None:
    summary, *wrong = check_averages(tables)
    assert (summary.facts["recomputed"], summary.facts["wrong"]) == (36, 3)
    assert {finding.anchor: finding.facts["recomputed"] for finding in wrong} == {
        "average-table-2-mae-tuned": pytest.approx(56.55),
        "average-table-5-llava": pytest.approx(42.1667, abs=1e-4),
        "average-table-7-eva-clip": pytest.approx(35.9125),
    }


def test_wrong_averages_are_explained_where_they_can_be(tables: Tables) -> None:
    result = by_anchor(check_averages(tables))
    assert (
        "mean of VQAv2, COCO-Caption, VCR-OC, VCR-MCI alone, which is 44.70"
        in worded(result["average-table-5-llava"]).surprise
    )
    assert "right if VQA is 49.8, not 48.9" in worded(result["average-table-2-mae-tuned"]).surprise
    assert (
        "Leaving out cells or swapping two neighbouring digits does not explain it"
        in worded(result["average-table-7-eva-clip"]).surprise
    )


def test_how_often_any_average_would_be_explained_is_told(tables: Tables) -> None:
    """A slip that fits says little where many averages have one; counted here by other means."""
    row = tables[5].row_index("llava")
    cells = [float(tables[5].printed(row, column) or 0) for column in tables[5].score_columns]
    exact = sum(cells) / 6
    slips = {sum(some) / len(some) for size in range(2, 6) for some in combinations(cells, size)}
    for index, cell in enumerate(cells):
        digits = f"{cell:.1f}".replace(".", "")
        for i in range(len(digits) - 1):
            swapped = int(digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :]) / 10
            slips.add((sum(cells) - cells[index] + swapped) / 6)
    wrong = [round(exact, 1) + step / 10 for step in range(-30, 31)]
    wrong = [average for average in wrong if abs(average - exact) > 0.1]
    share = sum(any(abs(slip - average) <= 0.05 + 1e-9 for slip in slips) for average in wrong) / len(wrong)
    assert (
        f"fits {share:.0%} of all wrong averages"
        in worded(by_anchor(check_averages(tables))["average-table-5-llava"]).surprise
    )


def test_a_mended_average_is_clean_and_a_planted_one_is_found(tables: Tables) -> None:
    mended = changed(tables, 2, "mae/tuned", {"Avg": "56.6"})
    assert "average-table-2-mae-tuned" not in by_anchor(check_averages(mended))
    planted = changed(tables, 8, "llama-7b/eva-clip", {"Avg": "50.8"})
    assert "average-table-8-llama-7b-eva-clip" in by_anchor(check_averages(planted))


def test_coco_oc_was_measured_on_200_questions(granularity: tuple[Finding, ...]) -> None:
    finding = by_anchor(granularity)["granularity-tables-2-3-coco-oc"]
    assert (finding.facts["questions"], finding.facts["fitting"], finding.facts["cells"]) == (200, 16, 16)
    assert float(finding.facts["p"] or 1) < 1e-7
    assert float(finding.facts["standard error in points"] or 0) == pytest.approx(3.54, abs=0.01)


def test_no_other_column_gives_its_size_away(granularity: tuple[Finding, ...]) -> None:
    assert questions_found(granularity) == {"COCO-OC": 200}
    assert len(granularity) == 2


def test_another_tables_size_says_nothing_of_table_2(tables: Tables) -> None:
    rows = tables[8].row_ids
    few = tables
    for row, value in zip(rows, ("10", "20", "30", "40"), strict=True):
        few = changed(few, 8, row, {"VCR-OC": f"{value}.0"})
    findings = check_granularity(few)
    assert "granularity-table-8-vcr-oc" in by_anchor(findings)
    assert questions_found(findings) == {"COCO-OC": 200}


def test_only_eva_is_no_multiple_of_a_half(tables: Tables) -> None:
    cells = distinct_cells(tables, (2, 3, 4), "COCO-OC")
    assert len(cells) == 20
    assert [cell for cell in cells if not is_reachable(cell, 200)] == [Decimal("46.9"), Decimal("45.9")]


@pytest.mark.parametrize("questions", [40, 125, 250])
def test_a_column_made_on_few_questions_is_recognised(questions: int) -> None:
    right = np.random.default_rng(0).choice(questions, size=14, replace=False)
    values = [Decimal(round(1000 * int(k) / questions)).scaleb(-1) for k in right]
    result = column_granularity(values, Search.over(range(2, 1001)))
    assert (result.questions, result.fitting) == (questions, 14)
    assert result.p_value < 1e-3


def test_a_column_made_on_many_questions_is_not(tables: Tables) -> None:
    values = distinct_cells(tables, (2, 3, 4), "VCR-MCI")
    assert column_granularity(values, Search.over(range(2, 1001))).p_value > 0.05


def test_a_half_way_percentage_may_be_rounded_both_ways() -> None:
    assert is_reachable(Decimal("0.2"), 400)
    assert is_reachable(Decimal("0.3"), 400)
    assert not is_reachable(Decimal("0.4"), 400)


def test_coco_oc_cannot_tell_the_tokenizers_apart(tables: Tables) -> None:
    result = by_anchor(check_homogeneity(tables, {"COCO-OC": 200}))
    alike = result["homogeneity-table-2-coco-oc"]
    assert float(alike.facts["chi2"] or 0) == pytest.approx(11.8, abs=0.05)
    assert float(alike.facts["p"] or 0) == pytest.approx(0.38, abs=0.005)
    assert [result[anchor].verdict for anchor in result] == ["doubtful", "clean", "clean", "clean"]


def test_location_and_attributes_are_exchanged(tables: Tables) -> None:
    finding = by_anchor(check_dimensions(tables))["dimensions-table-7-exchanged"]
    assert finding.facts["columns"] == "Inst.Loc, Inst.Attr"
    assert (finding.facts["mismatches as printed"], finding.facts["mismatches exchanged"]) == (2, 0)
    assert finding.facts["weighted mean exchanged"] == pytest.approx(35.50, abs=0.005)
    assert finding.facts["weighted mean as printed"] == pytest.approx(34.89, abs=0.005)
    assert worded(finding).meaning == (
        "FD changes instance location by -0.39, not +0.39. Section 4.3's statement that FD improves location is the "
        "opposite of what was measured. A difference on that many questions has a standard error of 2.1: it may be "
        "chance."
    )


def test_labels_put_right_are_not_reported_as_exchanged(tables: Tables) -> None:
    right = changed(tables, 7, "eva-clip-fd", {"Inst.Loc": "29.45", "Inst.Attr": "31.79"})
    right = changed(right, 7, "eva-clip", {"Inst.Loc": "29.84", "Inst.Attr": "31.40"})
    result = by_anchor(check_dimensions(right))
    assert result["dimensions-table-7"].verdict == "clean"
    assert worded(result["dimensions-table-7"]).title == "Table 7: 0 columns disagree with the leaderboard"
    assert "dimensions-table-7-exchanged" not in result


def test_another_exchange_is_named_for_what_it_is(tables: Tables) -> None:
    row = {"Inst.Loc": "29.45", "Inst.Attr": "31.79", "Scene": "51.06", "Reason": "41.74"}
    result = by_anchor(check_dimensions(changed(tables, 7, "eva-clip-fd", row)))
    finding = result["dimensions-table-7-exchanged"]
    assert finding.facts["columns"] == "Scene, Reason"
    assert "location" not in worded(finding).meaning


def test_cells_that_no_number_of_right_answers_gives(tables: Tables) -> None:
    finding = by_anchor(check_dimensions(tables))["dimensions-table-7-unreachable"]
    assert [(row["row"], row["column"], row["printed"]) for row in finding.rows] == [
        ("eva-clip", "Inst.Attr", "29.84"),
        ("eva-clip", "Spatial", "32.98"),
    ]


def test_one_second_best_mark_stands_beside_a_tie(tables: Tables) -> None:
    (finding,) = check_marks(tables)
    assert (finding.verdict, finding.facts["marks"], finding.facts["wrong"]) == ("note", 14, 0)
    assert [(row["column"], row["value"], row["best rows"]) for row in finding.rows] == [
        ("COCO-OC", "47.0", "mae/frozen, mae/tuned")
    ]
    (planted,) = check_marks(changed(tables, 5, "minigpt4", {"VCR-OC": "19.1"}))
    assert planted.verdict == "wrong"


def test_rows_printed_twice_agree(tables: Tables) -> None:
    (finding,) = check_repeated_rows(tables)
    assert (finding.verdict, finding.facts["cells"]) == ("clean", 21)
    (planted,) = check_repeated_rows(changed(tables, 6, "eva-clip-fd", {"VCR-OC": "40.4"}))
    assert [row["row"] for row in planted.rows] == ["eva-clip-fd"]


def test_the_underlined_cells_are_those_of_the_papers_text(tables: Tables, shared_data: Path) -> None:
    lines = (shared_data.parent / "papers/gvt.md").read_text(encoding="utf-8").splitlines()
    marked: dict[int, dict[str, str]] = {}
    for line in (line for line in lines if "<u>" in line):
        cells = line.split("\t")[-7:]
        plain = [cell.removeprefix("<u>").removesuffix("</u>") for cell in cells]
        (place,) = [
            (number, row)
            for number, table in tables.items()
            for row in range(len(table.rows))
            if number in (2, 5) and [str(table.printed(row, name)) for name in table.columns[-7:]] == plain
        ]
        table = tables[place[0]]
        names = [name for name, cell in zip(table.columns[-7:], cells, strict=True) if "<u>" in cell]
        marked.setdefault(place[0], {}).update(dict.fromkeys(names, table.row_ids[place[1]]))
    assert marked == UNDERLINED
