"""Text as plain pdflatex sets it, whatever a label or a reason holds."""

import re
import unicodedata

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}", '"': "''", "`": "'",
    "×": r"$\times$", "✓": r"$\checkmark$", "−": r"$-$", "–": "--", "—": "---", "→": r"$\rightarrow$",
    "±": r"$\pm$", "·": r"$\cdot$", "▽": r"$\triangledown$", "△": r"$\vartriangle$", "≤": r"$\leq$",
    "≥": r"$\geq$", "’": "'", "‘": "`", "“": "``", "”": "''", "\N{NO-BREAK SPACE}": "~",
    "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "ł": r"\l{}",
    "Ł": r"\L{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=", "\u0306": r"\u",
    "\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H", "\u030c": r"\v", "\u0327": r"\c",
}  # fmt: skip


def escape(text: str) -> str:
    """Returns text in the LaTeX that sets it; a character that pdflatex has not stands as its code point."""
    return "".join(_character(character) for character in text)


def prose(text: str) -> str:
    """Returns text in LaTeX, with what stands between backticks as code that may break after a slash."""
    parts = text.split("`")
    return "".join(_code(part) if place % 2 else escape(part) for place, part in enumerate(parts))


def _code(text: str) -> str:
    breakable = escape(text).replace("/", r"/\allowbreak{}")
    return rf"\texttt{{{re.sub('--', '-{}-', breakable)}}}"


def _character(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isascii():
        return character if character.isprintable() else " "
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return f"{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"
