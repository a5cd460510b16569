"""Published weights in this machine's cache of a model hub; no network is asked."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder
from vistok.headers import GGUF

_NAMES: Final = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
)


def encoder_repository(encoder: Encoder) -> tuple[str | None, Sequence[str]]:
    """Returns the hub repository of an encoder's published weights, and the names that their file may have.

    The repository is None where the encoder's library keeps the weights in no hub.
    """
    match encoder.library:
        case "timm":
            import timm

            config = timm.get_pretrained_cfg(encoder.name)
            return (config.hf_hub_id or None) if config else None, _NAMES
        case "open-clip":
            import open_clip

            config = open_clip.get_pretrained_cfg(encoder.name, str(encoder.arguments.get("pretrained")))
            repository = str(config.get("hf_hub") or "").rpartition("/")[0] or None
            return repository, (_NAMES[1], _NAMES[0], *_NAMES[2:])
        case _:
            return encoder.name, _NAMES


def encoder_file(encoder: Encoder) -> Path | None:
    """Returns the file of an encoder's published weights; None where its library keeps them in no hub.

    Raises:
        VistokError: they are not in the cache; says how to fetch them.
    """
    repository, names = encoder_repository(encoder)
    if repository is None:
        return None
    for name in names:
        if file := cached(repository, name, encoder.revision):
            return file
    at = f" at revision {encoder.revision}" if encoder.revision else ""
    raise VistokError(
        f"the weights of {encoder.name!r} ({repository}{at}) are not in this machine's cache, and jobs ask no network. "
        f"Fetch them where there is one: {_command(encoder, repository)}"
    )


def model_path(weights: str, revision: str | None = None) -> Path:
    """Returns where a language model is: a local folder or file in GGUF, or a repository's folder in the cache.

    Args:
        weights: a folder, a file in GGUF, or the repository.
        revision: a commit of the repository; None: the newest that the cache has.

    Raises:
        VistokError: it is not there; says how to fetch it.
    """
    path = Path(weights)
    if path.is_dir() or (path.suffix == GGUF and path.is_file()):
        return path
    if path.suffix == GGUF or path.is_absolute() or weights.count("/") > 1:  # a repository has one
        raise VistokError(
            f"weights not found: {path}. Put them there, or name others as `weights` in workflow/grid/llms.yaml or "
            "models.yaml."
        )
    if file := cached(weights, "config.json", revision):
        return file.parent
    at, option = (f" at revision {revision}", f" --revision {revision}") if revision else ("", "")
    raise VistokError(
        f"{weights}{at} is not in this machine's cache, and jobs ask no network. Accept its licence where it has one, "
        f"then fetch it where there is a network: hf download {weights}{option}"
    )


def cached(repository: str, name: str, revision: str | None = None) -> Path | None:
    """Returns a file of a repository at a commit; without one, in the snapshot that the cache takes for its newest."""
    from huggingface_hub import constants, try_to_load_from_cache

    cache = os.environ.get("HF_HUB_CACHE", constants.HF_HUB_CACHE)
    path = try_to_load_from_cache(repository, name, cache_dir=cache, revision=revision)
    return Path(path) if isinstance(path, str) else None


def check_newest(encoder: Encoder) -> None:
    """Makes sure that a revision is the newest in the cache, for a library that takes no other.

    Raises:
        VistokError: it is another, or nothing is there.
    """
    if encoder.revision is None:
        return
    newest = encoder_file(encoder.model_copy(update={"revision": None}))
    actual = revision(newest) if newest else None
    if actual != encoder.revision:
        raise VistokError(
            f"{encoder.name!r} is to be loaded at revision {encoder.revision}, and {encoder.library} takes the newest "
            f"in this machine's cache, which is {actual or 'not known'}. Fetch that revision alone, into an "
            "empty cache."
        )


def revision(path: Path) -> str | None:
    """Returns the commit of a repository that a file or folder of the cache is of; None outside the cache."""
    below = [(above.name, above.parent.name) for above in (path, *path.parents)]
    return next((name for name, parent in below if parent == "snapshots"), None)


def _command(encoder: Encoder, repository: str) -> str:
    name, tag = encoder.name, encoder.arguments.get("pretrained")
    if encoder.revision:
        return f"hf download {repository} --revision {encoder.revision}"
    commands = {
        "timm": f"import timm; timm.create_model('{name}', pretrained=True)",
        "open-clip": f"import open_clip; open_clip.create_model('{name}', '{tag}')",
        "transformers": f"from transformers import AutoModel; AutoModel.from_pretrained('{repository}')",
    }
    return f'python -c "{commands[encoder.library]}"'
