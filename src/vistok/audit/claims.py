"""The claims as findings of the audit: each with its verdict on the printed numbers."""

from collections.abc import Iterable

from vistok.audit.findings import Finding
from vistok.audit.findings import Verdict as AuditVerdict
from vistok.claims.evaluate import Outcome, Verdict

_VERDICTS: dict[Verdict, AuditVerdict] = {
    "holds": "clean",
    "contradicted": "wrong",
    "within noise": "doubtful",
    "not measured": "note",
}


def claim_findings(outcomes: Iterable[Outcome]) -> tuple[Finding, ...]:
    """Returns one finding per claim."""
    return tuple(_finding(outcome) for outcome in outcomes)


def _finding(outcome: Outcome) -> Finding:
    claim, total = outcome.claim, len(outcome.differences)
    return Finding(
        kind="claim",
        anchor=f"claim-{claim.id}",
        group="claims",
        verdict=_VERDICTS[outcome.verdict],
        facts={
            "verdict": outcome.verdict,
            "differences": total,
            "hold": outcome.count("holds"),
            "within noise": outcome.count("within noise"),
            "contradicted": outcome.count("contradicted"),
        },
        rows=tuple(
            {
                "difference": difference.label,
                "points": f"{difference.value:+.2f}",
                "low": f"{difference.low:+.2f}",
                "high": f"{difference.high:+.2f}",
                "verdict": difference.verdict,
            }
            for difference in outcome.differences
        ),
        details={
            "claim": claim,
            "towards": sum(difference.towards for difference in outcome.differences),
        },
    )
