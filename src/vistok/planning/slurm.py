"""Asks Slurm in advance whether it would accept the jobs of a profile: account and partition."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.grid.read import read_mapping

PROFILE: Final = Path("workflow/profiles/slurm/config.yaml")
_TIMEOUT: Final = 30  # seconds: clients wait for a controller that is down


def requested(profile: Path, key: str) -> dict[str, str]:
    """Returns what a profile asks for under one key: by where it says so, its defaults first, then single rules.

    Snakemake takes `default-resources` and `set-resources` as a mapping or as a list: of KEY=VALUE, and of
    RULE:KEY=VALUE.

    Raises:
        VistokError: the profile is missing or wrong.
    """
    content = read_mapping(profile)
    sections = {"default-resources": _pairs(profile, "default-resources", content.get("default-resources"))}
    single = content.get("set-resources") or {}
    if isinstance(single, list):
        rules = dict.fromkeys(str(entry).partition(":")[0] for entry in single)
        single = {
            rule: [str(entry).partition(":")[2] for entry in single if str(entry).startswith(f"{rule}:")]
            for rule in rules
        }
    if not isinstance(single, dict):
        raise VistokError(f"{profile}: `set-resources` is a mapping or a list, found {single!r}.")
    for rule, resources in single.items():
        name = f"set-resources: {rule}"
        sections[name] = _pairs(profile, name, resources)
    return {section: pairs[key] for section, pairs in sections.items() if key in pairs}


def check_partition(profile: Path) -> str:
    """Returns what Slurm says of the partitions that a profile names, for all jobs or for those of single rules.

    Raises:
        VistokError: there is none of this name, or Slurm does not answer.
    """
    requests = requested(profile, "slurm_partition")
    existing = {line.rstrip("*") for line in _ask("sinfo", "--noheader", "--format=%P")}
    for section, partitions in requests.items():
        for name in partitions.split(","):
            if name.strip() not in existing:
                raise VistokError(
                    f"partition {name.strip()!r} is not known to Slurm. Legal: {', '.join(sorted(existing))}. Fix "
                    f"slurm_partition of {section} in {profile}."
                )
    return f"{_named('partition', requests)} of {', '.join(sorted(existing))}"


def check_account(profile: Path) -> str:
    """Returns what Slurm's accounting says of the accounts that a profile names.

    Raises:
        VistokError: this user may not use one of them.
    """
    requests = requested(profile, "slurm_account")
    if not shutil.which("sacctmgr"):
        return "no sacctmgr here: not checked"
    user = os.environ.get("USER") or str(os.getuid())
    command = (
        "sacctmgr",
        "--noheader",
        "--parsable2",
        "show",
        "associations",
        f"user={user}",
        "format=account",
    )
    try:
        accounts = sorted(set(_ask(*command)))
    except VistokError as error:
        return f"no accounting here: not checked ({str(error)[:120]})"
    for section, account in requests.items():
        if account not in accounts:
            raise VistokError(
                f"account {account!r} is not one of {user}'s. Legal: {', '.join(accounts) or 'none'}. Fix "
                f"slurm_account of {section} in {profile}."
            )
    return f"{_named('account', requests)} of {', '.join(accounts) or 'none'}"


def _pairs(profile: Path, section: str, entries: object) -> dict[str, str]:
    if isinstance(entries, list):
        entries = dict(str(entry).partition("=")[::2] for entry in entries)
    if not isinstance(entries, dict | None):
        raise VistokError(f"{profile}: `{section}` is a mapping or a list, found {entries!r}.")
    return {str(key): str(value).strip("'\"") for key, value in (entries or {}).items() if value is not None}


def _named(what: str, requests: Mapping[str, str]) -> str:
    names = ", ".join(dict.fromkeys(requests.values()))
    return f"{what} {names or '(the default one)'}"


def _ask(*command: str) -> list[str]:
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=True, timeout=_TIMEOUT
        )
    except FileNotFoundError as error:
        raise VistokError(f"{command[0]} is not here: start this on a node that can submit jobs.") from error
    except subprocess.TimeoutExpired as error:
        raise VistokError(
            f"{command[0]} does not answer within {_TIMEOUT} s: is the controller up?"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(str(error.stderr).split())[:200]
        raise VistokError(f"{command[0]} fails: {reason}. Is the controller up?") from error
    return [line for line in map(str.strip, answer.stdout.splitlines()) if line]
