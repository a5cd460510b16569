"""Object counting (OC): "How many cats are there in the image?"."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.gvtbench import ObjectQuestion, counting_question, first_name
from vistok.evaluation.kind import some
from vistok.evaluation.objects import ObjectKind

if TYPE_CHECKING:
    import numpy as np

    from vistok.datasets.questions import Annotations
    from vistok.evaluation.score.base import Scored
    from vistok.evaluation.score.category_blind import AnnotatedQuestion

MOST_COUNTED: Final = 9
# Categories of Open Images and Objects365 that nobody counts.
_UNCOUNTED: Final = {
    "clothing",
    "footwear",
    "furniture",
    "food",
    "fast food",
    "seafood",
    "human hair",
    "cosmetics",
    "luggage and bags",
}


class Counting(ObjectKind):
    """How many objects of a name there are; an answer holds a number."""

    name = "counting"
    tokens = 16
    mark = "How many"
    viewers = {
        "category-blind-numbers": "number of objects and of groups",
        "category-blind-counts": "the groups' counts without their names",
    }

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.counting import PROTOCOLS

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
        from vistok.evaluation.score.counting import score_counting

        return score_counting(records, answers, protocol)

    def seen(
        self,
        records: Sequence[ObjectQuestion],
        groups: Mapping[Hashable, Sequence[int]],
        training: tuple[Sequence[ObjectQuestion], Mapping[Hashable, Sequence[int]]] | None,
    ) -> dict[str, list[str]]:
        from vistok.evaluation.score.category_blind import questions_of, viewers_answers

        def questions(
            records: Sequence[ObjectQuestion], counts: Mapping[Hashable, Sequence[int]]
        ) -> list["AnnotatedQuestion"]:
            return questions_of([(record.image_id, record.answer) for record in records], counts)

        return viewers_answers(questions(records, groups), questions(*training) if training else None)

    def turns(
        self, annotations: "Annotations", most: int, generator: "np.random.Generator"
    ) -> Iterator[tuple[str, str]]:
        """Yields questions about categories with 1..9 objects and no crowd, which hides a number.

        Names are asked in small letters, as COCO and the benchmark write them: Objects365 and Open Images write
        "Person".
        """
        crowds = {entry.category for entry in annotations.objects if entry.crowd} | annotations.unsure
        counts = Counter(entry.category for entry in annotations.objects if entry.category not in crowds)
        countable = tuple(
            name for name in sorted(counts) if counts[name] <= MOST_COUNTED and name.lower() not in _UNCOUNTED
        )
        for name in some(countable, most, generator):
            yield counting_question(first_name(name)), str(counts[name])


KIND: Final = Counting()
