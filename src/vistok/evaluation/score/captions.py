"""Scores captions with the COCO caption metrics of pycocoevalcap.

CIDEr weighs an n-gram by how few images have it in their references. The official tool counts over the images
that it scores, so a subset has another scale than the full set: the protocol `official` does the same, and
`full-set` scores a subset with the frequencies of every image of the references.
"""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import lru_cache
from io import StringIO
from typing import Any, Final, TypeAlias

import numpy as np

from vistok.datasets.coco import CaptionReference
from vistok.errors import VistokError, unknown
from vistok.evaluation.score.base import OFFICIAL, Answers, Scored, check
from vistok.evaluation.score.ptb import java_on_path, package_folder, tokenise

PROTOCOLS: Final = {"official": OFFICIAL, "full-set": "document frequencies of the whole reference file"}
METRICS = ("CIDEr", "BLEU", "METEOR", "ROUGE-L", "SPICE")
ALL_BUT_SPICE = METRICS[:4]

_Texts: TypeAlias = dict[int, list[str]]
_Frozen: TypeAlias = tuple[tuple[str, ...], ...]


def score_captions(
    references: Sequence[CaptionReference],
    answers: Answers,
    protocol: str = "official",
    *,
    metrics: Sequence[str] = ("CIDEr",),
    full_set: Sequence[CaptionReference] | None = None,
) -> Scored:
    """Returns the caption metrics, in per cent; the values are each image's CIDEr.

    Args:
        references: the images to score.
        answers: one caption per image.
        protocol: where CIDEr's document frequencies come from, see the module.
        metrics: which of `METRICS` to compute; CIDEr always is.
        full_set: all images of the reference set, for the protocol `full-set`.

    Raises:
        VistokError: an unknown protocol or metric, no pairs, an image without captions, or SPICE without its
            models.
    """
    check("caption", protocol, PROTOCOLS, references, answers)
    for metric in metrics:
        if metric not in METRICS:
            raise unknown("caption metric", metric, METRICS)
    wider = _others(references, full_set) if protocol == "full-set" else ()
    reference_texts, candidates = _tokenised_pairs((*references, *wider), [*answers, *[None] * len(wider)])
    ciders = 100.0 * np.array(_ciders(_frozen(reference_texts), _frozen(candidates))[: len(references)])
    reference_texts, candidates = (
        {image: texts[image] for image in range(len(references))} for texts in (reference_texts, candidates)
    )
    scores = {"CIDEr": float(ciders.mean())}
    for metric in metrics:
        if metric != "CIDEr":
            scores |= _SCORERS[metric](reference_texts, candidates)
    return Scored("CIDEr", scores, ciders, tuple(reference.image_id for reference in references), {})


def _others(
    references: Sequence[CaptionReference], full_set: Sequence[CaptionReference] | None
) -> tuple[CaptionReference, ...]:
    scored = {reference.image_id for reference in references}
    return tuple(
        reference for reference in full_set or () if reference.captions and reference.image_id not in scored
    )


def _tokenised_pairs(references: Sequence[CaptionReference], answers: Answers) -> tuple[_Texts, _Texts]:
    """Returns tokenised references and answers by position, as pycocoevalcap takes them."""
    empty = [reference.image_id for reference in references if not reference.captions]
    if empty:
        raise VistokError(
            f"{len(empty)} of {len(references)} images have no reference captions (first: image {empty[0]}). "
            "Leave them out of the references."
        )
    lines = iter(tokenise(tuple(caption for reference in references for caption in reference.captions)))
    reference_texts = {image: [next(lines) for _ in ref.captions] for image, ref in enumerate(references)}
    candidates = tokenise(tuple(answer or "" for answer in answers))
    return reference_texts, {image: [line] for image, line in enumerate(candidates)}


@lru_cache(maxsize=1)  # where all images of the reference set are asked about, both protocols need the same
def _ciders(references: _Frozen, candidates: _Frozen) -> tuple[float, ...]:
    """Returns the CIDEr of each image, in order."""
    from pycocoevalcap.cider.cider import Cider

    pairs = (dict(enumerate(map(list, texts))) for texts in (references, candidates))
    return tuple(map(float, Cider().compute_score(*pairs)[1]))


def _frozen(texts: _Texts) -> _Frozen:
    return tuple(map(tuple, texts.values()))


def _bleu(references: _Texts, candidates: _Texts) -> dict[str, float]:
    from pycocoevalcap.bleu.bleu import Bleu

    with redirect_stdout(StringIO()):
        scores = Bleu(4).compute_score(references, candidates, verbose=0)[0]
    return {f"BLEU-{order}": 100.0 * float(score) for order, score in enumerate(scores, start=1)}


def _rouge(references: _Texts, candidates: _Texts) -> dict[str, float]:
    from pycocoevalcap.rouge.rouge import Rouge

    return {"ROUGE-L": 100.0 * float(Rouge().compute_score(references, candidates)[0])}


def _meteor(references: _Texts, candidates: _Texts) -> dict[str, float]:
    from pycocoevalcap.meteor.meteor import Meteor

    with java_on_path():
        scorer = Meteor()
        try:
            score = scorer.compute_score(references, candidates)[0]
        except (BrokenPipeError, ValueError) as error:
            raise VistokError(f"METEOR's Java process failed: {error}. It needs about 2 GiB.") from error
        finally:
            _stop(scorer.meteor_p)
    return {"METEOR": 100.0 * float(score)}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def _spice(references: _Texts, candidates: _Texts) -> dict[str, float]:
    folder = package_folder() / "spice" / "lib"
    names = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise VistokError(
            f"SPICE is not installed: {', '.join(absent)} not found in pycocoevalcap's folder spice/lib. "
            "Take the files from Stanford CoreNLP 3.6.0 (2015-12-09), or ask for other metrics: "
            f"{', '.join(ALL_BUT_SPICE)}."
        )
    from pycocoevalcap.spice.spice import Spice

    try:
        with java_on_path():
            return {"SPICE": 100.0 * float(Spice().compute_score(references, candidates)[0])}
    except subprocess.CalledProcessError as error:
        raise VistokError(f"SPICE's Java process failed with exit status {error.returncode}.") from error


_SCORERS: dict[str, Callable[[Any, Any], dict[str, float]]] = {
    "BLEU": _bleu,
    "METEOR": _meteor,
    "ROUGE-L": _rouge,
    "SPICE": _spice,
}
