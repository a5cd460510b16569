"""Loads the models of ETT that a scale makes, and what their checkpoints record about them."""

from pathlib import Path
from typing import Any

from torch import nn

from vistok.chain.checkpoints import forget_state
from vistok.checkpoints import load_tensors, read_config, read_tensors
from vistok.grid.ett import EttPaths, NetworkSize
from vistok.grid.ett_scale import IBQ, read_scale
from vistok.grid.ett_sizes import CellNetSize, TokenizerTraining
from vistok.grid.paths import PERCEPTUAL, Paths
from vistok.grid.study import Study
from vistok.headers import WEIGHTS
from vistok.probes.cell_net import CellNet, Contents
from vistok.provenance import check_whole
from vistok.supervision.ibq.losses import CellDistance
from vistok.supervision.ibq.lpips import Lpips
from vistok.supervision.ibq.tokenizer_loss import TokenizerLoss
from vistok.tokenizers.ibq.codebook import CodeUse
from vistok.tokenizers.ibq.model import Ibq


def cell_net_config(net: CellNet, size: CellNetSize, accuracy: float) -> dict[str, Any]:
    """Returns the configuration that rebuilds a cell net, with its accuracy on held-out objects in per cent."""
    return {
        "widths": list(size.widths),
        "categories": list(net.contents.categories),
        "colours": list(net.contents.colours),
        "told": round(accuracy, 4),
    }


def load_cell_net(study: Study, name: str) -> CellNet:
    """Returns a cell net as it was trained.

    Raises:
        VistokError: its checkpoint is missing or changed.
    """
    folder = _checked_folder(study, name)
    config = read_config(folder)
    net = CellNet(config["widths"], Contents(tuple(config["categories"]), tuple(config["colours"])))
    load_tensors(net, read_tensors(folder / WEIGHTS), source=folder)
    return net.eval()


def ibq_config(network: NetworkSize, use: CodeUse) -> dict[str, Any]:
    """Returns the configuration that rebuilds a tokenizer, with the use of its codebook after training."""
    return {
        "network": network.model_dump(mode="json"),
        "use": {"used": use.used, "codes": use.codes, "perplexity": use.perplexity},
    }


def tokenizer_loss(study: Study) -> TokenizerLoss:
    """Returns what the scale's tokenizer with a codebook is trained by.

    Raises:
        VistokError: the scale has none, or the checkpoint of its perceptual net is missing or changed.
    """
    return TokenizerLoss(read_scale(study).tokenizer, load_perceptual(study))


def load_perceptual(study: Study) -> nn.Module:
    """Returns what tells how far images are apart: a net that the scale has trained, or LPIPS as published.

    Raises:
        VistokError: its checkpoint is missing or changed.
    """
    size = read_scale(study).tokenizer
    if isinstance(size, TokenizerTraining):
        return CellDistance(load_cell_net(study, PERCEPTUAL), size.perceptual)
    folder, lpips = _checked_folder(study, PERCEPTUAL), Lpips()
    load_tensors(lpips, read_tensors(folder / WEIGHTS), source=folder)
    return lpips


def load_ibq(study: Study, name: str = IBQ) -> Ibq:
    """Returns the scale's own tokenizer with a codebook, as its first training left it or as a longer one did.

    Raises:
        VistokError: its checkpoint is missing or changed.
    """
    folder = _checked_folder(study, name)
    model = Ibq(NetworkSize.model_validate(read_config(folder)["network"]))
    load_tensors(model, read_tensors(folder / WEIGHTS), source=folder)
    return model.eval()


def _checked_folder(study: Study, name: str) -> Path:
    folder = EttPaths(study).checkpoint(name)
    check_whole(folder)
    forget_state(Paths(study), folder)
    return folder
