"""Writes prompts as GenEval lays them out: one JSON Lines file, `evaluation_metadata.jsonl`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vistok.files import write_jsonl
from vistok.world.prompts import Prompt

METADATA: Final = "evaluation_metadata.jsonl"


def write_geneval(prompts: Sequence[Prompt], folder: Path) -> None:
    """Writes what each prompt asks for, in their order."""
    write_jsonl(folder / METADATA, [_record(prompt) for prompt in prompts])


def _record(prompt: Prompt) -> dict[str, Any]:
    """Returns GenEval's record: a position is of the second object, seen from the first listed, so that comes last."""
    include: list[dict[str, Any]] = [
        {"class": named.category, "count": named.count} | ({"color": named.color} if named.color else {})
        for named in prompt.objects
    ]
    if prompt.side:
        include = [include[1], include[0] | {"position": [prompt.side, 0]}]
    more = [{"class": named.category, "count": named.count + 1} for named in prompt.objects]
    exclude = {"exclude": more} if prompt.kind == "counting" else {}
    return {"tag": prompt.kind, "include": include, **exclude, "prompt": prompt.text}
