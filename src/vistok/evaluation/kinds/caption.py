"""Captioning: every image is asked for a description in the same words."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vistok.datasets.coco import CaptionReference, read_captions
from vistok.evaluation.kind import CONSTANT, Questions, TaskKind, some

if TYPE_CHECKING:
    import numpy as np

    from vistok.datasets.questions import Annotations
    from vistok.evaluation.score.base import Scored


class Caption(TaskKind[CaptionReference]):
    """A description of an image, compared with those that people wrote."""

    name = "caption"
    reads = "COCO captions"
    metric = "CIDEr"
    asks = False
    short_answers = False
    one_per_image = True
    describes = True
    tokens = 24
    mark = "describe"

    @property
    def protocols(self) -> Mapping[str, str]:
        from vistok.evaluation.score.captions import PROTOCOLS

        return PROTOCOLS

    @property
    def further_metrics(self) -> tuple[str, ...]:
        from vistok.evaluation.score.captions import METRICS

        return METRICS

    def read(self, path: Path) -> tuple[CaptionReference, ...]:
        captions = read_captions(path).captions
        return tuple(CaptionReference(image, captions[image]) for image in sorted(captions))

    def key(self, record: CaptionReference) -> int:
        return record.image_id

    def truth(self, record: CaptionReference) -> tuple[str, ...]:
        return record.captions

    def score(
        self,
        records: Sequence[CaptionReference],
        answers: Sequence[Any],
        protocol: str,
        *,
        full_set: Sequence[CaptionReference],
        metrics: Sequence[str] = (),
    ) -> "Scored":
        from vistok.evaluation.score.captions import score_captions

        return score_captions(records, answers, protocol, metrics=metrics, full_set=full_set)

    def blind(
        self, questions: Questions[CaptionReference], training: Questions[CaptionReference] | None
    ) -> dict[str, list[str]]:
        """Returns one caption for all images; with one prompt for all, there is no other prior."""
        from vistok.evaluation.score.blind import FOLDS, constant_caption, constant_captions_by_fold

        records = questions.records
        if training:
            by_image = {record.image_id: record.captions for record in training.records}
            return {CONSTANT: [constant_caption(by_image)] * len(records)}
        folds = min(FOLDS, len(records))
        if folds < 2:
            return {}
        chosen = constant_captions_by_fold(
            {record.image_id: record.captions for record in records}, folds=folds
        )
        return {CONSTANT: [chosen[record.image_id] for record in records]}

    def turns(
        self, annotations: "Annotations", most: int, generator: "np.random.Generator"
    ) -> Iterator[tuple[str, str]]:
        """Yields one caption, its white space tidied; the prompt asks without a question of its own."""
        texts = [" ".join(caption.split()) for caption in annotations.captions]
        for text in some([text for text in texts if text], min(most, 1), generator):
            yield "", text


KIND: Final = Caption()
