"""Checkpoints: `model.safetensors`, `config.json` (enough to rebuild the module) and `provenance.json`."""

import argparse
import hashlib
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vistok.errors import VistokError
from vistok.files import write_json
from vistok.headers import WEIGHTS, read_shapes
from vistok.provenance import proven_folder
from vistok.reading import read_json


def save_checkpoint(
    folder: Path,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    about: Mapping[str, Any],
    *,
    also: Callable[[Path], None] | None = None,
) -> None:
    """Writes a checkpoint folder, all of it or nothing.

    Args:
        folder: where it is to be.
        tensors: what it holds.
        config: enough to rebuild the module.
        about: what provenance.json says besides the digests of the files; see `Stopwatch.provenance`.
        also: adds its own files to the folder that it is given.
    """
    with proven_folder(folder, about) as partial:
        if also:
            also(partial)
        each = each_once(tensors)
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in each.items()}, partial / WEIGHTS
        )
        write_json(partial / "config.json", config)


def each_once(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors without aliases, such as an output layer tied to the embeddings."""
    first: dict[object, str] = {}
    for name, tensor in tensors.items():
        alone = tensor.is_meta or not tensor.numel()
        first.setdefault(name if alone else (tensor.data_ptr(), tensor.shape), name)
    return {name: tensors[name] for name in first.values()}


def digest_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Returns the SHA-256 of tensors: of their names, types, shapes and values, in whatever order they come."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_config(folder: Path) -> dict[str, Any]:
    """Returns a checkpoint's config.json.

    Raises:
        VistokError: it is missing, or is not a JSON object.
    """
    config = read_json(folder / "config.json", what="checkpoint configuration")
    if not isinstance(config, dict):
        raise VistokError(f"{folder / 'config.json'} must hold a JSON object.")
    return config


def meta_tensors(path: Path) -> dict[str, Tensor]:
    """As `read_tensors`, but on the meta device; a .safetensors file's header suffices.

    Raises:
        VistokError: as `read_tensors`.
    """
    if path.suffix != ".safetensors":
        return read_tensors(path, device="meta")
    return {name: torch.empty(shape, device="meta") for name, shape in read_shapes(path).items()}


def read_tensors(path: Path, *, device: str = "cpu") -> dict[str, Tensor]:
    """Reads a `.safetensors` file, or a foreign PyTorch file without running any code of it.

    A foreign file may hold numbers, texts and settings (argparse's, yacs's) besides its tensors; they are ignored.

    Raises:
        VistokError: the file is missing, truncated, or holds other things or no tensors.
    """
    if not path.is_file():
        raise VistokError(
            f"weights not found: {path}. If they are the study's own, delete their folder and start again; "
            "else fetch them there."
        )
    if _is_program(path):
        raise VistokError(
            f"{path} is a program of TorchScript, as OpenAI's CLIP files are, and is not opened: reading it could "
            "run any code. Where you trust it, save what torch.jit.load(FILE).state_dict() holds as safetensors."
        )
    try:
        own = path.suffix == ".safetensors"
        tensors = load_file(path, device=device) if own else _read_foreign(path, device)
    except Exception as error:  # foreign files can raise anything
        if refused := re.search(r"GLOBAL (\S+)", str(error)):
            raise VistokError(
                f"{path} holds more than tensors ({refused[1]}) and is not opened: reading that could run any "
                "code. Convert it to safetensors where you trust it."
            ) from error
        lines = str(error).strip().splitlines()
        raise VistokError(
            f"{path} cannot be read as weights: {lines[0] if lines else 'it is empty'}. It may be truncated: "
            "fetch it again."
        ) from error
    if not tensors:
        raise VistokError(f"{path} holds no tensors by name. A state dict is needed.")
    return tensors


def _is_program(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _read_foreign(path: Path, device: str) -> dict[str, Tensor]:
    # Plain data, in which the files of several papers keep their settings; yacs need not be installed.
    with torch.serialization.safe_globals([argparse.Namespace, (OrderedDict, "yacs.config.CfgNode")]):
        content = torch.load(path, map_location=device, weights_only=True)
    for key in ("state_dict", "model", "module", "teacher"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    tensors = content if isinstance(content, dict) else {}
    return {str(name): tensor for name, tensor in tensors.items() if isinstance(tensor, Tensor)}


def load_tensors(
    module: nn.Module, tensors: Mapping[str, Tensor], *, source: Path, names: Collection[str] | None = None
) -> None:
    """Loads `tensors` into `module`; they must be all of its tensors, or those that `names` names, each once.

    Raises:
        VistokError: the checkpoint is of another architecture.
    """
    needed = {name: tensor for name, tensor in module.state_dict().items() if names is None or name in names}
    missing = sorted(each_once(needed).keys() - tensors.keys())
    unknown = sorted(tensors.keys() - needed.keys())
    misshapen = [
        f"{name} is {tuple(tensors[name].shape)}, needed {tuple(tensor.shape)}"
        for name, tensor in needed.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    if missing or unknown or misshapen:
        raise VistokError(
            f"{source} is a checkpoint of another architecture: {len(missing)} tensors missing "
            f"{missing[:2]}, {len(unknown)} unknown {unknown[:2]}, {len(misshapen)} of another shape {misshapen[:2]}. "
            "If it is the study's own, delete its folder and start again; else fix the entry that names it."
        )
    module.load_state_dict(dict(tensors), strict=False)
