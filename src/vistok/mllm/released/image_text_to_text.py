"""Models that transformers loads as image-text-to-text with their processor.

BLIP-2, InstructBLIP, LLaVA, Kosmos-2 and IDEFICS are such models.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast
from zlib import crc32

import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn import functional
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
    RepetitionPenaltyLogitsProcessor,
)

from vistok.errors import VistokError
from vistok.grid.released_models import ReleasedDecoding, ReleasedModel
from vistok.grid.tasks import Decoding
from vistok.mllm.whole import WholeModel

# What processors say of each token besides its id: Kosmos-2 which are the image's, IDEFICS which read which image.
_PER_TOKEN: Final = {"attention_mask", "image_embeds_position_mask", "image_attention_mask"}
_PROCESSORS: Final = ("preprocessor_config.json", "processor_config.json")
# Whose answers change with the padding that a batch brings (transformers 5.23): they are asked one by one.
_ALONE: Final = {"kosmos-2"}


class ImageTextToText(WholeModel):
    """A model and a processor of transformers."""

    def __init__(self, network: PreTrainedModel, processor: Any) -> None:
        self.network = network.requires_grad_(False).eval()
        self.processor = processor
        self.words = processor.tokenizer
        if self.words.pad_token is None:
            self.words.pad_token = self.words.eos_token

    @torch.no_grad()
    def generate(self, images: Sequence[Image], texts: Sequence[str], decoding: Decoding) -> list[str]:
        if len(texts) > 1 and self.network.config.model_type in _ALONE:
            pairs = zip(images, texts, strict=True)
            return [self.generate([image], [text], decoding)[0] for image, text in pairs]
        inputs = self._inputs(images, texts, side="left")
        processors = LogitsProcessorList()
        if decoding.repetition_penalty != 1.0:
            processors.append(RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty))
        temperature = decoding.temperature if isinstance(decoding, ReleasedDecoding) else None
        if temperature:  # by a seed of its own, so that a stop and a start draw the same
            torch.manual_seed(crc32("\n".join(texts).encode()))
        tokens = cast(Any, self.network).generate(
            **inputs,
            logits_processor=processors,
            generation_config=GenerationConfig(
                num_beams=decoding.beams,
                max_new_tokens=decoding.max_new_tokens,
                length_penalty=decoding.length_penalty,
                do_sample=temperature is not None,
                temperature=temperature,
                bos_token_id=self.words.bos_token_id,
                eos_token_id=self.words.eos_token_id,
                pad_token_id=self.words.pad_token_id,
                decoder_start_token_id=getattr(self._text_config, "decoder_start_token_id", None),
            ),
        )
        new = _without_prompt(tokens, inputs["input_ids"])
        return [text.strip() for text in self.words.batch_decode(new, skip_special_tokens=True)]

    @torch.no_grad()
    def option_losses(
        self, images: Sequence[Image], texts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[tuple[float, int]]]:
        """One forward pass per option: released models differ too much in what of an image they can keep."""
        return [
            [self._option_loss(image, text, option) for option in own]
            for image, text, own in zip(images, texts, options, strict=True)
        ]

    def _option_loss(self, image: Image, text: str, option: str) -> tuple[float, int]:
        ids = self.words(option, add_special_tokens=False, return_tensors="pt")["input_ids"]
        if not ids.shape[1]:
            raise VistokError(
                f"the option {option!r} has no tokens, so it has no likelihood. Give it a text."
            )
        inputs, target = self._inputs([image], [text], side="left"), ids.to(self.network.device)
        if self.network.config.is_encoder_decoder or getattr(self._text_config, "is_encoder_decoder", False):
            logits = self.network(**inputs, labels=target).logits
        else:
            inputs["input_ids"] = torch.cat([inputs["input_ids"], target], dim=1)
            for name in _PER_TOKEN & inputs.keys():  # an option's tokens are as the text's last one
                last = inputs[name][:, -1:].repeat_interleave(target.shape[1], dim=1)
                inputs[name] = torch.cat([inputs[name], last], dim=1)
            logits = self.network(**inputs).logits[:, -target.shape[1] - 1 : -1]
        loss = functional.cross_entropy(logits[0].float(), target[0], reduction="sum")
        return float(loss), target.shape[1]

    @property
    def _text_config(self) -> Any:
        return self.network.config.get_text_config()

    def _inputs(self, images: Sequence[Image], texts: Sequence[str], *, side: str) -> dict[str, Tensor]:
        self.words.padding_side = side
        inputs = self.processor(images=list(images), text=list(texts), return_tensors="pt", padding=True)
        inputs = {name: value.to(self.network.device) for name, value in inputs.items()}
        return {
            name: value.to(self.network.dtype) if value.is_floating_point() else value
            for name, value in inputs.items()
        }


def _without_prompt(tokens: Tensor, prompt: Tensor) -> Tensor:
    """Returns only the new text: some models repeat their prompt in front of the answer, some do not."""
    length = prompt.shape[1]
    repeated = tokens.shape[1] >= length and torch.equal(tokens[: len(prompt), :length], prompt)
    return tokens[:, length:] if repeated else tokens


def parts(folder: Path) -> list[Path]:
    """Returns what holds its weights: all of them are in its folder.

    Raises:
        VistokError: it has no processor.
    """
    if not any((folder / name).is_file() for name in _PROCESSORS):
        raise VistokError(
            f"{folder} has no processor ({' or '.join(_PROCESSORS)}), which makes what the model reads of a "
            "photograph. Fetch all of its repository."
        )
    return [folder]


def load(entry: ReleasedModel, precision: torch.dtype, device: torch.device) -> WholeModel:
    """Loads a model and its processor.

    Raises:
        VistokError: there are no such weights here, or transformers cannot load them as image-text-to-text.
    """
    revision = entry.revision or "main"
    try:
        processor = AutoProcessor.from_pretrained(entry.weights, revision=revision, trust_remote_code=False)
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            entry.weights,
            revision=revision,
            dtype=precision,
            output_loading_info=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
        raise VistokError(
            f"released model {entry.weights!r} cannot be loaded: {' '.join(str(error).split())[:300]}. Fetch its "
            "weights on a machine with network, or name a local folder as `weights` in workflow/grid/models.yaml."
        ) from error
    network, report = loaded
    if missing := sorted(report["missing_keys"]):
        raise VistokError(
            f"released model {entry.weights!r} lacks {len(missing)} of the tensors of its config "
            f"({', '.join(missing[:2])}). Fetch its weights again."
        )
    return ImageTextToText(network.to(device), processor)
