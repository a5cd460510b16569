"""The paper's claims as comparisons between cells, tested on the printed numbers and on a scale's results."""

from vistok.reporting.claims.evaluate import Difference, Outcome, evaluate_claims
from vistok.reporting.claims.measured import Measured, published_cells
from vistok.reporting.claims.values import Claim, Comparison, StudyClaims, read_claims

__all__ = [
    "Claim",
    "Comparison",
    "Difference",
    "Measured",
    "Outcome",
    "StudyClaims",
    "evaluate_claims",
    "published_cells",
    "read_claims",
]
