"""Compiles the layers of transformers for training on a GPU (torch.compile), at scales that are not `exact`.

Norms, rotary positions, activations and residuals of a layer become a few kernels, which round otherwise. Answers gain
nothing by it.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import torch
import torch._functorch.config
from timm.layers.drop import DropPath
from torch import nn

from vistok.mllm.language_models.packed import leave_attention_eager

_STACKS: Final = ("layers", "blocks")  # what transformers and timm call them
_ATTENTION: Final = "attn"
_BACKEND: Final = "inductor"


def compile_layers(
    network: nn.Module, *, dynamic: bool | None = None, backend: str | Callable[..., Any] = _BACKEND
) -> None:
    """Has the layers of a network's stacks be compiled when they are first called.

    Layers of one shape share what is compiled.

    Args:
        dynamic: True: numbers of rows and tokens change from call to call.
        backend: as torch.compile names it.
    """
    leave_attention_eager()
    # A layer that the compiler refuses stays as it is, with a warning: PyTorch 2.11 fails on an EVA-02 that is trained.
    torch._dynamo.config.suppress_errors = True
    # Left for later, what refuses the backward pass would end the training there.
    torch._functorch.config.force_non_lazy_backward_lowering = True
    # Each layer of a stack drops paths at a rate of its own: compiled in, it would have each compiled anew.
    DropPath.forward = torch.compiler.disable(DropPath.forward)  # type: ignore[method-assign]
    for layer in repeated_layers(network):
        layer.compile(dynamic=dynamic, backend=backend)


def repeated_layers(network: nn.Module) -> list[nn.Module]:
    """Returns the layers with attention that have others of their class and shape in the same stack."""
    found: list[nn.Module] = []
    for name, stack in network.named_modules():
        if name.rpartition(".")[2] in _STACKS and isinstance(stack, nn.ModuleList | nn.Sequential):
            layers = [
                layer for layer in stack if any(_ATTENTION in part for part, _ in layer.named_children())
            ]
            count = Counter(map(_form, layers))
            found += [layer for layer in layers if count[_form(layer)] > 1]
    return found


def _form(layer: nn.Module) -> tuple[object, ...]:
    return type(layer), *((name, tensor.shape) for name, tensor in layer.named_parameters())
