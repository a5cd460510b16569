"""Escapes arbitrary text for CSV, Markdown and LaTeX."""

import re
import unicodedata

from vistok.errors import printable

_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e-?\d+)?)?")
# In GitHub Markdown an underscore between letters is one.
_MARKS = re.compile(r"([\\`*{}\[\]<>|~]|(?<![^\W_])_|_(?![^\W_]))")
_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}", '"': "''", "`": "'",
    "×": r"$\times$", "✓": r"$\checkmark$", "−": r"$-$", "–": "--", "—": "---", "→": r"$\rightarrow$",
    "±": r"$\pm$", "·": r"$\cdot$", "▽": r"$\triangledown$", "△": r"$\vartriangle$", "‡": r"$\ddagger$", "≤": r"$\leq$",
    "≥": r"$\geq$", "’": "'", "‘": "`", "“": "``", "”": "''", "\N{NO-BREAK SPACE}": "~",
    "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "ł": r"\l{}",
    "Ł": r"\L{}", "§": r"\S{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=", "\u0306": r"\u",
    "\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H", "\u030c": r"\v", "\u0327": r"\c",
}  # fmt: skip


def spreadsheet(text: str) -> str:
    """Returns text that spreadsheets read as text: an apostrophe precedes anything that looks like a formula."""
    text = printable(text)
    first = unicodedata.normalize(
        "NFKC", text.lstrip()[:1]
    )  # of full width it is a formula's in some languages
    return f"'{text}" if first in tuple("=+-@") and not _NUMBER.fullmatch(text) else text


def markdown(text: str) -> str:
    """Returns text escaped for Markdown."""
    return _MARKS.sub(r"\\\1", text)


def latex(text: str) -> str:
    """Returns text escaped for LaTeX; a character unknown to pdflatex is shown as its code point."""
    return "".join(_character(character) for character in text)


def latex_code(text: str) -> str:
    """Returns code in LaTeX that may break after a slash."""
    breakable = latex(text).replace("/", r"/\allowbreak{}")
    return rf"\texttt{{{re.sub('--', '-{}-', breakable)}}}"


def _character(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isascii():
        return character if character.isprintable() else " "
    decomposed = unicodedata.normalize("NFD", character)
    if len(decomposed) == 2 and decomposed[0].isascii() and decomposed[1] in _ACCENTS:
        return f"{_ACCENTS[decomposed[1]]}{{{decomposed[0]}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"
