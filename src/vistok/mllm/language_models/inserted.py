"""Layers of a connector between those of a language model: they read an image's states while the network runs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class InsertedLayers:
    """A layer between a network's own ones; it belongs to a connector, and is not in the network's state dict."""

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []
        self._states: Tensor | None = None

    def __bool__(self) -> bool:
        return bool(self._handles)

    def put(self, layers: Sequence[nn.Module], network_layers: Sequence[nn.Module]) -> None:
        """Spreads layers evenly over a network's own, the first in front of the first; those before are taken out."""
        while self._handles:
            self._handles.pop().remove()
        for number, layer in enumerate(layers):
            target = network_layers[number * len(network_layers) // len(layers)]
            self._handles.append(target.register_forward_pre_hook(self._hook(layer)))

    @contextmanager
    def reading(self, states: Float[Tensor, "batch tokens features"] | None) -> Iterator[None]:
        """Has the layers read states; without any, the words pass them unchanged."""
        self._states = states
        try:
            yield
        finally:
            self._states = None

    def _hook(self, layer: nn.Module) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...] | None]:
        def read(_: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if self._states is None:
                return None
            words, rest = arguments[0], arguments[1:]
            # The beams of a row are adjacent.
            states = self._states.repeat_interleave(len(words) // len(self._states), dim=0)
            return (layer(words.to(states.dtype), states).to(words.dtype), *rest)

        return read
