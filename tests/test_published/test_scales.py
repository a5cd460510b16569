"""Each scale's results, where they are here, beside the published cells: within the scale's tolerance, and told.

`pytest tests/test_published -rA` prints every cell. A scale without a tolerance (mini: drawn scenes, small
models) is told and held to nothing.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from vistok.chain import results as chain
from vistok.cli import main
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.grid.tables import Row
from vistok.provenance import unsealed
from vistok.reading import read_json
from vistok.tables.agreement import Compared, compare

PUBLISHED = Path("paper_tables/published")
SCALES = ("mini", "excerpt", "paper")
# Table 2 prints 48.3 for VQA in DeiT's frozen row; the mean of CLIP's two seeds is 52.2, as printed.
DEIT, CLIP = "deit/frozen/vicuna-7b/seed-0", "clip/frozen/vicuna-7b/seed-"


@pytest.mark.parametrize("scale", SCALES)
def test_results_are_near_the_published_cells(
    scale: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    result = compare(load_study(scale), PUBLISHED)
    if not result:
        pytest.skip(f"results/{scale} has no cells here: snakemake paper_tables --config scale={scale}")
    print(*result, sep="\n")
    assert not [str(cell) for cell in result if cell.agrees is False]


def test_a_tolerance_is_declared_for_every_task_of_the_paper_scale_and_for_none_of_mini(
    repository: Path,
) -> None:
    paper = load_study("paper", root=repository)
    assert paper.scale.published_tolerance.keys() == {task.id for task in paper.answered_tasks()}
    assert load_study("mini", root=repository).scale.published_tolerance == {}


@pytest.fixture
def results(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A checkout with results of the paper scale: DeiT's row as published, CLIP's of two seeds, one task each."""
    (tmp_path / "workflow").symlink_to(repository / "workflow")
    (tmp_path / "paper_tables").symlink_to(repository / "paper_tables")
    monkeypatch.chdir(tmp_path)
    study = load_study("paper")
    write_metrics(study, DEIT, 48.3)
    write_metrics(study, f"{CLIP}0", 50.2)
    write_metrics(study, f"{CLIP}1", 54.2)
    rows = (
        Row(tokenizer="deit", recipe="frozen", llm="vicuna-7b", published=1),
        Row(tokenizer="clip", recipe="frozen", llm="vicuna-7b", published=6, seeds=(0, 1)),
        Row(tokenizer="clip", recipe="tuned", llm="vicuna-7b", published=12),
    )
    table = study.table("table-2").model_copy(update={"rows": rows})
    return replace(study, tables={"table-2": table})


def write_metrics(study: Study, run: str, value: float, n: int = 5000) -> None:
    """Writes a metrics.json of VQAv2 as score-run does."""
    scored = {"metrics": {"accuracy": value}, "intervals": {"accuracy": [value - 1, value + 1]}, "n": n}
    chain.write_metrics(
        Paths(study).metrics(study.run(run), "vqav2"),
        {
            "task": "vqav2",
            "run": run,
            "metric": "accuracy",
            "protocol": "released",
            "n": n,
            "of": 5000,
            "reason": None,
            "answers": dict.fromkeys(("released", "official", "lavis"), scored) if n else {},
        },
    )


def test_cells_that_are_there_are_compared(results: Study) -> None:
    tolerance = results.scale.published_tolerance["vqav2"]
    assert compare(results, PUBLISHED) == (
        Compared(2, "deit/frozen", "VQA", 48.3, 48.3, tolerance),
        Compared(2, "clip/frozen", "VQA", 52.2, 52.2, tolerance),
    )


@pytest.mark.parametrize(("off", "agrees"), [(3.4, True), (-3.4, True), (3.5, False), (-20.0, False)])
def test_a_cell_agrees_within_the_tolerance(results: Study, off: float, agrees: bool) -> None:
    write_metrics(results, DEIT, 48.3 + off)
    deit, clip = compare(results, PUBLISHED)
    assert (deit.agrees, clip.agrees) == (agrees, True)
    assert str(deit) == (
        f"{'agrees  ' if agrees else 'TOO FAR '}  Table 2, deit/frozen, VQA: {48.3 + off:.1f}, published 48.3, "
        f"{off:+.1f} (at most 3.4)"
    )


def test_the_verb_prints_every_cell_and_fails_where_one_is_too_far(
    results: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agreement"]) == 0
    output = capsys.readouterr().out
    assert "agrees    Table 2, deit/frozen, VQA: 48.3, published 48.3, +0.0 (at most 3.4)" in output
    assert (
        "0 of 3 cells are further from the published ones than workflow/scales/paper.yaml tolerates."
        in output
    )
    write_metrics(results, DEIT, 12.0)
    assert main(["agreement"]) == 1
    assert "1 of 3 cells are further" in capsys.readouterr().out
    assert main(["agreement", "--scale", "excerpt"]) == 1
    assert "has no cell that the paper prints too. Make them: snakemake" in capsys.readouterr().err


def test_a_row_waits_for_all_its_seeds(results: Study) -> None:
    Paths(results).metrics(results.run(f"{CLIP}1"), "vqav2").unlink()
    assert [cell.row for cell in compare(results, PUBLISHED)] == ["deit/frozen"]


def test_a_cell_without_questions_is_left_out(results: Study) -> None:
    write_metrics(results, DEIT, 48.3, n=0)
    assert [cell.row for cell in compare(results, PUBLISHED)] == ["clip/frozen"]


def test_metrics_of_another_run_are_refused(results: Study) -> None:
    path = Paths(results).metrics(results.run(DEIT), "vqav2")
    chain.write_metrics(path, unsealed(path, read_json(path, what="metrics")) | {"run": f"{CLIP}0"})
    with pytest.raises(VistokError, match="is of the task 'vqav2' and the run"):
        compare(results, PUBLISHED)


def test_a_scale_without_tolerance_only_reports() -> None:
    cell = Compared(2, "clip/frozen", "VQA", 12.0, 52.2, None)
    assert cell.agrees is None
    assert str(cell) == "reported  Table 2, clip/frozen, VQA: 12.0, published 52.2, -40.2"
