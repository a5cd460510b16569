"""Encoders by their name in timm, as a probe builds them: with the size and the normalisation that timm says."""

from typing import Any, Final

import timm
import torch

from vistok.datasets.preprocessing import STATISTICS
from vistok.errors import VistokError, unknown
from vistok.grid.tokenizers import Encoder, Normalisation

PUBLISHED: Final = "published"


def timm_encoder(name: str, *, weights: str = PUBLISHED, image_size: int | None = None) -> Encoder:
    """Returns the entry of a timm model, tapped before its final norm, as those of the grid are.

    Args:
        name: of a model, or of a model with its weights, such as `vit_base_patch16_224.dino`.
        weights: `published`, `random`, or a file.
        image_size: pixels a side; timm's own if not given.

    Raises:
        VistokError: timm has no such model, cannot build it at that size, or normalises images in another way.
    """
    if not timm.is_model(name):
        raise unknown("timm model", name, timm.list_models())
    if weights == PUBLISHED and not timm.get_pretrained_cfg(name):
        raise VistokError(
            f"timm has no weights of {name!r}. Name one with weights ({_some(name)}), or give --weights FILE or random."
        )
    config = timm.get_pretrained_cfg(name)
    size = image_size or (config.input_size[1] if config else 224)
    arguments: dict[str, Any] = {"img_size": size} if image_size else {}
    tokens, width, parameters = _measured(name, arguments, size)
    return Encoder(
        library="timm",
        name=name,
        arguments=arguments,
        weights=weights,
        image_size=size,
        normalisation=_normalisation(name, tuple(config.mean) if config else STATISTICS["imagenet"][0]),
        tokens=tokens,
        width=width,
        parameters_m=parameters / 1e6,
        source="timm",
    )


def _some(name: str) -> str:
    names = timm.list_pretrained(f"{name.partition('.')[0]}*")
    return ", ".join(names[:3]) if names else "none of this architecture"


def _measured(name: str, arguments: dict[str, Any], size: int) -> tuple[int, int, int]:
    """Returns how many tokens of which width a model gives, and its parameters; nothing is computed."""
    try:
        with torch.device("meta"):
            model: Any = timm.create_model(name, num_classes=0, **arguments)
            features = model.eval().forward_features(torch.empty(1, 3, size, size))
    except (RuntimeError, TypeError, ValueError, AssertionError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise VistokError(
            f"timm cannot build {name!r} for images of {size} pixels: {reason}. "
            "Leave --image-size out, or name a vision transformer, such as vit_base_patch16_224."
        ) from error
    if features.ndim == 4:
        features = features.flatten(2).transpose(1, 2)
    return features.shape[1], features.shape[2], sum(each.numel() for each in model.parameters())


def _normalisation(name: str, mean: tuple[float, ...]) -> Normalisation:
    for candidate, (middle, _) in STATISTICS.items():
        if all(abs(one - other) < 1e-3 for one, other in zip(mean, middle, strict=True)):
            return candidate
    raise VistokError(
        f"{name!r} takes images of mean {mean}, which is none of {', '.join(STATISTICS)}: no probe of it here."
    )
