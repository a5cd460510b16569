"""Extracts the letter that a generated answer to a multiple-choice question chooses."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from vistok.datasets.seedbench import LETTERS
from vistok.evaluation.score.final import UNSPACED, final_answer, plain, stated

# "A" before a small letter is the article, but where a new clause begins or it is judged.
_JUDGED: Final = r"is|was|are|looks|seems|would|can|could|cannot|must|does|has"
_CLAUSE: Final = rf"(?:because|since|as|for|and|or|but|which|{_JUDGED})\b"
_LETTER: Final = re.compile(
    rf"(?<![^\W{UNSPACED}])(?<!\w')(?:(?P<capital>[B-D]|A(?!\s(?!{_CLAUSE})[a-z]))|(?P<small>[a-d]))"
    rf"(?![^\W{UNSPACED}]|'\w)"
)
# The answer is: in English, in six languages of Europe, in Chinese, Japanese and Korean; then: option.
_STATED: Final = re.compile(
    r"(?:\b(?:answers?|solution)\b|\u7b54\u6848|\u6b63\u89e3|\u7b54\u3048|\uc815?\ub2f5"
    r"|\b(?:respuesta|resposta|risposta|r[e\u00e9]ponse|antwort|\u043e\u0442\u0432\u0435\u0442)\b)"
    r"(?:[^.!?\n]{0,60}?(?:\b(?:is|be|was|es|est|ist|\u00e8|\u00e9)\b|:|=|->|[\u662f\u4e3a\u70ba\u306f\uc740\ub294]))?\s*"
    r"(?:not\s)?(?:(?:most\s)?(?:definitely|clearly|likely|probably)\s)?"
    r"(?:the\s)?(?:option|choice|letter)?\s*:?[\s\W]*\Z"
    r"|\b(?:ans|assistant|response)\s*:[\s\W]*\Z",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"(?:\b(?:option|choice|letter|choose|pick|select|go(?:ing)? with)|[\u9009\u9078][\u9879\u9805\u62e9\u64c7]?)"
    r"(?:\s(?:is|would be|option))?['\"]?\s*:?\s*\W?\Z",
    re.IGNORECASE,
)
# Behind these a letter must end its clause.
_SAID: Final = re.compile(
    r"\b(?:it(?:'s|\sis|\smust be)|that(?:'s|\sis)|say|so|hence|thus|therefore|probably|likely|definitely"
    r"|(?:think|believe|guess)(?:\sthat)?|not\s(?:option\s)?\W?[A-D]\W?,?\sbut)[\s,:]*\W?\Z",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(r"\W*(?:\n|\Z)|\s*[.,;:!?)\]]|\s(?:because|since|as)\b")
_ALSO: Final = re.compile(
    r"[A-D]\)?,?\s*(?:[,;/&|+]|\b(?:and|or|but|vs\.?|versus|to)\b|[\u3001\u548c\u6216])(?:\s*\b(?:maybe|perhaps|possibly|rather|also|even))?\s*\(?\Z"
)
# "A B", "A. B." and "(A)(B)": nothing but marks between two letters, and behind the second.
_BESIDE: Final = re.compile(r"(?<!\w)[A-D](?:[^\w\n]{1,3}|\W+no\W+)\Z")
_ALONE: Final = re.compile(r"\W*(?:\Z|[A-D](?!\w))")
_RIGHT: Final = re.compile(
    r"\W{0,3}\s*(?:is|was|seems|looks|must be|would be)?\s*(?:the\s)?(?:most\s)?"
    r"(?:right|correct|true|best|accurate|final answer|answer)\b",
    re.IGNORECASE,
)
_REFUSED_BEFORE: Final = re.compile(
    r"(?:\bnot|n't|\bcannot|\bneither|\bnor|\bnever|\bexcept|\brather than|\binstead of|\bunlike"
    r"|\brule[sd]? out|\beliminated?|\bexcluded?)\s(?:be\s)?(?:the\s)?(?:option\s|choice\s|answer\s)?\W?\Z",
    re.IGNORECASE,
)
_REFUSED_AFTER: Final = re.compile(
    r"\W{0,3}\s*(?:is|was|are|looks|seems|can|could|would|does)\s+(?:(?:be|clearly|definitely|also|simply)\s)?not\b"
    r"|\W{0,3}\s*(?:(?:is|was|are|looks|seems)\s+)?(?:(?:clearly|definitely|also|simply)\s)?"
    r"(?:wrong|incorrect|false|out\b|ruled out|eliminated|excluded|impossible)"
    r"|\s*(?:(?:is|was|ca|does|wo|could)n't|cannot)\b",
    re.IGNORECASE,
)
_EDGES: Final = " .,:;!?{}\"'\u2018\u2019\u201c\u201d\u300c\u300d"
_AROUND: Final = 160  # how many characters around a letter are read


class _Mention(NamedTuple):
    """One letter in an answer: how firmly it is chosen, 0 (stated) to 3 (leads the answer); None: only mentioned."""

    letter: str
    level: int | None
    refused: bool


def read_letter(answer: str, options: Sequence[str]) -> str | None:
    """Returns the letter that a generated answer chooses, or None; what counts is the final answer.

    In this order: a lone letter; the text of exactly one option, alone or after its letter; the one letter that is
    stated to be the answer, or to be right; the one on a line of its own; the one after "option" or "choice"; the one
    that leads, before punctuation, the end of a line or its option's text. Several letters of one rank choose nothing,
    and a letter that is refused ("A is wrong") is skipped. "A man" chooses nothing.
    """
    final = final_answer(answer)
    if lone := re.fullmatch(r"\W*([A-Da-d])\W*", final) or re.fullmatch(r"\s*<([A-D])>\s*", answer):
        return str(lone[1].upper())
    texts = [_bare(plain(option)) for option in options]
    if letter := _of_text(_bare(final), texts) or _of_text(_bare(stated(final)), texts):
        return letter
    mentions = list(_mentions(final, texts))
    for level in range(4):
        letters = {each.letter for each in mentions if each.level == level and not each.refused}
        if letters:
            return letters.pop() if len(letters) == 1 else None
    return None


def _bare(text: str) -> str:
    return " ".join(text.split()).strip(_EDGES).lower()


def _of_text(answer: str, texts: Sequence[str]) -> str | None:
    """Returns the letter of the option whose text, alone or after its letter, is the whole answer."""
    for letter, text in zip(LETTERS, texts, strict=True):
        if (
            answer.startswith(letter.lower())
            and text
            and answer[1:].lstrip(" .:)-") == text
            and answer[1:] != text
        ):
            return letter
    return LETTERS[texts.index(answer)] if texts.count(answer) == 1 else None


def _mentions(answer: str, texts: Sequence[str]) -> Iterator[_Mention]:
    level = None
    for match in _LETTER.finditer(answer):
        letter = (match["capital"] or match["small"]).upper()
        before = answer[max(match.start() - _AROUND, 0) : match.start()]
        after = answer[match.end() : match.end() + _AROUND]
        own = _level(match, before, after, texts[LETTERS.index(letter)])
        also = _ALSO.search(before) or (_BESIDE.search(before) and _ALONE.match(after))
        level = level if own is None and match["capital"] and also else own
        refused = bool(_REFUSED_BEFORE.search(before) or _REFUSED_AFTER.match(after))
        yield _Mention(letter, level, refused)


def _level(match: re.Match[str], before: str, after: str, text: str) -> int | None:
    """Returns how firmly a letter is chosen, see `_Mention`."""
    leads = not re.search(r"\w", before)
    listed = bool(text) and _bare(after.lstrip(" \t.:;)]-,")).startswith(text[: _AROUND // 2])
    if match["small"]:  # "a" may be a word: it must look like an option's name
        if re.match(r"['\"\s]*(?:[.)\]}]|$)", after) and (_STATED.search(before) or _NAMED.search(before)):
            return 0 if _STATED.search(before) else 2
        named = re.match(r"[ \t]*[.:)\]\u3001]", after)
        return 3 if named and (leads or listed) else None
    if _STATED.search(before) or _RIGHT.match(after):
        return 0
    if re.search(r"(?:\A|\n)[^\w\n]*\Z", before) and re.match(r"[^\w\n]*(?:\n|\Z)", after):
        return 1
    if _NAMED.search(before) or (_SAID.search(before) and _ENDS.match(after)):
        return 2
    return 3 if listed or (leads and re.match(r"[ \t]*(?:[.,:;)\]\n\u3001\u3002]|- )", after)) else None
