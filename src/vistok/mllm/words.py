"""The marks around an image, and a tokenizer made from the words of a corpus."""

import re
from collections.abc import Iterable

from transformers import PreTrainedTokenizerFast as FastTokenizer

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers

IMAGE_START = "<Img>"
IMAGE_END = "</Img>"
_CONTINUED = "##"
_PLURALS = ("s", "es")


def make_word_tokenizer(corpus: Iterable[str], *, starts: bool = True) -> FastTokenizer:
    """Returns a tokenizer with every word of `corpus`; '?', ',' and ':' stand alone.

    A word that is another with "s" or "es" behind it is split in two pieces, so that "rings" and "ring" share
    their first: with a word of its own for each, the plurals of questions had to be learnt one by one.

    Args:
        starts: whether a text starts with a token of its own, as LLaMA's do; T5's do not, and are padded instead.
    """
    split = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[?,:]"), behavior="isolated")]
    )
    second = "<s>" if starts else "<pad>"
    special = ["<unk>", second, "</s>", IMAGE_START, IMAGE_END]
    marks = re.compile("|".join(map(re.escape, special)))
    texts = {marks.sub(" ", text) for text in corpus}
    vocabulary = {word for text in texts for word, _ in split.pre_tokenize_str(text)}
    unsplit = sorted(word for word in vocabulary if not _stems(word) & vocabulary)
    suffixes = [f"{_CONTINUED}{suffix}" for suffix in _PLURALS]
    pieces = {piece: index for index, piece in enumerate([*special, *suffixes, *unsplit])}
    words = tokenizers.Tokenizer(
        models.WordPiece(pieces, unk_token="<unk>", continuing_subword_prefix=_CONTINUED)
    )
    words.pre_tokenizer = split
    words.decoder = decoders.WordPiece(prefix=_CONTINUED, cleanup=False)
    words.add_special_tokens([AddedToken(name) for name in special])
    ends = {"bos_token": "<s>", "pad_token": "</s>"} if starts else {"pad_token": "<pad>"}
    return FastTokenizer(tokenizer_object=words, unk_token="<unk>", eos_token="</s>", **ends)


def _stems(word: str) -> set[str]:
    return {word.removesuffix(suffix) for suffix in _PLURALS if word.endswith(suffix)}
