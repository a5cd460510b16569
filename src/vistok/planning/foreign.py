"""The weights that somebody else trained, as inputs: local files, and what a model hub gave out, listed by digest."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from vistok.datasets.digest_list import DigestList
from vistok.files import write_json
from vistok.grid.needs import WEIGHTS_OF, tokenizer_weights
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.planning.listed import stale
from vistok.reading import read_json
from vistok.tokenizers.hub import encoder_file, model_folder, revision

# What loaders read of a folder; weights in PyTorch's old form only where there are no others.
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
    """Lists one of `weight_names`, and returns its digest; says so where nothing tells which weights they are.

    Raises:
        VistokError: the weights are not in this machine's cache; says how to fetch them.
    """
    if listed := weight_list(study, name):
        return listed.write()
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
        if found := listed.differences():
            raise stale(study, name, found)
        commit = revision(listed.source)
        key = _weights(study, name) + (f"@{commit}" if commit else "")
        digests[key] = str(read_json(listed.summary, what="digest of weights")["digest"])
    return digests


def local_list(study: Study, name: str) -> DigestList | None:
    """Returns the list of weights that the grid names by their path; None of those that a hub is asked for."""
    kind, entry = _entry(name)
    local = tokenizer_weights(study, entry) if kind == "tokenizers" else study.llm(entry).weights
    path = Paths(study).data / local if local and kind == "tokenizers" else Path(local or "")
    return DigestList(path, Paths(study).digest(name)) if local and path.exists() else None


def _entry(name: str) -> tuple[str, str]:
    kind, _, entry = name.removeprefix(WEIGHTS_OF).partition("/")
    return kind, entry


def _weights(study: Study, name: str) -> str:
    """Returns the grid's name of weights: a path, or a hub's repository."""
    kind, entry = _entry(name)
    if kind == "llms":
        return study.llm(entry).weights
    encoder = study.encoder(entry)
    return encoder.name if encoder.weights == "published" else encoder.weights


def _source(study: Study, name: str) -> Path | None:
    kind, entry = _entry(name)
    if kind == "llms":
        return model_folder(study.llm(entry).weights)
    if local := tokenizer_weights(study, entry):
        return Paths(study).data / local
    return encoder_file(study.encoder(entry))


def _suffixes(folder: Path) -> frozenset[str]:
    new = any(folder.glob("*.safetensors"))
    return _CONFIGURATION | (frozenset({".safetensors"}) if new else _OLD)
