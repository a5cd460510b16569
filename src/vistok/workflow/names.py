"""Names on Snakemake's command line that no rule and no file has, refused with the nearest legal one."""

import difflib
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Protocol

from vistok.errors import VistokError, unknown

_SELECTING = ("forcerun", "until", "omit_from", "prioritize")  # options of Snakemake that take targets, too


class Rule(Protocol):
    """What is asked of a rule of Snakemake."""

    name: str
    input: Iterable[Any]
    output: Iterable[Any]

    def has_wildcards(self) -> bool: ...

    def is_producer(self, requested_output: str) -> bool: ...


def check_names(rules: Iterable[Rule], arguments: Any) -> None:
    """Refuses names that Snakemake would fail at without a legal one, or ignore in silence.

    Args:
        rules: all rules of the workflow.
        arguments: Snakemake's command line, as its own parser reads it.

    Raises:
        VistokError: a target, or what is to be forced, reached, left out or preferred, is neither a rule nor a file
            that a rule makes; or a target is a rule that makes a file for each of many ids.
    """
    rules = list(rules)
    targets = {rule.name: rule for rule in rules if not rule.has_wildcards()}
    for name in arguments.targets or ():
        _check_many(name, rules, targets)
        _check(name, rules, targets)
    for option in _SELECTING:
        for name in getattr(arguments, option) or ():
            _check(name, rules, [rule.name for rule in rules])


def _check_many(name: str, rules: Iterable[Rule], targets: Collection[str]) -> None:
    for rule in rules:
        if rule.name == name not in targets:
            raise VistokError(
                f"the rule {name!r} makes many files. Ask for one by its path: {_patterns([rule])[0]}"
            )


def _check(name: str, rules: Collection[Rule], legal: Collection[str]) -> None:
    file = os.path.relpath(name)
    if any(rule.name == name or rule.is_producer(file) for rule in rules):
        return
    if os.sep in name or "." in name:
        raise _no_such_file(name, file, rules)
    raise unknown("target", name, legal, also="a file that a rule makes")


def _no_such_file(name: str, file: str, rules: Collection[Rule]) -> VistokError:
    """Returns the error for a file that no rule makes, with the one that is most like it."""
    patterns = _patterns(rules)
    siblings = (str(Path(file).with_name(Path(pattern).name)) for pattern in patterns)
    # What a rule without wildcards asks for has the ids that the patterns of others leave open.
    asked = (
        str(path)
        for rule in rules
        if not rule.has_wildcards()
        for path in rule.input
        if isinstance(path, str)
    )
    candidates = dict.fromkeys([*asked, *siblings])
    made = [path for path in candidates if any(rule.is_producer(path) for rule in rules)]
    near = difflib.get_close_matches(file, made, n=1) or difflib.get_close_matches(file, patterns, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return VistokError(
        f"no rule makes the file {name!r}.{hint} Targets that are not files: snakemake --list-target-rules; "
        "the files behind one: snakemake TARGET -n"
    )


def _patterns(rules: Iterable[Rule]) -> list[str]:
    """Returns the outputs of rules, their wildcards without the expressions that these must match."""
    return [re.sub(r"{(\w+)[^{}]*}", r"{\1}", str(path)) for rule in rules for path in rule.output]
