"""Loads published networks that only measure, whole or not at all."""

from pathlib import Path
from typing import Any

import torch

from vistok.errors import VistokError


def load_published(network: Any, name: str) -> Any:
    """Returns a network of transformers from a folder or, under a published name, from this machine's cache.

    Args:
        network: its class.
        name: of a folder or a repository; no network is asked for it.

    Raises:
        VistokError: its weights are not here, or lack tensors of the network.
    """
    try:
        loaded, report = network.from_pretrained(
            name,
            dtype=torch.float32,
            output_loading_info=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except Exception as error:  # foreign files can raise anything
        raise unloaded(name, error) from error
    if missing := sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"])):
        raise unloaded(name, ValueError(f"it lacks {len(missing)} tensors of the network ({missing[0]})"))
    return loaded


def unloaded(name: str, error: Exception) -> VistokError:
    """Returns the error for a network or a tokenizer that cannot be loaded."""
    said = f"{name!r} cannot be loaded: {' '.join(str(error).split())[:300].rstrip('. ')}. Name a folder that has it"
    if Path(name).is_dir() or Path(name).is_absolute() or name.count("/") > 1:  # a repository has one
        return VistokError(f"{said}.")
    return VistokError(f"{said}, or fetch it on a machine with network: hf download {name}")
