"""Extracts the final answer from a generation, without reasoning, markup and look-alike characters.

For the protocols that read an answer as a person would; those that copy an original read the text as it is.
"""

import html
import re
import unicodedata
from functools import lru_cache
from typing import Final

# Reasoning as models write it: <think>, [THINK] (Magistral), ◁think▷ (Kimi-VL), <|begin_of_thought|> (Sky-T1),
# <unused94>thought (MedGemma), <|channel>thought (Gemma).
_NAMES: Final = (
    "(?:ant)?(?:think|thinking|thought|thoughts)|reason|reasoning|rationale|reflection|analysis|scratchpad"
    "|cot|chain[_-]of[_-]thought|(?:inner|internal)[_-]?(?:monologue|thoughts?|thinking|reasoning)"
)
_TAG: Final = re.compile(
    rf"<\|?(?P<close>/)?(?:\w+:)?(?:{_NAMES})(?:\s[^<>]*)?\|?> | \[(?P<close2>/)?(?:{_NAMES})\]"
    rf"| ◁(?P<close3>/)?(?:{_NAMES})▷ | <\|(?:begin|(?P<close4>end))_of_thought\|>"
    r"| <unused94>(?:thought)? | (?P<close5><unused95>|<channel\|>) | <\|channel>thought",
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Harmony's channels: only the last one named final is shown to the user.
_CHANNEL: Final = re.compile(r"<\|channel\|>\s*(\w+)\s*<\|message\|>")
_ANSWER_TAG: Final = re.compile(
    r"<(?P<name>(?:final[_ ]?)?answer|conclusion|solution)\s*>(?P<text>.*?)(?:</(?P=name)\s*>|\Z)"
    r"|<\|begin_of_(?P<token>box|solution)\|>(?P<inner>.*?)(?:<\|end_of_(?P=token)\|>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_BOX: Final = re.compile(r"\\(?:f?boxed|f(?:rame)?box)(?:\s*\{|\s+(?=\w))")
# The last "answer is" or "answer:" of an answer, and not the word alone ("I cannot answer").
_STATED: Final = re.compile(
    r"\banswer\b(?:[^.!?:\n\d]{0,40}?\b(?:is|are|be|was)\b|\s*[\"']?\s*(?:[:=]|->))\s*(?=\S)", re.IGNORECASE
)
_STRUCK: Final = re.compile(r"~~[^~\n]*~~|<(?P<name>s|del|strike)>[^<\n]*</(?P=name)>", re.IGNORECASE)
_RAISED: Final = re.compile("(?<=\\d)([\u00b2\u00b3\u00b9\u2070-\u2079]+)")
_INLINE: Final = re.compile(
    r"</?(?:b|i|u|em|strong|span|mark|code|sub|sup|font)(?:\s[^<>]*)?>", re.IGNORECASE
)
_OTHER_TAG: Final = re.compile(r"</?\|?[A-Za-z][^<>\n]{0,80}>")
_LATEX: Final = re.compile(r"\\(?:text|math)[a-z]*\s*\{([^{}]*)\}")
_MATH: Final = re.compile(r"\\[()\[\]]|\$+")
_EMPHASIS: Final = re.compile(r"[*`]+|~~|(?<![^\W_])_+|_+(?![^\W_])")
# Long dashes; and white letters on black, of which Unicode has no usual form, from A to Z.
_PLAINER: Final[dict[int, str]] = dict.fromkeys(map(ord, "\u2014\u2015\u2e3a\u2e3b\ufe58"), " - ") | {
    start + offset: chr(ord("A") + offset) for start in (0x1F150, 0x1F170) for offset in range(26)
}
# Scripts that write no spaces: Japanese syllables, Chinese characters, and Korean, whose particles touch the word.
UNSPACED: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_MINUS: Final = "\u2212\u2043"


@lru_cache(maxsize=1 << 16)
def final_answer(generated: str) -> str:
    r"""Returns the final answer of a generation, in plain characters.

    - Text between reasoning tags is not an answer: the answer is what follows the last of them, or what precedes
      them where nothing follows. A generation that ends inside them has none.
    - Of an answer that stands in a tag (`<answer>`) or a box (`\boxed{}`), the last counts and not what is around it.
    - Markdown's emphasis, HTML's and LaTeX's marks are dropped, and what is struck out with its text. Hyphens and minus
      signs are one character, characters of full width are those of usual width, and invisible ones are dropped.
    """
    read = html.unescape(generated) if "&" in generated else generated
    return plain(_marked(_without_reasoning(_last_channel(_COMMENT.sub("", read)))))


def stated(answer: str) -> str:
    """Returns what follows the last "the answer is" or "Answer:" of a final answer; all of it without one."""
    return answer[max((match.end() for match in _STATED.finditer(answer)), default=0) :]


def plain(text: str) -> str:
    """Returns a text without marks of emphasis, in characters of usual width."""
    text = _STRUCK.sub(" ", text).strip() or text
    if not text.isascii():
        text = _RAISED.sub(r"^\1", text)
        usual = unicodedata.normalize("NFKC", text.translate(_PLAINER))
        text = "".join(map(_plain_character, usual))
    text = _OTHER_TAG.sub(" ", _INLINE.sub("", text))
    while (simpler := _LATEX.sub(r"\1", text)) != text:
        text = simpler
    return _EMPHASIS.sub("", _MATH.sub("", text)).strip()


def _plain_character(each: str) -> str:
    category = unicodedata.category(each)
    if category == "Pd" or each in _MINUS:
        return "-"
    return "" if category == "Cf" else each


def _last_channel(text: str) -> str:
    channels = list(_CHANNEL.finditer(text))
    if not channels:
        return text
    return text[channels[-1].end() :] if channels[-1][1] == "final" else ""


def _without_reasoning(text: str) -> str:
    """A closing tag without an opening one counts too: chat templates often write the opening one themselves."""
    depth, before, start = 0, "", 0
    for tag in _TAG.finditer(text):
        closing = any(tag[name] for name in ("close", "close2", "close3", "close4", "close5"))
        if not depth and not closing:
            before = text[start : tag.start()].strip() or before
        depth = max(depth - 1, 0) if closing else depth + 1
        start = tag.end()
    if depth:
        return ""
    return text[start:] if text[start:].strip() else before


def _marked(text: str) -> str:
    """Returns the content of the last answer tag, and of the last box in it; the whole text without one."""
    if tags := list(_ANSWER_TAG.finditer(text)):
        text = tags[-1]["text"] or tags[-1]["inner"] or ""
    if boxes := list(_BOX.finditer(text)):
        text = _inside(text[boxes[-1].end() :])
    return text


def _inside(text: str) -> str:
    """Returns the text up to the brace that closes the one before it."""
    depth = 1
    for position, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if not depth:
            return text[:position]
    return text
