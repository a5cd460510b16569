"""The paper's claims as comparisons between cells, tested on the printed numbers and on a scale's results."""

from vistok.claims.evaluate import Difference, Outcome, evaluate_claims
from vistok.claims.measured import Measured, published_cells, read_cells
from vistok.claims.values import Claim, Comparison, StudyClaims, read_claims

__all__ = [
    "Claim",
    "Comparison",
    "Difference",
    "Measured",
    "Outcome",
    "StudyClaims",
    "evaluate_claims",
    "published_cells",
    "read_cells",
    "read_claims",
]
