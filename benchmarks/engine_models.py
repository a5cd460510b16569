"""What the engine is measured on: two sizes of MLLM with random weights, and real texts for their lengths."""

import json
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from vistok.datasets.gvtbench import read_object_questions
from vistok.grid.connectors import Resampler
from vistok.grid.load import load_study
from vistok.grid.tokenizers import Encoder
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import Piece
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer

CAPTION = "what does the image describe?"
QUESTIONS = "gvtbench/coco_oc.json", "gvtbench/coco_mci.json", "gvtbench/vcr_oc.json", "gvtbench/vcr_mci.json"
CAPTIONS = "coco/annotations/captions_val2017.json"
SMOLLM2_WORDS = 49_152
_TURNS = 6  # questions beside each caption, as at mini


@dataclass(frozen=True)
class Texts:
    """Questions with their answers, captions, and where both are from."""

    questions: tuple[tuple[str, str], ...]
    captions: tuple[str, ...]
    source: str

    def samples(self, count: int, *, single: bool) -> list[list[Piece]]:
        """Returns the turns of `count` images: of each a caption and questions with their answers, or one turn.

        Of single turns two are captions where one is a question, as in the paper's mixture.
        """
        questions, captions = cycle(self.questions), cycle(self.captions)
        if not single:
            return [_turns([next(captions)], list(islice(questions, _TURNS))) for _ in range(count)]
        return [
            _turns([], [next(questions)]) if place % 3 == 2 else _turns([next(captions)], [])
            for place in range(count)
        ]


def read_texts(data: Path | None) -> Texts:
    """Reads excerpts of GVTBench and COCO captions below `data`; without any, draws lengths like theirs."""
    if data is None or not all((data / name).is_file() for name in (*QUESTIONS, CAPTIONS)):
        return _drawn()
    # The files have questions of one kind in a row: they take turns, as in a training.
    files = [read_object_questions(data / name) for name in QUESTIONS]
    pairs = tuple((entry.question, entry.answer) for row in zip(*files, strict=False) for entry in row)
    captions = json.loads((data / CAPTIONS).read_text())["annotations"]
    texts = tuple(entry["caption"].strip() for entry in captions)
    return Texts(pairs, texts, f"{len(pairs)} questions of GVTBench and {len(texts)} COCO captions")


def _drawn() -> Texts:
    chance = np.random.default_rng(0)

    def text(least: int, most: int) -> str:
        return " ".join(f"t{word}" for word in chance.integers(0, 300, chance.integers(least, most + 1)))

    pairs = tuple((text(4, 10), text(1, 2)) for _ in range(100))
    captions = tuple(text(8, 16) for _ in range(100))
    return Texts(pairs, captions, "drawn: questions of 4 to 10 words, answers of 1 to 2, captions of 8 to 16")


def _turns(captions: list[str], questions: list[tuple[str, str]]) -> list[Piece]:
    turns = [*((CAPTION, caption) for caption in captions), *questions]
    pieces = []
    for place, (asked, answer) in enumerate(turns):
        pieces += [Piece(asked if place else f"</Img>{asked}"), Piece(answer, weight=1.0, ends=True)]
    return pieces


def build(size: str, texts: Texts) -> MultimodalModel:
    """Returns an MLLM whose connector is trained, with the same random weights each time."""
    torch.manual_seed(0)
    words = [*texts.captions, *(f"{question} {answer}" for question, answer in texts.questions), CAPTION]
    study = load_study("mini")
    if size == "mini":
        shape = study.language_model_size("vicuna-7b")
        if shape is None:
            raise SystemExit("mini has no language model of its own any more")
        llm = CausalLanguageModel.build(shape, make_word_tokenizer(words))
        encoder, connector = study.encoder("clip"), study.recipe("frozen").connector
    else:
        llm, encoder, connector = _smollm2(words), _vit_small(), _RESAMPLER
    model = MultimodalModel(
        build_tokenizer(encoder),
        llm.requires_grad_(False).eval(),
        connector,
        trains=frozenset({"connector"}),
    )
    with torch.no_grad():  # random logits of a usual start are next to equal: answers would hang on last bits
        for parameter in model.llm.parameters():
            if parameter.ndim > 1:
                parameter *= 2
    return model


_RESAMPLER = Resampler(latents=32, depth=2, heads=6, head_width=64)


def _smollm2(words: list[str]) -> CausalLanguageModel:
    """A network of SmolLM2-135M's shape (its config.json); words that no text has fill its vocabulary."""
    fill = " ".join(f"x{number}" for number in range(SMOLLM2_WORDS))
    tokenizer = make_word_tokenizer([*words, fill])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=True,
    )
    return CausalLanguageModel(LlamaForCausalLM(config), tokenizer)


def _vit_small() -> Encoder:
    return Encoder(
        library="timm",
        name="vit_small_patch16_224",
        weights="random",
        image_size=224,
        normalisation="imagenet",
        tokens=197,
        width=384,
        parameters_m=22.0,
        source="ViT-S/16, random weights",
    )


def images(model: MultimodalModel, count: int) -> Tensor:
    """Returns random images of the encoder's size."""
    size = model.tokenizer.encoder.image_size
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))
