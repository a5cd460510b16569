"""Claims are the paper's words, comparisons judge differences as they should, and wrong YAML is refused."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import t

from vistok.claims import (
    Claim,
    Comparison,
    Measured,
    StudyClaims,
    evaluate_claims,
    published_cells,
    read_claims,
)
from vistok.claims.measured import read_cells, spread_of_seeds, training_noise
from vistok.claims.values import CLAIMS
from vistok.errors import VistokError
from vistok.files import write_json
from vistok.grid.load import load_study
from vistok.grid.tables import Column
from vistok.pages.claims import write_claims
from vistok.published.tables import PUBLISHED, PublishedTable, read_all_published
from vistok.steps.weigh_claims import cells_of

SECTIONS = {"abstract", "2.2", "3.1", "3.2", "4.2", "4.3"}


@pytest.fixture(scope="module")
def study(repository: Path) -> StudyClaims:
    return read_claims(
        repository / "workflow/grid/claims.yaml", read_all_published(repository / "paper_tables/published")
    )


@pytest.fixture(scope="module")
def tables(repository: Path) -> dict[int, PublishedTable]:
    return read_all_published(repository / "paper_tables/published")


def claim(**changes: object) -> Claim:
    comparison = {"table": 2, "columns": ["VQA"], "left": ["a"], "right": ["b"], **changes}
    return Claim.model_validate(
        {"id": "x", "section": "2.2", "quote": "q", "reading": "r", "comparisons": [comparison]}
    )


def cells(error: float = 1.0, **values: float) -> dict[tuple[int, str, str], Measured | None]:
    """Returns Table 2's VQA column, each cell with this standard error."""
    reach = 1.96 * error
    return {(2, row, "VQA"): Measured(value, value - reach, value + reach) for row, value in values.items()}


def verdict(found: dict[tuple[int, str, str], Measured | None], **changes: object) -> str:
    (outcome,) = evaluate_claims([claim(**changes)], found)
    return outcome.verdict


def test_quotations_are_the_papers_words(study: StudyClaims, shared_data: Path) -> None:
    paper = (shared_data.parent / "papers/gvt.md").read_text(encoding="utf-8").replace("*", "")
    text = re.sub(r"\s+", " ", paper)
    assert [entry.id for entry in study.claims if entry.quote not in text] == []


def test_every_section_with_claims_is_covered(study: StudyClaims) -> None:
    assert {entry.section for entry in study.claims} == SECTIONS
    assert len({entry.id for entry in study.claims}) == len(study.claims) > 30


def test_every_compared_cell_is_printed_and_has_a_question_count(
    study: StudyClaims, tables: dict[int, PublishedTable]
) -> None:
    outcomes = evaluate_claims(study.claims, published_cells(tables, study.questions))
    assert [outcome.claim.id for outcome in outcomes if outcome.not_measured] == []
    assert [outcome.claim.id for outcome in outcomes if outcome.verdict == "not measured"] == [
        "no-extra-parameters"
    ]


def test_published_intervals_are_those_of_the_question_counts(
    study: StudyClaims, tables: dict[int, PublishedTable]
) -> None:
    result = published_cells(tables, study.questions)
    assert result[2, "mae/frozen", "COCO-OC"].question_error == pytest.approx(3.53, abs=0.01)
    assert result[5, "gvt", "COCO-OC"].question_error == pytest.approx(0.496, abs=0.001)
    assert result[5, "gvt", "COCO-Caption"].question_error == pytest.approx(0.67 * 89.9 / 5000**0.5)
    assert (5, "flamingo-9b", "COCO-OC") not in result
    assert (2, "clip/frozen", "Avg") not in result


@pytest.mark.parametrize(
    ("left", "right", "expected"), [(60, 50, "holds"), (50, 60, "contradicted"), (50, 51, "within noise")]
)
def test_greater(left: float, right: float, expected: str) -> None:
    assert verdict(cells(a=left, b=right)) == expected


@pytest.mark.parametrize(
    ("left", "expected"), [(60, "contradicted"), (40, "contradicted"), (50.5, "holds"), (54, "within noise")]
)
def test_comparable(left: float, expected: str) -> None:
    assert verdict(cells(a=left, b=50), relation="comparable", margin=4) == expected


@pytest.mark.parametrize(
    ("left", "expected"), [(60, "holds"), (49.9, "holds"), (40, "contradicted"), (46, "within noise")]
)
def test_at_least(left: float, expected: str) -> None:
    assert verdict(cells(a=left, b=50), relation="at-least", margin=4) == expected


def test_a_missing_cell_is_not_measured() -> None:
    assert verdict(cells(a=50)) == "not measured"
    assert verdict({**cells(a=50), (2, "b", "VQA"): None}) == "not measured"


def test_a_part_of_the_cells_can_contradict_a_claim_and_no_more() -> None:
    for value, expected in ((60, "not measured"), (50, "not measured"), (40, "contradicted")):
        (outcome,) = evaluate_claims([claim(right=["b", "c"])], cells(a=value, b=50))
        assert (outcome.verdict, len(outcome.differences), outcome.not_measured) == (expected, 1, 1)


def test_training_noise_widens_an_interval() -> None:
    (alone,) = evaluate_claims([claim()], cells(a=54, b=50))
    result = {key: cell for key, cell in cells(a=54, b=50).items() if cell}
    known = {key: replace(cell, training_error=2.0, training_freedom=10**9) for key, cell in result.items()}
    (outcome,) = evaluate_claims([claim()], known)
    assert (alone.verdict, outcome.verdict) == ("holds", "within noise")
    assert outcome.differences[0].low == pytest.approx(4 - 1.96 * (2 * (1 + 4)) ** 0.5, abs=0.01)
    few = {
        key: replace(cell, training_error=2.0, training_freedom=2, training_pooled=True)
        for key, cell in result.items()
    }
    (outcome,) = evaluate_claims([claim()], few)
    freedom = 10**2 / (8**2 / 2)  # Welch and Satterthwaite: 2 of questions, 8 of training
    assert outcome.differences[0].low == pytest.approx(4 - t.ppf(0.975, freedom) * 10**0.5, abs=0.01)


def test_rows_without_training_noise_stand_beside_those_with_it() -> None:
    result = {key: cell for key, cell in cells(a=54, b=50).items() if cell}
    first, second = result
    mixed = {first: replace(result[first], training_error=2.0, training_freedom=2), second: result[second]}
    (outcome,) = evaluate_claims([claim()], mixed)
    freedom = 6**2 / (4**2 / 2)  # 2 of questions, 4 of one row's training
    assert outcome.differences[0].low == pytest.approx(4 - t.ppf(0.975, freedom) * 6**0.5, abs=0.01)


def test_equal_rows_are_rarely_told_apart_by_a_few_seeds() -> None:
    """Two rows of three seeds each, of one mean: at 95 % about one claim in twenty is decided."""
    generator, decided = np.random.default_rng(0), 0
    for _ in range(1000):
        a, b = generator.normal(50, 2, size=(2, 3))
        spread, freedom = spread_of_seeds([a.tolist(), b.tolist()])
        noise = {"training_error": spread / 3**0.5, "training_freedom": freedom, "training_pooled": True}
        values = cells(a=float(a.mean()), b=float(b.mean()), error=0.01)
        (outcome,) = evaluate_claims(
            [claim()], {key: replace(cell, **noise) for key, cell in values.items() if cell}
        )
        decided += outcome.verdict != "within noise"
    assert 25 <= decided <= 75


def test_one_difference_against_the_claim_contradicts_it() -> None:
    result = cells(a=60, b=50, c=70)
    assert verdict(result, right=["b"]) == "holds"
    assert verdict(result, right=["b", "c"]) == "contradicted"
    assert verdict(result, right=["b", "c"], rows="mean") == "within noise"


def test_paired_rows_compare_first_with_first() -> None:
    result = cells(a=60, b=50, c=90, d=80)
    assert verdict(result, left=["a", "c"], right=["b", "d"], rows="paired") == "holds"
    assert verdict(result, left=["a", "c"], right=["b", "d"]) == "contradicted"


def test_gaps_are_compared_with_gaps() -> None:
    result = cells(a=60, b=50, c=90, d=88)
    gap = {"left": ["a"], "left_minus": ["b"], "right": ["c"], "right_minus": ["d"], "rows": "mean"}
    (outcome,) = evaluate_claims([claim(**gap)], result)
    assert outcome.differences[0].value == pytest.approx(8)
    assert outcome.verdict == "holds"


def test_columns_can_be_averaged() -> None:
    values = {("a", "X"): 60.0, ("a", "Y"): 40.0, ("b", "X"): 50.0, ("b", "Y"): 45.0}
    result = {(2, row, column): Measured(v, v - 1, v + 1) for (row, column), v in values.items()}
    (each,) = evaluate_claims([claim(columns=["X", "Y"])], result)
    (mean,) = evaluate_claims([claim(columns=["X", "Y"], columns_as="mean")], result)
    assert [difference.value for difference in each.differences] == [10, -5]
    assert [difference.value for difference in mean.differences] == [2.5]
    assert (each.verdict, mean.verdict) == ("contradicted", "holds")


def test_more_differences_make_wider_intervals() -> None:
    (one,) = evaluate_claims([claim()], cells(a=54, b=50))
    (four,) = evaluate_claims([claim(right=list("bcde"))], cells(a=54, b=50, c=50, d=50, e=50))
    assert one.differences[0].low == pytest.approx(4 - 1.96 * 2**0.5, abs=0.01)
    assert four.differences[0].low == pytest.approx(4 - 2.498 * 2**0.5, abs=0.01)


def test_towards_is_about_the_value_alone() -> None:
    (outcome,) = evaluate_claims([claim(right=["b", "c"])], cells(a=50, b=49, c=51))
    assert [difference.towards for difference in outcome.differences] == [True, False]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": "paired", "right": ["b", "c"]}, "as many left as right"),
        ({"left_minus": ["c"]}, "need rows: mean"),
        ({"relation": "comparable"}, "margin above 0"),
        ({"colums": ["VQA"]}, "colums"),
        ({"table": 9}, "less than or equal to 8"),
    ],
)
def test_a_comparison_that_fits_nothing_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Comparison.model_validate({"table": 2, "columns": ["VQA"], "left": ["a"], "right": ["b"], **changes})


def test_a_long_quotation_is_refused(
    repository: Path, tmp_path: Path, tables: dict[int, PublishedTable]
) -> None:
    text = (repository / "workflow/grid/claims.yaml").read_text()
    path = tmp_path / "claims.yaml"
    path.write_text(text.replace("resulting in improved overall performance", "x" * 111))
    with pytest.raises(VistokError, match=r"quote: String should have at most 110 characters"):
        read_claims(path, tables)


@pytest.mark.parametrize("text", ["claims: {}", "- a", "a: [", "questions: {}\nclaims: {a: 3}"])
def test_files_of_another_shape_are_refused(
    tmp_path: Path, tables: dict[int, PublishedTable], text: str
) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(VistokError, match="claims"):
        read_claims(path, tables)


def test_a_missing_file_is_refused(tmp_path: Path, tables: dict[int, PublishedTable]) -> None:
    with pytest.raises(VistokError, match=r"claims\.yaml is missing"):
        read_claims(tmp_path / "claims.yaml", tables)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("deit/frozen", "deit/frozn", "unknown row of Table 2 'deit/frozn'. Did you mean 'deit/frozen'"),
        ("[VQA, COCO-Caption]", "[VQA, COCO-Captoin]", "column of Table 2 'COCO-Captoin'. Did you mean 'COCO-Caption'"),
        ("[eva/frozen, eva/tuned]", "[eva/frozen, eva]", "questions 'coco-oc-of-eva': unknown row 'eva'"),
        ("columns: [Spatial]", "columns: [Spacial]", "questions 'seed-spatial': unknown column 'Spacial'"),
        ("tables: [7], columns: [Scene]", "tables: [9], columns: [Scene]", "questions 'seed-scene': unknown table '9'"),
        ("  gvt-is-best-overall:", "  gap-narrows-with-scale:", "the key 'gap-narrows-with-scale' stands twice"),
    ],
)  # fmt: skip
def test_names_that_no_table_has_are_refused(
    repository: Path, tmp_path: Path, tables: dict[int, PublishedTable], old: str, new: str, message: str
) -> None:
    text = (repository / "workflow/grid/claims.yaml").read_text()
    assert old in text
    path = tmp_path / "claims.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(VistokError, match=message):
        read_claims(path, tables)


def test_the_spread_of_seeds_is_pooled_over_rows() -> None:
    assert spread_of_seeds([(50.0, 52.0), (30.0,), (10.0, 10.0, 13.0)]) == (pytest.approx((8 / 3) ** 0.5), 3)
    assert spread_of_seeds([(50.0,), ()]) == (0.0, 0)


def test_a_row_tells_its_own_noise_and_one_seed_takes_the_others() -> None:
    column = [(50.0, 52.0), (30.0,), (10.0, 10.0, 13.0), (1.0, 1.0)]
    assert training_noise(column[0], column) == (pytest.approx(1.0), 1, False)
    assert training_noise(column[1], column) == (pytest.approx(2**0.5), 4, True)
    assert training_noise(column[3], column) == (0.0, 1, False), "known, and none"
    assert training_noise((30.0,), [(30.0,), (2.0,)]) == (0.0, 0, False), "not known"


def test_what_noise_an_interval_holds_is_said() -> None:
    result = {key: cell for key, cell in cells(a=54, b=50, c=50).items() if cell}
    known = {key: replace(cell, training_error=0.5, training_freedom=2) for key, cell in result.items()}
    assert evaluate_claims([claim()], result)[0].noise == "questions"
    assert evaluate_claims([claim()], known)[0].noise == "questions and trainings"
    first, *others = result
    part = {first: known[first], **{key: result[key] for key in others}}
    assert evaluate_claims([claim()], part)[0].noise == "questions, in part trainings"
    mixed = {**known, others[1]: result[others[1]]}
    (outcome,) = evaluate_claims([claim(right=["b", "c"])], mixed)
    assert outcome.noise == "questions, in part trainings"
    assert [entry.noise for entry in outcome.differences][0] == "questions and trainings"


def test_own_estimates_of_training_noise_have_their_own_freedom() -> None:
    result = {key: cell for key, cell in cells(a=54, b=50).items() if cell}
    own = {key: replace(cell, training_error=2.0, training_freedom=2) for key, cell in result.items()}
    pooled = {key: replace(cell, training_pooled=True) for key, cell in own.items()}
    (wide,) = evaluate_claims([claim()], pooled)
    (outcome,) = evaluate_claims([claim()], own)
    freedom = 10**2 / (2 * 4**2 / 2)  # 2 of questions, 4 of each row's training
    assert outcome.differences[0].low == pytest.approx(4 - t.ppf(0.975, freedom) * 10**0.5, abs=0.01)
    assert wide.differences[0].low == pytest.approx(4 - t.ppf(0.975, freedom / 2) * 10**0.5, abs=0.01)


def test_a_scales_cells_hold_the_noise_of_training(mini: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of CLIP's two seeds one is far worse; its mean of two is surer than another row's one seed."""
    monkeypatch.chdir(mini.root)
    result = {(cell["row"], cell["column"]): cell for cell in cells_of(mini.study, "table-2")}
    values = [
        mini.metrics(f"clip/frozen/vicuna-7b/seed-{seed}", "vqav2")["answers"]["released"]["metrics"][
            "accuracy"
        ]
        for seed in (0, 1)
    ]
    spread = abs(values[0] - values[1]) / 2**0.5
    assert spread > 1
    assert result["clip/frozen", "VQA"]["training_error"] == pytest.approx(spread / 2**0.5, abs=1e-5)
    assert result["deit/frozen", "VQA"]["training_error"] == pytest.approx(spread, abs=1e-5)
    assert result["deit/frozen", "VQA"]["training_freedom"] == 1
    assert (
        result["deit/frozen", "VQA"]["training_pooled"]
        and not result["clip/frozen", "VQA"]["training_pooled"]
    )
    assert result["clip/frozen", "VQA"]["seed_values"] == tuple(values)


def test_a_column_that_the_paper_has_not_is_weighed_by_no_claim(
    mini: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As SEED-Bench's average over questions in Table 7, beside the paper's over dimensions."""
    monkeypatch.chdir(mini.root)
    task = mini.study.task("coco-oc").model_copy(update={"label": "Counting"})
    columns = (Column(task="coco-oc"), Column(task="coco-mci", published="COCO-MCI"))
    table = mini.study.table("table-2").model_copy(update={"columns": columns})
    study = replace(
        mini.study,
        tasks={**mini.study.tasks, "coco-oc": task},
        tables={**mini.study.tables, "table-2": table},
    )
    result = cells_of(study, "table-2")
    assert {cell["column"] for cell in result} == {"COCO-MCI"}
    write_json(tmp_path / "cells.json", result)
    published = read_all_published(PUBLISHED)
    results = {"mini": read_cells(tmp_path / "cells.json")}
    write_claims(published, read_claims(CLAIMS, published), results, tmp_path)
    assert (tmp_path / "claims.json").is_file()


SECTION_4_2 = ("gvt-is-best-overall", "gvt-surpasses-larger-models", "gvt-is-second-on-semantics")


def cells_of_table_5(repository: Path, tables: dict[int, PublishedTable], **leads: float) -> Any:
    """A cell of every row and column of Table 5 that mini answers: 50, and more in rows that lead."""
    scale = load_study("mini", root=repository)
    rows = [row.printed for row in scale.table("table-5").rows if scale.answers(row)]
    names = [tables[5].row_ids[row] for row in rows if row is not None]
    made = [(row, 50 + leads.get(row.replace("-", "_"), 0.0)) for row in names]
    columns = [column.published or "" for column in scale.table("table-5").columns]
    return {
        (5, row, column): Measured(value, value - 2, value + 2) for row, value in made for column in columns
    }


@pytest.mark.parametrize(
    ("leads", "verdicts"),
    [
        ({"gvt": 20, "blip_2": 0}, ("holds", "holds", "contradicted")),
        ({"gvt": 0, "blip_2": 20}, ("contradicted", "contradicted", "within noise")),
        ({"llava": 20}, ("contradicted", "contradicted", "contradicted")),
        ({}, ("within noise", "within noise", "within noise")),
    ],
)
def test_section_4_2_is_weighed_on_the_rows_of_table_5_that_mini_trains(
    study: StudyClaims,
    tables: dict[int, PublishedTable],
    repository: Path,
    leads: dict[str, float],
    verdicts: tuple[str, ...],
) -> None:
    """All six rows answer all six columns there, so that no comparison is left out, of Flamingo and Kosmos-1 either."""
    outcomes = evaluate_claims(study.claims, cells_of_table_5(repository, tables, **leads))
    result = {entry.claim.id: entry for entry in outcomes if entry.claim.section == "4.2"}
    assert tuple(result[name].verdict for name in SECTION_4_2) == verdicts
    assert {name: entry.not_measured for name, entry in result.items()} == dict.fromkeys(SECTION_4_2, 0)
