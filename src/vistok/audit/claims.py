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
_MEANINGS: dict[Verdict, str] = {
    "holds": "The printed numbers bear the sentence, beyond what the size of the benchmark leaves to chance.",
    "contradicted": "A printed number that the sentence is about says the reverse, beyond chance.",
    "within noise": "Some differences that the sentence rests on are not beyond chance by the printed numbers.",
    "not measured": "The cells that could tell are not all there.",
}


def claim_findings(outcomes: Iterable[Outcome]) -> tuple[Finding, ...]:
    """Returns one finding a claim."""
    return tuple(_finding(outcome) for outcome in outcomes)


def _finding(outcome: Outcome) -> Finding:
    claim, total = outcome.claim, len(outcome.differences)
    where = "abstract" if claim.section == "abstract" else f"section {claim.section}"
    return Finding(
        anchor=f"claim-{claim.id}",
        group="claims",
        verdict=_VERDICTS[outcome.verdict],
        title=f"“{claim.quote}” ({where})",
        tested=claim.reading,
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
        surprise=_surprise(outcome),
        meaning=_MEANINGS[outcome.verdict],
    )


def _surprise(outcome: Outcome) -> str:
    total = len(outcome.differences)
    if not total:
        return "Nothing to test."
    towards = sum(difference.towards for difference in outcome.differences)
    return (
        f"{towards} of {total} differences are as the claim says; with intervals that cover all of them at "
        "95 %, "
        f"{outcome.count('holds')} hold, {outcome.count('within noise')} are within noise, "
        f"{outcome.count('contradicted')} contradict."
    )
