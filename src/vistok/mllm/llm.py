"""Language models: built small from a text corpus, or loaded under their published name; always frozen."""

from collections.abc import Iterable
from pathlib import Path

import tokenizers
import torch
from tokenizers import AddedToken, Regex, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerBase
from transformers import PreTrainedTokenizerFast as FastTokenizer

from vistok.errors import VistokError
from vistok.grid.scale import LanguageModelSize

IMAGE_START = "<Img>"
IMAGE_END = "</Img>"


def make_word_tokenizer(corpus: Iterable[str]) -> FastTokenizer:
    """Returns a word-level tokenizer with every word of `corpus`; '?', ',' and ':' stand alone."""
    split = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[?,:]"), behavior="isolated")]
    )
    special = ["<unk>", "<s>", "</s>", IMAGE_START, IMAGE_END]
    texts = {text.replace(IMAGE_START, " ").replace(IMAGE_END, " ") for text in corpus}
    known = sorted({word for text in texts for word, _ in split.pre_tokenize_str(text)})
    words = tokenizers.Tokenizer(
        models.WordLevel({word: place for place, word in enumerate([*special, *known])}, unk_token="<unk>")
    )
    words.pre_tokenizer = split
    words.add_special_tokens([AddedToken(name) for name in special])
    return FastTokenizer(
        tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


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
        model = AutoModelForCausalLM.from_pretrained(name, dtype=precision)
    except (OSError, ValueError) as error:
        raise VistokError(
            f"language model {str(name)!r} cannot be loaded: {str(error).splitlines()[0]}. Fetch its weights on a "
            "machine with network, or name a local folder as `weights` in workflow/grid/llms.yaml."
        ) from error
    tokenizer.pad_token = tokenizer.eos_token
    model.requires_grad_(False)
    model.eval()
    return model, tokenizer
