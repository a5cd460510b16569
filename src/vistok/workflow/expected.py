"""The time that a build has left: the planned cost of each job, corrected by the jobs that have ended."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vistok.grid.step import Step
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.planning.costs import cost_of
from vistok.planning.jobs import STARTING, starting
from vistok.planning.plan import Rates

# The weight of the plan against the jobs of a rule that ended, in jobs of that rule.
_TRUST: Final = 0.5
# The same for all rules together, in planned seconds: one short job at three times its plan says little of the others.
_TRUST_SECONDS: Final = 120.0
# The page of the study shows everything else, and is made alone.
_LAST: Final = "show-study"


@dataclass
class _Rule:
    """The jobs of one rule that ended: their expected seconds, the seconds they took, and their number."""

    expected: float = 0.0
    taken: float = 0.0
    ended: int = 0


@dataclass
class Expected:
    """The seconds that jobs will take.

    Attributes:
        seconds: of each job by its rule and ids, as planned.
        cores: how many jobs may be at work at a time.
        last: the jobs that wait for all others.
    """

    seconds: Mapping[str, float]
    cores: int = 1
    last: Collection[str] = ()
    _rules: dict[str, _Rule] = field(default_factory=dict)
    _running: dict[str, float] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    def start(self, name: str, now: float) -> None:
        self._running[name] = now

    def end(self, name: str, now: float) -> float:
        """Notes that a job has ended; returns the seconds that it took."""
        taken = now - self._running.pop(name, now)
        self._ended.add(name)
        rule = self._rules.setdefault(_rule(name), _Rule())
        rule.expected += self._planned(name)
        rule.taken += taken
        rule.ended += 1
        return taken

    def of(self, name: str) -> float:
        """Returns the seconds that a job takes, as estimated from all jobs that have ended."""
        rule, every = self._rules.get(_rule(name), _Rule()), self._rules.values()
        whole = sum(each.expected for each in every)
        pace = (sum(each.taken for each in every) + _TRUST_SECONDS) / (whole + _TRUST_SECONDS)
        if not rule.ended:
            return self._planned(name) * pace
        mean = rule.expected / rule.ended
        own = (rule.taken + _TRUST * mean * pace) / (rule.expected + _TRUST * mean)
        return self._planned(name) * own

    def left(self, now: float) -> float:
        """Returns the seconds until all is done, were no job but the last ones to wait for another."""
        open_ = {name: self.of(name) for name in self.seconds if name not in self._ended}
        for name, started in self._running.items():
            open_[name] = max(self.of(name) - (now - started), 1.0)
        last = sum(open_.pop(name, 0.0) for name in self.last)
        return max(sum(open_.values()) / max(self.cores, 1), max(open_.values(), default=0.0)) + last

    def _planned(self, name: str) -> float:
        return self.seconds.get(name, STARTING)


def _rule(name: str) -> str:
    return name.partition(" ")[0]


def called(rule: str, wildcards: Mapping[str, str]) -> str:
    """Returns a job's name: its rule and its ids."""
    return " ".join((rule, *wildcards.values()))


def expect(study: Study, jobs: Iterable[tuple[str, Mapping[str, str]]], cores: int) -> Expected:
    """Returns the planned seconds of some jobs.

    Args:
        study: whose jobs they are.
        jobs: the rule and the wildcards of each.
        cores: how many jobs may be at work at a time.
    """
    rules = _steps_by_rule(study)
    seconds, last = {}, []
    for rule, wildcards in jobs:
        if rule in rules:
            step, fixed = rules[rule]
            ids = [fixed.get(name) or wildcards.get(name, "") for name in step.over]
            name = called(rule, wildcards)
            seconds[name] = starting(step.id) + _seconds(study, step, ids)
            last += [name] if step.id == _LAST else []
    return Expected(seconds, cores, last)


def _steps_by_rule(study: Study) -> dict[str, tuple[Step, Mapping[str, str]]]:
    """Returns each rule's step, with the suite that the rule's name holds."""
    steps: dict[str, tuple[Step, Mapping[str, str]]] = {}
    for step in STEPS.values():
        steps[step.rule_name] = step, {}
        if "suite" in step.over:
            for suite in study.suites_asked():
                steps[f"{step.rule_name}_{suite}".replace("-", "_")] = step, {"suite": suite}
    return steps


def _seconds(study: Study, step: Step, ids: Iterable[str]) -> float:
    size = step.whose(study).scale.job(step.size_id)
    cost = cost_of(study, step.id, *ids)
    return Rates().seconds(cost, size.gpus) / max(size.gpus, 1)
