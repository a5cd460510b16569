"""Writes findings as audit.md, audit.html and audit.json."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from vistok.audit.benchmark_file import released_files
from vistok.audit.beside import missing
from vistok.audit.checks import file_findings, generated_findings, table_findings
from vistok.audit.claims import claim_findings
from vistok.audit.findings import Finding, Group, Scalar, Verdict
from vistok.claims.evaluate import Outcome, evaluate_claims
from vistok.claims.measured import published_cells
from vistok.claims.values import CLAIMS, read_claims
from vistok.errors import VistokError
from vistok.files import write_json, write_text
from vistok.pages.claims_figure import page_figures
from vistok.pages.templating import paragraphs, render, rounded
from vistok.pages.wording import Wording, worded
from vistok.published.tables import read_all_published

GROUPS: dict[Group, str] = {
    "tables": "The published tables",
    "claims": "The claims, on the printed numbers",
    "benchmark": "The released benchmark files",
    "ours": "Benchmarks made here",
}


MEANING: dict[Verdict, str] = {
    "wrong": "the printed number, text or file is not what it says; a claim: contradicted",
    "doubtful": "the number cannot bear what is concluded from it; a claim: within noise",
    "note": "nothing wrong; the reader should know; a claim: not measured",
    "clean": "checked, nothing found; a claim: holds",
}


def run_audit(
    published: Path, data_root: Path | None, generated: Sequence[Path], out: Path, *, claims: Path = CLAIMS
) -> tuple[Finding, ...]:
    """Runs every check that its files are there for, and writes audit.md, audit.html and audit.json to `out`.

    Args:
        published: the folder of tableN.csv.
        data_root: the folder of gvtbench/ and coco/; None, or a folder without them, is said in the pages.
        generated: GVTBench files made here.
        out: the folder to write to.
        claims: the claims of the paper.

    Raises:
        VistokError: a file that is there is wrong, or `out` cannot be written.
    """
    tables = read_all_published(published)
    study = read_claims(claims, tables)
    outcomes: tuple[Outcome, ...] = evaluate_claims(study.claims, published_cells(tables, study.questions))
    released = released_files(data_root) if data_root else ()
    findings = (
        *table_findings(tables),
        *claim_findings(outcomes),
        *(finding for file in released for finding in file_findings(file, tables, data_root)),
        *(finding for path in generated for finding in generated_findings(path, tables)),
    )
    notes = paragraphs("not-checked.txt.j2", missing=missing(released, data_root))
    write_findings(findings, notes, out, figures=page_figures({"published": outcomes}))
    return findings


def write_findings(
    findings: Sequence[Finding],
    notes: Sequence[str],
    out: Path,
    *,
    figures: Mapping[str, str],
    paper: Literal["gvt", "ett"] = "gvt",
) -> None:
    """Writes the three files to `out`.

    Args:
        findings: in the order to show them.
        notes: what could not be checked, and why.
        out: the folder.
        figures: the claims' forest plots, as `page_figures` returns them.
        paper: whose tables were checked.

    Raises:
        VistokError: two findings have one anchor, or the folder cannot be written.
    """
    repeated = [
        anchor for anchor, times in Counter(finding.anchor for finding in findings).items() if times > 1
    ]
    if repeated:
        raise VistokError(
            f"two findings have the anchor {repeated[0]!r}: give benchmark files different names."
        )
    page = {**_page(findings, notes), "paper": paper}
    write_json(out / "audit.json", findings_json(findings, notes))
    write_text(out / "audit.md", render("audit.md.j2", **page))
    write_text(out / "audit.html", render("audit.html.j2", **figures, **page))


def findings_json(findings: Sequence[Finding], notes: Sequence[str]) -> dict[str, Any]:
    """Returns the findings for machines, floats to six significant digits."""
    return {
        "findings": [_finding_json(finding, worded(finding)) for finding in findings],
        "not_checked": list(notes),
        "summary": dict(Counter(finding.verdict for finding in findings)),
    }


def _finding_json(finding: Finding, wording: Wording) -> dict[str, Any]:
    return {
        "anchor": finding.anchor,
        "group": finding.group,
        "verdict": finding.verdict,
        "title": wording.title,
        "tested": wording.tested,
        "facts": {name: _plain(value) for name, value in finding.facts.items()},
        "rows": [{name: _plain(value) for name, value in row.items()} for row in finding.rows],
        "surprise": wording.surprise,
        "meaning": wording.meaning,
    }


def _plain(value: Scalar) -> Scalar:
    return rounded(value) if isinstance(value, float) else value


def _page(findings: Sequence[Finding], notes: Sequence[str]) -> dict[str, Any]:
    groups = [
        {
            "id": group,
            "title": title,
            "findings": [(finding, worded(finding)) for finding in findings if finding.group == group],
        }
        for group, title in GROUPS.items()
    ]
    verdicts = Counter[str](finding.verdict for finding in findings)
    return {
        "groups": [group for group in groups if group["findings"]],
        "notes": list(notes),
        "verdicts": [(name, verdicts[name], meaning) for name, meaning in MEANING.items()],
    }
