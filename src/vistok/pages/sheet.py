"""A sheet of small pictures: one row per prompt, one column per model."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from jaxtyping import UInt8

from vistok.pages.drawing import new_figure, png

_SIDE, _TEXT = 1.0, 1.7  # inches of a picture, and of the labels
_LETTERS = 18


def picture_sheet(
    prompts: Sequence[str], columns: Mapping[str, Sequence[UInt8[np.ndarray, "3 S S"]]]
) -> bytes:
    """Returns a PNG file of pictures in rows and columns, as sharp as they are.

    Args:
        prompts: the words of each row.
        columns: the pictures of each column, one per row, by its heading.
    """
    width, height = _TEXT + _SIDE * len(columns), _TEXT / 2 + _SIDE * len(prompts)
    with new_figure(width, height) as figure:
        axes = figure.subplots(len(prompts), len(columns), squeeze=False)
        for across, (title, pictures) in enumerate(columns.items()):
            axes[0, across].set_title(fill(title, _LETTERS), fontsize=7)
            for down, picture in enumerate(pictures):
                axis = axes[down, across]
                axis.imshow(picture.transpose(1, 2, 0), interpolation="nearest")
                axis.set(xticks=[], yticks=[])
        for down, text in enumerate(prompts):
            axes[down, 0].set_ylabel(fill(text, _LETTERS), fontsize=7, rotation=0, ha="right", va="center")
        return png(figure)
