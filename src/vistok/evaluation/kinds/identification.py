"""Multi-class identification (MCI): "Does cat exist in the image?"."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.gvtbench import ObjectQuestion, first_name, identification_question
from vistok.datasets.pope import is_pope, parse_pope
from vistok.evaluation.kind import some
from vistok.evaluation.objects import ObjectKind
from vistok.reading import read_text

if TYPE_CHECKING:
    import numpy as np

    from vistok.datasets.questions import Annotations
    from vistok.evaluation.score.base import Scored


class Identification(ObjectKind):
    """Whether there is an object of a name; an answer says yes or no."""

    name = "identification"
    tokens = 14
    mark = "Does"
    reads = "GVTBench JSON, or a POPE file"

    def read(self, path: Path) -> tuple[ObjectQuestion, ...]:
        text = read_text(path, what="questions")
        return parse_pope(text, path) if is_pope(text) else super().read(path)

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.identification import PROTOCOLS

        return PROTOCOLS

    def score(
        self,
        records: Sequence[ObjectQuestion],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[ObjectQuestion],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        from vistok.evaluation.score.identification import score_identification

        return score_identification(records, answers, protocol)

    def turns(
        self, annotations: "Annotations", most: int, generator: "np.random.Generator"
    ) -> Iterator[tuple[str, str]]:
        """Yields questions whose answers are each decided by a fair coin of its own.

        There are at most as many as the image has present categories, and absent ones, so that either answer
        is always left and an answer tells nothing about the next.
        """
        seen = {entry.category for entry in annotations.objects}
        present = sorted(seen - annotations.unsure)
        absent = tuple(name for name in annotations.categories if name not in seen | annotations.unsure)
        number = min(most, len(present), len(absent))
        yes, no = some(present, number, generator), some(absent, number, generator)
        for exists in generator.random(number) < 0.5:
            name = next(yes if exists else no)
            yield identification_question(first_name(name)), "Yes." if exists else "No."


KIND: Final = Identification()
