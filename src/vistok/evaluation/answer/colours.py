"""Which colour an object of an image has: by CLIP, asked as GenEval asks it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import InterpolationMode, center_crop, resize
from transformers import AutoTokenizer, CLIPModel

from vistok.datasets.geneval_images import COLOURS
from vistok.datasets.preprocessing import STATISTICS
from vistok.evaluation.answer.detector import Found
from vistok.evaluation.answer.published import load_published, unloaded

CLIP: Final = "openai/clip-vit-large-patch14"  # the weights that GenEval reads with open_clip
# GenEval's evaluate_images.py: the sentences, and what replaces all that is not the object.
_SENTENCES: Final = (
    "a photo of a {colour} {category}",
    "a photo of a {colour}-colored {category}",
    "a photo of a {colour} object",
)
_BLANK: Final = (0x99, 0x99, 0x99)


class ColourClassifier:
    """CLIP, asked for one of ten colours of what is inside a mask."""

    def __init__(self, network: CLIPModel, words: Any) -> None:
        self.network = network.eval().requires_grad_(False)
        self.words = words
        self._sentences: dict[str, Tensor] = {}

    @torch.no_grad()
    def colours(self, image: Image.Image, objects: Sequence[Found]) -> list[str]:
        """Returns the colour of each object of an RGB image, which are all of one category."""
        size = self.network.config.vision_config.image_size
        pixels = torch.stack([_cut(image, each, size) for each in objects]).to(self.network.device)
        features = _unit(self.network.get_image_features(pixel_values=pixels).pooler_output)
        likeness = features @ self._of_category(objects[0].detection.category).T
        return [COLOURS[int(index)] for index in likeness.argmax(dim=1)]

    def _of_category(self, category: str) -> Tensor:
        """Returns the mean direction of each colour's sentences: (colours, width)."""
        if category not in self._sentences:
            texts = [
                text.format(colour=colour, category=category) for colour in COLOURS for text in _SENTENCES
            ]
            tokens = self.words(texts, padding=True, return_tensors="pt").to(self.network.device)
            features = _unit(self.network.get_text_features(**tokens).pooler_output)
            self._sentences[category] = _unit(features.view(len(COLOURS), len(_SENTENCES), -1).mean(dim=1))
        return self._sentences[category]


def load_colours(name: str, device: torch.device) -> ColourClassifier:
    """Returns the CLIP model of a folder or under a published name.

    Raises:
        VistokError: its weights or its tokenizer are not here.
    """
    network = load_published(CLIPModel, name)
    try:
        words = AutoTokenizer.from_pretrained(name, trust_remote_code=False, local_files_only=True)
        if len(words) != (
            known := network.config.text_config.vocab_size
        ):  # without its files it is made empty
            raise ValueError(f"its tokenizer has {len(words)} words, and its network knows {known}")
    except Exception as error:  # foreign files can raise anything
        raise unloaded(name, error) from error
    return ColourClassifier(network.to(device), words)


def _cut(image: Image.Image, found: Found, size: int) -> Tensor:
    """Returns an object before grey, its box scaled until the shorter side fits and cropped: [3, size, size]."""
    blank = Image.new("RGB", image.size, _BLANK)
    alone = Image.composite(image, blank, Image.fromarray(found.mask)).crop(
        tuple(map(round, found.detection.box))  # type: ignore[arg-type]
    )
    scaled = center_crop(resize(alone, [size], InterpolationMode.BICUBIC), [size, size])
    mean, deviation = (torch.tensor(each).view(3, 1, 1) for each in STATISTICS["clip"])
    return (torch.from_numpy(np.array(scaled)).permute(2, 0, 1) / 255 - mean) / deviation


def _unit(features: Tensor) -> Tensor:
    return functional.normalize(features, dim=-1)
