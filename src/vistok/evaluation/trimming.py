"""Trims a generation to the part that is scored, as the released evaluation does."""

import string


def postprocess_released(text: str) -> str:
    """Returns a generation trimmed as the released evaluation does it (GVT `modeling_gvt.py`).

    The first sentence is kept, with its full stop put back, after one leading full stop is dropped. Line
    breaks vanish without a space in their place, decimals end at their point, and nothing stays nothing.
    """
    words = [word for word in text.replace(".", " . ").replace("\n", "").strip().split(" ") if word]
    if not words:
        return ""
    if words[0] == ".":
        words = words[1:]
    if "." in words:
        words = words[: words.index(".")]
    return " ".join(words) + "."


def postprocess_released_vqa(text: str) -> str:
    """Returns an answer to a VQA question trimmed as released.

    Its first line, without the punctuation around it, is trimmed as other generations are.
    """
    return postprocess_released(text.strip().split("\n")[0].strip(string.punctuation))


def postprocess_vqa(text: str) -> str:
    """Returns an answer to a VQA question trimmed as released, but without the full stop that is put back.

    The released scorer takes the stop off itself. The official one keeps it where all ten people agree, and
    finds no match there.
    """
    return postprocess_released_vqa(text).removesuffix(".")
