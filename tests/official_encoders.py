"""Stand-ins of the paper scale's encoders: files, names and layouts of their releases, with small random weights."""

from pathlib import Path
from typing import Any, Final

import timm
import torch
from safetensors.torch import save_file
from tests.official_models import cached
from torch import Tensor, nn
from transformers import OwlViTConfig, OwlViTForObjectDetection

from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import build_tokenizer
from vistok.tokenizers.hub import encoder_repository

WIDTH: Final = 48
_VIT: Final = {"embed_dim": WIDTH, "depth": 2, "num_heads": 2}
_RESNET: Final = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 224, "layers": [1, 1, 1, 1], "width": 8},
    "text_cfg": {"context_length": 4, "vocab_size": 10, "width": 16, "heads": 1, "layers": 1},
}
_OWL: Final = {
    "image_size": 768, "patch_size": 16, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64,
}  # fmt: skip
_OWL_TEXT: Final = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
}


def smaller(encoder: Encoder) -> Encoder:
    """Returns an entry of the grid with few blocks of small width; the number of its tokens stays."""
    change: dict[str, Any] = {"width": WIDTH}
    match encoder.library:
        case "open-clip":
            change = {"arguments": _RESNET, "width": 8 * 32}
        case "transformers":
            change["arguments"] = {"vision_config": _OWL}
        case _:
            change["arguments"] = {**encoder.arguments, **_VIT}
    small = encoder.model_copy(update=change)
    count = sum(entry.numel() for entry in build_tokenizer(small).trunk.parameters())
    return small.model_copy(update={"parameters_m": round(count / 1e6, 4)})


def write_encoder(small: Encoder, hub: Path, data: Path) -> None:
    """Lays a small encoder's weights where those of the release lie: in a hub's cache, or below the data root.

    Raises:
        ValueError: no stand-in has its kind of file.
    """
    torch.manual_seed(0)
    if small.weights == "published":
        repository, (name, *_) = encoder_repository(small)
        assert repository, f"{small.name} is in no hub"
        save_file(_contiguous(_released(small)), cached(hub, repository, name))
        return
    file = data / small.weights
    file.parent.mkdir(parents=True, exist_ok=True)
    match small.library, file.suffix:
        case "transformers", "":
            config = OwlViTConfig(vision_config=_OWL, text_config=_OWL_TEXT)
            OwlViTForObjectDetection(config).save_pretrained(file)
        case _, ".safetensors":
            save_file(_contiguous(build_tokenizer(small).trunk), file)
        case _, ".pt" | ".pth":
            torch.save(_as_its_authors_saved(small), file)
        case other:
            raise ValueError(f"no stand-in of {other}")


def _released(small: Encoder) -> nn.Module:
    """Returns the network as timm has it in the hub: its norm and head are there, its images of their native size."""
    native = {**small.arguments, "img_size": 518} if "img_size" in small.arguments else small.arguments
    return timm.create_model(small.name, **native)


def _contiguous(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}


def _as_its_authors_saved(small: Encoder) -> dict[str, Any]:
    """Returns the content of a file of SLIP (a whole CLIP), RegionCLIP (detectron2) or FD (its decoder beside)."""
    states = _contiguous(build_tokenizer(small).trunk)
    if "slip" in small.source:
        whole = {f"module.visual.{name}": tensor for name, tensor in states.items()}
        text = {"module.token_embedding.weight": torch.ones(10, 16), "module.logit_scale": torch.ones(())}
        return {"epoch": 25, "state_dict": {**whole, **text}, "optimizer": {"state": {}}}
    if small.library == "open-clip":
        below = {f"backbone.{name}": tensor for name, tensor in states.items()}
        return {"model": {**below, "roi_heads.box_predictor.cls_score.weight": torch.ones(3, 16)}}
    below = {f"encoder.{name}": tensor for name, tensor in states.items()}
    return {"model": {**below, "decoder.0.weight": torch.ones(16, WIDTH, 1)}, "epoch": 299}
