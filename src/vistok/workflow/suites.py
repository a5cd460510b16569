"""The rules that stand once for each suite: no two suites have the same files, so no one rule makes them."""

from collections.abc import Collection, MutableMapping
from typing import Any, Final

STEPS: Final = ("answer", "score_run", "answer_blind", "fit_blind")


def rule_of(step: str, suite: str) -> str:
    """Returns the name of the rule that takes a step for one suite."""
    return f"{step}_{suite.replace('-', '_')}"


def share_out(settings: MutableMapping[str, Any], suites: Collection[str]) -> None:
    """Has what a profile or the command line sets for such a step hold for its rule of each suite."""
    for step in [step for step in STEPS if step in settings]:
        for suite in suites:
            settings.setdefault(rule_of(step, suite), settings[step])
