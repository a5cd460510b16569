"""The paper's claims as comparisons between cells, tested on the printed numbers and on a scale's results."""

from vistok.reporting.claims.evaluate import Difference, Outcome, evaluate_claims
from vistok.reporting.claims.measured import Measured, published_cells
from vistok.reporting.claims.values import Claim, Comparison, StudyClaims, read_claims
from vistok.reporting.claims.write import add_arguments, read_cells, run, write_claims

__all__ = [
    "Claim",
    "Comparison",
    "Difference",
    "Measured",
    "Outcome",
    "StudyClaims",
    "add_arguments",
    "evaluate_claims",
    "published_cells",
    "read_cells",
    "read_claims",
    "run",
    "write_claims",
]
