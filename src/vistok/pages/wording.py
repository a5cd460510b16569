"""The wording of the audit: a finding's sentences, from the template of its kind."""

from dataclasses import dataclass

from vistok.audit.findings import Finding
from vistok.pages.templating import sentences


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of a finding.

    Attributes:
        title: the finding in one line.
        tested: what was tested, in one sentence.
        surprise: how surprising this is by chance: a p-value or an interval, or why there is none.
        meaning: what it means for the tables.
    """

    title: str
    tested: str
    surprise: str
    meaning: str


def worded(finding: Finding) -> Wording:
    """Returns a finding's sentences; text between backticks is code."""
    values = {**finding.details, "facts": finding.facts}
    return Wording(**sentences(f"findings/{finding.kind}.txt.j2", **values))
