"""Asks Slurm beforehand whether it would take the jobs of a profile: account and partition."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.grid.read import read_mapping

PROFILE: Final = Path("workflow/profiles/slurm/config.yaml")
_TIMEOUT: Final = 30  # seconds: a controller that is down makes its clients wait


def default_resources(profile: Path) -> dict[str, str]:
    """Returns a profile's `default-resources`, which Snakemake takes as a mapping or as a list of KEY=VALUE.

    Raises:
        VistokError: the profile is missing or wrong.
    """
    given = read_mapping(profile).get("default-resources", {})
    if isinstance(given, list):
        given = dict(str(entry).partition("=")[::2] for entry in given)
    if not isinstance(given, dict):
        raise VistokError(f"{profile}: `default-resources` is a mapping or a list, found {given!r}.")
    return {str(key): str(value).strip("'\"") for key, value in given.items() if value is not None}


def check_partition(profile: Path) -> str:
    """Returns what Slurm says of the profile's partition.

    Raises:
        VistokError: there is none of this name, or Slurm does not answer.
    """
    wanted = default_resources(profile).get("slurm_partition")
    known = {line.rstrip("*") for line in _ask("sinfo", "--noheader", "--format=%P")}
    if wanted and not set(wanted.split(",")) <= known:
        raise VistokError(
            f"partition {wanted!r} is not known to Slurm. Legal: {', '.join(sorted(known))}. Mend slurm_partition in "
            f"{profile}."
        )
    return f"partition {wanted or '(the default one)'} of {', '.join(sorted(known))}"


def check_account(profile: Path) -> str:
    """Returns what Slurm's accounting says of the profile's account.

    Raises:
        VistokError: this user may not use it.
    """
    wanted = default_resources(profile).get("slurm_account")
    if not shutil.which("sacctmgr"):
        return "no sacctmgr here: not checked"
    user = os.environ.get("USER") or str(os.getuid())
    try:
        told = _ask(
            "sacctmgr", "--noheader", "--parsable2", "show", "associations", f"user={user}", "format=account"
        )
    except VistokError as error:
        return f"no accounting here: not checked ({str(error)[:120]})"
    known = sorted({line for line in told if line})
    if wanted and wanted not in known:
        raise VistokError(
            f"account {wanted!r} is not one of {user}'s. Legal: {', '.join(known) or 'none'}. Mend slurm_account in "
            f"{profile}."
        )
    return f"account {wanted or '(the default one)'} of {', '.join(known) or 'none'}"


def _ask(*command: str) -> list[str]:
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_TIMEOUT)
    except FileNotFoundError as error:
        raise VistokError(f"{command[0]} is not here: start this on a node that can submit jobs.") from error
    except subprocess.TimeoutExpired as error:
        raise VistokError(
            f"{command[0]} does not answer within {_TIMEOUT} s: is the controller up?"
        ) from error
    except subprocess.CalledProcessError as error:
        said = " ".join(str(error.stderr).split())[:200]
        raise VistokError(f"{command[0]} fails: {said}. Is the controller up?") from error
    return told.stdout.split()
