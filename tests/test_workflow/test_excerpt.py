"""Real files go through the real importers, evaluation and scorers to a table."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

BLIND = "results/excerpt/blind/{}/metrics.json"
CLIP = "results/excerpt/clip/frozen/vicuna-7b/seed-0/{}/metrics.json"
TASKS = ("vqav2", "coco-caption", "coco-oc", "coco-mci", "vcr-oc", "vcr-mci")


def read(built: Any, path: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((built.root / path).read_text())
    return result


def list_again(built: Any, output: str, *, everything: bool = False) -> None:
    """Runs the command that an error names, or the same for all that the scale reads."""
    command = shlex.split(output.partition("rerun: ")[2].partition("\n")[0])
    given = command[1:2] + command[3:] if everything else command[1:]
    subprocess.run([Path(sys.executable).with_name("vistok"), *given], cwd=built.root, check=True)


def keep_one_row(tables: dict[str, Any]) -> None:
    rows = tables["table-2"]["rows"]
    tables["table-2"]["rows"] = [
        row for row in rows if (row["tokenizer"], row["recipe"]) == ("clip", "frozen")
    ]


def test_a_question_without_its_photograph_waits_for_it(built: Any, official: Path, tmp_path: Path) -> None:
    photographs = sorted((official / "coco/val2017").iterdir())[::2]
    target, asked = BLIND.format("coco-oc"), ("--config", f"data_root={official}")
    for photograph in photographs:
        shutil.move(photograph, tmp_path)
    built.build(target, *asked, scale="excerpt")
    result = read(built, target)
    assert 0 < result["n"] < result["of"]
    assert result["reason"].endswith("photographs are not in coco/val2017")
    assert built.jobs(*asked, target=target, scale="excerpt") == set()
    for photograph in photographs:
        shutil.move(tmp_path / photograph.name, photograph)
    status, output = built.snakemake(target, "-n", *asked, scale="excerpt")
    assert status == 1 and "coco/val2017 has changed since its files were listed" in output
    list_again(built, output)
    assert built.jobs(*asked, target=target, scale="excerpt") == {
        "answer_blind_gvt vicuna-7b",
        "fit_blind_gvt",
    }


def test_a_part_of_the_question_files_is_enough(built: Any, official: Path, tmp_path: Path) -> None:
    for path in ("vqa", "vcr", *(f"gvtbench/{name}.json" for name in ("coco_mci", "vcr_oc", "vcr_mci"))):
        shutil.move(official / path, tmp_path / Path(path).name)
    target, asked = CLIP.format("coco-oc"), ("--config", f"data_root={official}")
    built.build(target, *asked, scale="excerpt")
    assert read(built, target)["n"] > 0
    result = read(built, CLIP.format("coco-mci"))
    assert (result["n"], result["reason"]) == (0, "not in the data root: gvtbench/coco_mci.json")
    assert built.jobs(*asked, target=target, scale="excerpt") == set()
    shutil.move(tmp_path / "coco_mci.json", official / "gvtbench")
    assert {job.split()[0] for job in built.jobs(*asked, target=target, scale="excerpt")} == {
        "list_data",
        "answer_gvt",
        "score_run_gvt",
    }


def test_files_that_lie_elsewhere_rerun_nothing_once_they_are_listed(
    built: Any, official: Path, tmp_path: Path
) -> None:
    target = BLIND.format("coco-oc")
    shutil.rmtree(built.root / "results/excerpt", ignore_errors=True)
    built.build(target, "--config", f"data_root={official}", scale="excerpt")
    other = tmp_path / "other"
    shutil.copytree(official, other, copy_function=shutil.copyfile)
    elsewhere = ("--config", f"data_root={other}")
    status, output = built.snakemake(target, "-n", *elsewhere, scale="excerpt")
    assert status == 1 and f"--data-root {other}" in output
    list_again(built, output, everything=True)
    assert built.jobs(*elsewhere, target=target, scale="excerpt") == set()


def test_real_questions_about_real_photographs(built: Any, shared_data: Path) -> None:
    asked = ("--config", f"data_root={shared_data}")
    shutil.rmtree(built.root / "data/digests", ignore_errors=True)
    with built.changed("workflow/grid/tables.yaml", keep_one_row):
        built.build("paper_tables", *asked, scale="excerpt")
        assert built.jobs(*asked, scale="excerpt") == set()
    cells = {task: read(built, CLIP.format(task)) for task in TASKS}
    photographs = len(list((shared_data / "coco/val2017").iterdir()))
    assert {task: (cell["n"], cell["of"]) for task, cell in cells.items()} == {
        "vqav2": (3, 3),
        "coco-caption": (photographs, photographs),
        "coco-oc": (146, 10_000),
        "coco-mci": (186, 10_000),
        "vcr-oc": (0, 10_000),
        "vcr-mci": (0, 10_000),
    }
    assert cells["vcr-oc"]["reason"] == "5901 of 5901 photographs are not in vcr/vcr1images"
    assert cells["coco-oc"]["reason"].endswith("photographs are not in coco/val2017")
    assert cells["vqav2"]["reason"] is None
    page = (built.root / "paper_tables/excerpt/table-2.md").read_text()
    assert page.count("146 of 10000") == 2 and "none of 10000 questions are asked" in page


def test_the_audit_reads_the_released_files(built: Any, shared_data: Path) -> None:
    shutil.rmtree(built.root / "data/digests", ignore_errors=True)
    built.build("paper_audit", "--config", f"data_root={shared_data}", scale="excerpt")
    text = (built.root / "paper_tables/excerpt/audit.json").read_text()
    assert '"coco-oc-constant"' in text and '"smoke-coco-oc-constant"' in text
