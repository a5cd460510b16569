"""Records of what was built, for DVC: from what it was made, its scores in short and its curves."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.files import staged_folder, write_json
from vistok.pins import content_digest
from vistok.reading import read_json
from vistok.versions import ledger
from vistok.versions.experiments import RECORDS, Stage

RECORD: Final = "record.json"
ADOPTED: Final = Path(".snakemake/adopted.json")


def record(stage: Stage) -> None:
    """Writes `record.json`, and where there are any, `curves.csv` and a file for each score.

    Raises:
        VistokError: Snakemake did not make the files that are there.
    """
    outs = stage.outs
    made = {name: entry for name, entry in ledger.entries(outs).items() if Path(name).exists()}
    strange = [name for name, entry in made.items() if not ledger.is_of(name, entry)]
    strange += [str(out) for out in outs if not any(ledger.below(name, [out]) for name in made)]
    if strange:
        more = f" (nor are {len(strange) - 1} more)" if len(strange) > 1 else ""
        raise VistokError(
            f"{strange[0]} is not what Snakemake made last{more}, so it is not recorded. Adopt it if DVC pulled it: "
            "vistok adopt. Or build it again with snakemake."
        )
    with staged_folder(stage.folder) as partial:
        write_json(partial / RECORD, made)
        for curves in [out / "curves.csv" for out in outs if (out / "curves.csv").is_file()]:
            shutil.copyfile(curves, partial / curves.name)
    if stage.scores:
        with staged_folder(stage.scores) as partial:
            for name, value in _scores(outs):
                write_json(partial / f"{name}.json", {"score": value})
    stamp([stage.folder / RECORD])


def waiting() -> list[Path]:
    """Returns the records that were neither written here nor adopted: DVC has pulled them."""
    adopted = read_json(ADOPTED, what="adopted records") if ADOPTED.is_file() else {}
    records = sorted(RECORDS.rglob(RECORD))
    return [path for path in records if adopted.get(path.as_posix()) != content_digest(path)]


def stamp(records: Iterable[Path]) -> None:
    """Marks records as known here."""
    adopted = read_json(ADOPTED, what="adopted records") if ADOPTED.is_file() else {}
    write_json(ADOPTED, adopted | {path.as_posix(): content_digest(path) for path in records})


def _scores(outs: Iterable[Path]) -> Iterator[tuple[str, float]]:
    """Yields each task with the value that a table prints, in per cent; of blind answers, each kind of them.

    Each is a file of its own with one number: `dvc metrics show` has a line a file and a column a number, and would be
    wider than any screen.
    """
    for path in sorted(path for out in outs for path in out.glob("*/metrics.json")):
        metrics = read_json(path, what="metrics")
        task, metric, protocol = path.parent.name, metrics["metric"], metrics["protocol"]
        for whose, scored in metrics.items():
            if _is_scored(scored):
                name = task if whose == "answers" else f"{task}/{whose}"
                yield name, round(scored[protocol]["metrics"][metric], 2)


def _is_scored(output: object) -> bool:
    """Returns whether an entry of metrics.json is a set of answers that was scored, under each protocol."""
    return (
        isinstance(output, dict)
        and bool(output)
        and all(isinstance(scored, dict) and "metrics" in scored for scored in output.values())
    )
