"""Language models: built small from a text corpus, or loaded under their published name; always frozen."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerBase
from transformers import PreTrainedTokenizerFast as FastTokenizer

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers
from vistok.errors import VistokError
from vistok.grid.scale import LanguageModelSize

IMAGE_START = "<Img>"
IMAGE_END = "</Img>"
_CONTINUED = "##"
_PLURALS = ("s", "es")


def make_word_tokenizer(corpus: Iterable[str]) -> FastTokenizer:
    """Returns a tokenizer with every word of `corpus`; '?', ',' and ':' stand alone.

    A word that is another with "s" or "es" behind it is said in two pieces, so that "rings" and "ring" share
    their first: with a word of its own for each, the plurals of questions had to be learnt one by one.
    """
    split = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[?,:]"), behavior="isolated")]
    )
    special = ["<unk>", "<s>", "</s>", IMAGE_START, IMAGE_END]
    marks = re.compile("|".join(map(re.escape, special)))
    texts = {marks.sub(" ", text) for text in corpus}
    found = {word for text in texts for word, _ in split.pre_tokenize_str(text)}
    whole = sorted(word for word in found if not _stems(word) & found)
    suffixes = [f"{_CONTINUED}{suffix}" for suffix in _PLURALS]
    pieces = {piece: place for place, piece in enumerate([*special, *suffixes, *whole])}
    words = tokenizers.Tokenizer(
        models.WordPiece(pieces, unk_token="<unk>", continuing_subword_prefix=_CONTINUED)
    )
    words.pre_tokenizer = split
    words.decoder = decoders.WordPiece(prefix=_CONTINUED, cleanup=False)
    words.add_special_tokens([AddedToken(name) for name in special])
    return FastTokenizer(
        tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def _stems(word: str) -> set[str]:
    return {word.removesuffix(suffix) for suffix in _PLURALS if word.endswith(suffix)}


def build_language_model(size: LanguageModelSize, vocabulary: int) -> LlamaForCausalLM:
    """Builds a Llama-type model of a mini scale.

    The initial weights are drawn with a deviation of 1/sqrt(width): with the usual 0.02 a model this small
    never learns to look things up in its prefix.
    """
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=size.width,
        intermediate_size=size.feedforward,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        max_position_embeddings=size.context,
        initializer_range=size.width**-0.5,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


def save_language_model(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load_language_model(
    name: str | Path, *, precision: torch.dtype = torch.float32
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads a frozen language model and its tokenizer from a folder or under a published name.

    The padding token is the end token, as in the released code.

    Raises:
        VistokError: there are no such weights here.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        loaded: Any = AutoModelForCausalLM.from_pretrained(name, dtype=precision, output_loading_info=True)
        model, found = loaded
        if lacking := sorted(found["missing_keys"]):
            first = ", ".join(lacking[:2])
            raise ValueError(f"its weights lack {len(lacking)} of the tensors of its config ({first})")
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise VistokError(
            f"language model {str(name)!r} cannot be loaded: {' '.join(str(error).split())[:300]}. Fetch its weights "
            "on a machine with network, name a local folder as `weights` in workflow/grid/llms.yaml, or make a "
            "folder of this project again."
        ) from error
    tokenizer.pad_token = tokenizer.eos_token
    model.requires_grad_(False)
    model.eval()
    return model, tokenizer
