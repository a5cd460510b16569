"""Adopts what DVC pulled: files whose bytes match dvc.lock count as made by Snakemake here."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from vistok.datasets.digest_list import DigestList
from vistok.errors import VistokError
from vistok.pins import PINS, content_digest, pinned_digests
from vistok.reading import read_json
from vistok.versions import ledger
from vistok.versions.record import RECORD, stamp, waiting

LOCK: Final = Path("dvc.lock")
Pins = dict[Path, str]


@dataclass
class Adopted:
    """The outcome for each stage of dvc.lock; `wrong` holds the paths that differ from what is pinned."""

    adopted: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    wrong: list[Path] = field(default_factory=list)


def adopt(*, everything: bool = False) -> Adopted:
    """Enters every pulled result into Snakemake's ledger, with its own times; returns the outcome for each stage."""
    outcome, fresh = Adopted(), set(waiting())
    _adopt_data()
    for stage, outs in _locked().items():
        record = next((out for out in outs if out.name == RECORD), None)
        if record and (everything or record in fresh):
            _adopt_stage(stage, outs, record, outcome)
    stamp(fresh)
    return outcome


def _adopt_stage(stage: str, outs: Pins, record: Path, outcome: Adopted) -> None:
    if not all(out.exists() for out in outs):
        outcome.absent.append(stage)
        return
    recorded = read_json(record, what="record of a stage")
    other = [out for out, digest in outs.items() if content_digest(out) != digest]
    if not other:
        for name, entry in recorded.items():
            if ledger.below(name, outs):
                ledger.write_entry(name, entry)
        outcome.adopted.append(stage)
    elif _made_here_since(other, recorded):
        outcome.own.append(stage)
    else:
        for out in other:
            ledger.mark_incomplete(out)
        outcome.wrong += other


def _made_here_since(outs: list[Path], recorded: dict[str, ledger.Entry]) -> bool:
    """Returns whether Snakemake made all of `outs` here, after the record was written."""
    made = {name: entry for name, entry in ledger.entries(outs).items() if Path(name).exists()}
    whole = all(ledger.is_of(name, entry) for name, entry in made.items())
    return bool(made) and whole and made != {name: recorded.get(name) for name in made}


def _adopt_data() -> None:
    """Writes the digest list of each data folder that matches its pin, as the step that makes it does."""
    for folder, digest in pinned_digests(PINS).items():
        listing = Path(f"{folder}.json")
        if folder.is_dir() and not listing.is_file() and content_digest(folder) == digest:
            DigestList(folder, listing).write()


def _locked() -> dict[str, Pins]:
    """Returns the outs of every stage in dvc.lock, with their digests.

    Raises:
        VistokError: there is no lock, it is not valid, or it has no stage.
    """
    if not LOCK.is_file():
        raise VistokError(f"{LOCK} not found: this checkout pins no results. dvc repro makes it.")
    try:
        lock: Any = yaml.safe_load(LOCK.read_bytes())
        pins = {
            stage: {Path(out["path"]): str(out["md5"]) for out in entry.get("outs", [])}
            for stage, entry in lock["stages"].items()
        }
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise VistokError(f"{LOCK} is not a lock of DVC. Restore it: git checkout {LOCK}.") from error
    if not pins:
        raise VistokError(
            f"{LOCK} pins no results yet, as in a fresh clone. dvc repro enters what it builds."
        )
    return pins
