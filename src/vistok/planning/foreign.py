"""Weights trained by others, as inputs: local files and files from a model hub, listed by digest."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from vistok.datasets.digest_list import DigestList
from vistok.errors import VistokError
from vistok.files import write_json
from vistok.grid.needs import WEIGHTS_OF, tokenizer_weights, weight_names
from vistok.grid.paths import Paths
from vistok.grid.runs import Released
from vistok.grid.study import Study
from vistok.planning.listed import stale
from vistok.reading import read_json
from vistok.tokenizers.hub import encoder_file, model_path, revision

LOCK: Final = Path("workflow/weights.lock.json")
# The files that loaders read from a folder; weights in PyTorch's old format only where there are no others.
_CONFIGURATION: Final = frozenset({".json", ".model", ".txt"})
_OLD: Final = frozenset({".bin", ".pt", ".pth"})


def weight_list(study: Study, name: str) -> DigestList | None:
    """Returns the list of one of `weight_names`; None for what its library keeps in no hub.

    Raises:
        VistokError: the weights are not in this machine's cache; says how to fetch them.
    """
    source = _source(study, name)
    if source is None:
        return None
    return DigestList(source, Paths(study).digest(name), _suffixes(source) if source.is_dir() else None)


def write_weight_list(study: Study, name: str) -> str:
    """Lists one of `weight_names`, and returns its digest; says so where nothing identifies the weights.

    Raises:
        VistokError: the weights are not in this machine's cache; says how to fetch them.
    """
    if listed := weight_list(study, name):
        digest = listed.write()
        _check_pinned(study, name, digest)
        return digest
    write_json(Paths(study).digest(name), {"digest": None, "files": 0, "bytes": 0})
    return "(kept by its library outside any hub: not known)"


def weight_digests(study: Study, names: Iterable[str]) -> dict[str, str]:
    """Returns the digest of each of some `weight_names`, by its name in the grid, and its revision in a hub.

    Raises:
        VistokError: they are missing, or have changed since they were listed.
    """
    digests = {}
    for name in names:
        listed = weight_list(study, name)
        if listed is None:
            continue
        if not listed.summary.is_file():
            listed.write()
        if differences := listed.differences():
            raise stale(study, name, differences)
        digest = str(read_json(listed.summary, what="digest of weights")["digest"])
        _check_pinned(study, name, digest)
        commit = revision(listed.source)
        key = _weights(study, name) + (f"@{commit}" if commit else "")
        digests[key] = digest
    return digests


def _check_pinned(study: Study, name: str, digest: str) -> None:
    """Refuses weights of another content than the grid or, where it says none, the lock file has."""
    kind, entry = _entry(name)
    pinned = (
        None if kind == "models" else (study.llm(entry) if kind == "llms" else study.encoder(entry)).digest
    )
    where = f"workflow/grid/{kind}.yaml"
    if not pinned:
        pinned, where = locked(name), str(LOCK)
    if pinned and pinned != digest:
        raise VistokError(
            f"the weights of {entry} ({_weights(study, name)}) are not those of {where}: their digest is {digest}, not "
            f"{pinned}. Fetch those weights, or take these: correct the grid's entry, then vistok fetch weights."
        )


def locked(name: str) -> str | None:
    """Returns the digest that the lock file has of one of `weight_names`; None where it says none."""
    rows = read_json(LOCK, what="lock file of weights") if LOCK.is_file() else {}
    row = rows.get(name) if isinstance(rows, dict) else None
    return row.get("digest") if isinstance(row, dict) else None


def lock_weights(study: Study) -> Iterator[str]:
    """Writes the local state of every published weight into the lock file, and yields a line on each.

    What cannot be determined stays empty: revisions and digests are never made up.

    Raises:
        VistokError: the file cannot be written.
    """
    rows = {}
    released = [] if study.scale.encoders else [Released(model=name) for name in study.released]
    for name in weight_names(study, [*study.runs(), *released]):
        commit = digest = None
        try:
            listed = weight_list(study, name)
            digest, commit = (listed.write(), revision(listed.source)) if listed else (None, None)
            absent = "" if listed else "kept by its library outside any hub"
        except VistokError:
            absent = "not here"
        rows[name] = {"weights": _weights(study, name), "revision": commit, "digest": digest}
        details = f"revision {commit or 'unknown'}, digest {digest or 'unknown'}"
        yield f"{name.removeprefix(WEIGHTS_OF)}: {_weights(study, name)}, {details}{f' ({absent})' if absent else ''}"
    write_json(LOCK, rows)


def local_list(study: Study, name: str) -> DigestList | None:
    """Returns the list of weights that the grid names by their path; None of those that a hub is asked for."""
    kind, entry = _entry(name)
    local = tokenizer_weights(study, entry) if kind == "tokenizers" else _weights(study, name)
    path = Paths(study).data / local if local and kind == "tokenizers" else Path(local or "")
    return DigestList(path, Paths(study).digest(name)) if local and path.exists() else None


def _entry(name: str) -> tuple[str, str]:
    kind, _, entry = name.removeprefix(WEIGHTS_OF).partition("/")
    return kind, entry


def _weights(study: Study, name: str) -> str:
    """Returns the grid's name of weights: a path, or a hub's repository."""
    kind, entry = _entry(name)
    if kind == "tokenizers":
        encoder = study.encoder(entry)
        return encoder.name if encoder.weights == "published" else encoder.weights
    return study.llm(entry).weights if kind == "llms" else study.released_model(entry).weights


def _source(study: Study, name: str) -> Path | None:
    kind, entry = _entry(name)
    if kind == "llms":
        return model_path(study.llm(entry).weights, study.llm(entry).revision)
    if kind == "models":
        model = study.released_model(entry)
        return model_path(model.weights, model.revision)
    if local := tokenizer_weights(study, entry):
        return Paths(study).data / local
    return encoder_file(study.encoder(entry))


def _suffixes(folder: Path) -> frozenset[str]:
    new = frozenset({".safetensors"})
    return _CONFIGURATION | (new if any(folder.glob("*.safetensors")) else new | _OLD)
