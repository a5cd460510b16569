"""What is trained and what answers, each with the id that is its path: pretrainings, runs, released models."""

from collections.abc import Iterable
from typing import Final

from vistok.grid.fields import Id, Seed
from vistok.grid.value import Value

RELEASED: Final = (
    "released"  # stands where a run's path has its tokenizer, so no tokenizer may be called this
)


class Pretrained(Value):
    """A tokenizer as a scale pretrains it with one seed; its id is its path."""

    tokenizer: Id
    seed: Seed

    @property
    def path(self) -> str:
        """The id of the pretraining, such as `clip/seed-0`."""
        return f"{self.tokenizer}/seed-{self.seed}"


class Run(Value):
    """tokenizer x recipe x llm x seed; its id is its path.

    The seed is that of everything that is trained for it: of the tokenizer's own pretraining, where the scale does
    that, and of what the recipe trains. The language model that it starts from has none: it is the same for all.
    """

    tokenizer: Id
    recipe: Id
    llm: Id
    seed: Seed

    @property
    def path(self) -> str:
        """The run's id, such as `clip/frozen/vicuna-7b/seed-0`."""
        return f"{self.tokenizer}/{self.recipe}/{self.llm}/seed-{self.seed}"

    @property
    def pretrained(self) -> Pretrained:
        """The pretraining of its tokenizer, of the same seed; only a scale that pretrains the tokenizer makes it."""
        return Pretrained(tokenizer=self.tokenizer, seed=self.seed)


class Released(Value):
    """A released model, as it answers; its id is its path."""

    model: Id

    @property
    def path(self) -> str:
        """The id under which its answers are kept, such as `released/blip-2`."""
        return f"{RELEASED}/{self.model}"


Subject = Run | Released
"""What answers questions: a run of this study, or a released model."""


def runs_among(subjects: Iterable[Subject]) -> tuple[Run, ...]:
    """Returns the subjects that this study trains."""
    return tuple(subject for subject in subjects if isinstance(subject, Run))
