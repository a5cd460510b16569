"""The targets beside the tables: the audit, and the paper's claims weighed on a scale's own cells."""

import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile


def test_claims_are_weighed_on_the_scale(built: Any) -> None:
    built.build("paper_claims")
    cells = json.loads((built.root / "results/smoke/cells.json").read_text())
    rows = {cell["row"] for cell in cells}
    assert rows == {"deit/frozen", "clip/frozen", "clip/tuned"} and len(cells) == 18
    metrics = built.root / "results/smoke/clip/tuned/vicuna-7b/seed-0/coco-mci/metrics.json"
    value = json.loads(metrics.read_text())["answers"]["released"]["metrics"]["accuracy"]
    result = {(cell["row"], cell["column"]): cell["value"] for cell in cells}
    assert result["clip/tuned", "COCO-MCI"] == value
    claims = json.loads((built.root / "paper_tables/smoke/claims.json").read_text())
    assert claims.keys() == {"published", "smoke"}
    compared = {
        "Table 2, VQA: clip/frozen over clip/tuned",
        "Table 2, COCO-Caption: clip/frozen over clip/tuned",
    }
    lost = claims["smoke"]["clip-and-dinov2-lose-semantics"]
    result = {difference["label"] for difference in lost["differences"]}
    assert result and result <= compared, "a metric that is 0 of every image has no interval to compare"
    assert lost["not_measured"] == 4 - len(result), "DINOv2 is in no row of this scale"


def test_the_audit_checks_what_the_scale_made(built: Any) -> None:
    built.build("paper_audit")
    text = (built.root / "paper_tables/smoke/audit.json").read_text()
    assert '"smoke-vcr-mci-constant"' in text
    assert '"smoke-coco-oc-constant"' in text and "smoke-coco-oc-train-" not in text


def test_snakemakes_report_shows_each_product_with_a_caption_in_its_category(
    built: Any, tmp_path: Path
) -> None:
    built.build("paper_tables")
    built.build("paper_tables", "--report", str(tmp_path / "shown.zip"))
    with ZipFile(tmp_path / "shown.zip") as archive:
        text = archive.read("shown/report.html").decode()
        held = {Path(name).name for name in archive.namelist()}
    result = re.search(r"var categories = (\{.*?\});", text)
    assert result
    shown = {
        category: {Path(path).name for paths in below.values() for path in paths}
        for category, below in json.loads(result[1]).items()
    }
    assert shown["Figures"] == {"figure-3.svg", "figure-4.svg"}
    assert {"table-1.html", "table-2.html"} <= shown["Tables"] and "table-2-curves.png" in shown["Trainings"]
    assert shown["Claims and audit"] == {"audit.html", "claims.html"}
    assert shown["Study"] == {"index.html"}
    products = set().union(*shown.values())
    assert products <= held
    assert len(re.findall(r'"caption": "<p>[^"<]', text)) == len(products)
    for label in (
        '{"table": "table-1"}',
        '{"table": "table-2"}',
        '{"figure": "figure-3"}',
        '{"page": "claims"}',
        '{"page": "index"}',
    ):
        assert f'"labels": {label}' in text
