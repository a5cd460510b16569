"""A step as a Snakemake rule: patterns of its files, and functions of wildcards for the rest."""

from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from vistok.grid.specs import spec_digest
from vistok.grid.step import Ids, Step
from vistok.grid.steps import STEPS
from vistok.grid.study import Study
from vistok.workflow.code import code
from vistok.workflow.sizes import size_of


@dataclass(frozen=True)
class StepRule:
    """One rule; `fixed` are the ids in it, such as its suite; the others are wildcards."""

    study: Study
    step: Step
    fixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The step's name, with what is fixed: no two suites have the same files, so no one rule makes them."""
        return "_".join((self.step.rule_name, *self.fixed.values())).replace("-", "_")

    @cached_property
    def outputs(self) -> list[str]:
        return [str(path) for path in self.step.outputs(self.study, *self._patterns)]

    @property
    def log(self) -> str:
        return str(self.step.log(self.study, *self._patterns))

    @property
    def resources(self) -> dict[str, Any]:
        return size_of(self.step.whose(self.study), self.step.size_id)

    def inputs(self, wildcards: Any) -> list[str]:
        """Returns what one job reads besides the data root."""
        return [str(path) for path in self.step.inputs(self.study, *self._ids(wildcards))]

    def spec(self, wildcards: Any) -> str:
        """Returns the digest of what one job's result depends on in the study."""
        return spec_digest(self.step.spec(self.study, *self._ids(wildcards)))

    def source(self, wildcards: Any) -> str:
        """Returns the digest of the code that one job runs."""
        return code(self.step, *self.step.modules(self.study, *self._ids(wildcards)))

    @property
    def _patterns(self) -> Ids:
        return tuple(self.fixed.get(name, f"{{{name}}}") for name in self.step.over)

    def _ids(self, wildcards: Any) -> Ids:
        return tuple(self.fixed.get(name) or getattr(wildcards, name) for name in self.step.over)


def share_out(settings: MutableMapping[str, Any], suites: Collection[str]) -> None:
    """Applies what a profile or the command line sets for a step over suites to the rule of each suite."""
    for step in STEPS.values():
        if "suite" in step.over and step.rule_name in settings:
            for suite in suites:
                name = f"{step.rule_name}_{suite}".replace("-", "_")
                settings.setdefault(name, settings[step.rule_name])
