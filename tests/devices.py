"""Finds what a module's `to` leaves behind."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def left_behind(module: nn.Module, device: torch.device) -> list[str]:
    """Returns the names of all tensors of a module that are elsewhere: parameters, buffers and plain attributes."""
    return [
        f"{name}.{key}"
        for name, part in module.named_modules()
        for key, value in vars(part).items()
        for tensor in _tensors(value)
        if tensor.device != device
    ]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
