"""Trains a mini scale's language model on text: plain documents first, then instructions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from vistok.datasets.order import example_at
from vistok.errors import VistokError
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.prompt import Piece, PromptEncoder
from vistok.mllm.words import IMAGE_END
from vistok.reading import read_json, read_text
from vistok.training.batches import Batch
from vistok.training.learner import Learner

Document = tuple[Piece, ...]


class LanguageLearner(Learner):
    """A language model with the documents that it learns."""

    def __init__(
        self,
        model: LanguageModel,
        documents: Sequence[Document],
        *,
        batch: int,
        seed: int,
    ) -> None:
        super().__init__()
        if not documents:
            raise VistokError("there are no documents to learn: the corpus is too short. Make it longer.")
        self.model = model.train()
        self.documents = documents
        self.size = batch
        self.seed = seed

    def batch(self, step: int, process: int, processes: int) -> Batch:
        positions = range(step * self.size + process, (step + 1) * self.size, processes)
        documents = (
            self.documents[example_at(position, len(self.documents), self.seed)] for position in positions
        )
        return self.model.words.pad([self.model.words.pieces(document) for document in documents]).state()

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        text = self.model.unconditioned(len(batch["ids"]))
        return self.model.answer_loss(text, batch["ids"], batch["weights"], batch["mask"])


def read_documents(path: Path, start: str) -> list[Document]:
    """Reads plain text, one document per line; only what follows the scene's words is learnt.

    The words of a scene follow no rule that could be learnt, and would drown what does.
    """
    lines = read_text(path, what="text corpus").splitlines()
    return [_document(line, start) for line in lines if line.strip()]


def _document(line: str, start: str) -> Document:
    scene, mark, rest = line.rpartition(IMAGE_END)
    return (Piece(f"{start}{scene}{mark}"), Piece(rest, weight=1.0, ends=True))


def read_conversations(path: Path, start: str, *, short_answer_weight: float = 1.0) -> list[Document]:
    """Reads ShareGPT conversations (FastChat's format); answers are learnt, those of one word by their weight.

    Raises:
        VistokError: the file has another shape.
    """
    documents = []
    entries = read_json(path, what="instruction file")
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        match entry:
            case {"conversations": [*turns]} if all(map(_is_turn, turns)):
                pieces = [_piece(turn["from"], turn["value"], short_answer_weight) for turn in turns]
                documents.append((Piece(start), *pieces))
            case _:
                raise VistokError(
                    f"{path}, entry {number}: 'conversations' is needed, a list of turns, found {str(entry)[:80]}."
                )
    return documents


def _is_turn(turn: object) -> bool:
    match turn:
        case {"from": str(), "value": str()}:
            return True
    return False


def _piece(speaker: str, text: str, short_answer_weight: float) -> Piece:
    if speaker != "gpt":
        return Piece(text)
    return Piece(text, weight=1.0 if " " in text else short_answer_weight, ends=True)


def kind_of(prompt: str, marks: Mapping[str, str]) -> str | None:
    """Returns the kind of task whose mark is the first in a prompt; None where none is there.

    Args:
        prompt: a question, perhaps behind a scene in words.
        marks: the words that show a prompt's kind -> the kind.
    """
    first = min((mark for mark in marks if mark in prompt), key=prompt.index, default=None)
    return None if first is None else marks[first]


@torch.no_grad()
def text_accuracy(
    model: LanguageModel, documents: Sequence[Document], marks: Mapping[str, str]
) -> dict[str, float]:
    """Returns, for each kind, the per cent of answers that the model would give word for word from text alone."""
    right: dict[str, list[bool]] = {}
    model.eval()
    for first in range(0, len(documents), 64):
        batch = documents[first : first + 64]
        tokens = model.words.pad([model.words.pieces(document) for document in batch])
        learnt = tokens.weights > 0
        output = model.logits(model.unconditioned(len(batch)), tokens.ids, learnt, tokens.mask).argmax(-1)
        agrees = torch.zeros_like(learnt)
        agrees[learnt] = output == tokens.ids[learnt]
        for document, row in zip(batch, agrees, strict=True):
            for kind, span in _answers(model.words, document, marks):
                right.setdefault(kind, []).append(bool(row[span].all()))
    return {kind: 100 * sum(hits) / len(hits) for kind, hits in sorted(right.items())}


def _answers(words: PromptEncoder, document: Document, marks: Mapping[str, str]) -> list[tuple[str, slice]]:
    """Returns the kind of each answer of a conversation and where its tokens are, without the end token."""
    spans, at = [], 0
    for before, piece in zip((Piece(""), *document), document, strict=False):
        length = len(words.pieces([piece])[0])
        kind = kind_of(before.text, marks)
        if piece.weight and piece.ends and kind:
            spans.append((kind, slice(at, at + length - 1)))
        at += length
    return spans


def check_language_gate(scores: Mapping[str, float], gate: Mapping[str, float], name: str) -> None:
    """Refuses a language model that cannot answer from text: no MLLM on it could answer from an image.

    Raises:
        VistokError: a score is under the gate.
    """
    missed = [f"{kind} {scores.get(kind, 0):.1f} (needs {least})" for kind, least in gate.items()
              if scores.get(kind, 0) < least]  # fmt: skip
    if missed:
        raise VistokError(
            f"{name} misses its text-only gate: {', '.join(missed)}. No MLLM is trained on it: raise the steps of "
            "`language_model` in the scale, or fix its corpus."
        )
