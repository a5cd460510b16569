"""The training questions that one image can answer, drawn from its annotations by the kinds that a recipe names."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vistok.datasets.questions import Annotations, Turn
from vistok.errors import VistokError
from vistok.evaluation.kinds import task_kind


def draw_turns(
    annotations: Annotations,
    turns: Mapping[str, int],
    prompts: Mapping[str, str],
    generator: np.random.Generator,
    *,
    most: int | None = None,
) -> tuple[Turn, ...]:
    """Returns up to `turns[kind]` questions of each kind in random order, `most` at most, no prompt twice.

    The prompt of captions is always the same, so there is at most one.
    """
    drawn: dict[str, Turn] = {}
    for name, limit in sorted(turns.items()):
        kind = task_kind(name)
        for question, answer in kind.turns(annotations, limit, generator):
            prompt = prompts[name].replace("{question}", question)
            drawn.setdefault(prompt, Turn(name, prompt, answer, short=kind.short_answers))
    ordered = list(drawn.values())
    return tuple(ordered[index] for index in generator.permutation(len(ordered))[:most])


@dataclass(frozen=True)
class TurnDraw:
    """What a recipe asks about one image.

    Attributes:
        turns: the greatest number of questions of each kind.
        prompts: of each kind in `turns`; `{question}` is replaced.
        most: the greatest number of all kinds together; None: no other limit.
    """

    turns: Mapping[str, int]
    prompts: Mapping[str, str]
    most: int | None = None

    def __post_init__(self) -> None:
        if missing := sorted(self.turns.keys() - self.prompts.keys()):
            raise VistokError(
                f"the mixture asks {missing[0]} questions, but has prompts only for {[*self.prompts]}."
            )

    def __call__(self, annotations: Annotations, generator: np.random.Generator) -> tuple[Turn, ...]:
        return draw_turns(annotations, self.turns, self.prompts, generator, most=self.most)

    def __str__(self) -> str:
        return ", ".join(sorted(self.turns))
