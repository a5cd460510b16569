"""The tokenizers that a scale makes of ETT's: one that it trains or that was released, and the same trained longer."""

from collections.abc import Mapping
from typing import Any

from vistok.errors import VistokError
from vistok.grid.entries import GRID, find
from vistok.grid.ett import NetworkSize
from vistok.grid.ett_scale import CODES, FOLDER, IBQ, LONGER
from vistok.grid.ett_sizes import EttScale, TokenizerRelease, TokenizerTraining
from vistok.grid.tokenizers import Encoder, Tokenizer


def tokenizers_of(scale: EttScale, declared: Mapping[str, Tokenizer]) -> dict[str, Tokenizer]:
    """Returns the tokenizers that a scale makes, as language models read them.

    Args:
        declared: the grid's tokenizers, of which a released one is an entry.

    Raises:
        VistokError: a released one is none, or is no release of IBQ.
    """
    own = scale.tokenizer
    base = _release(own, declared) if isinstance(own, TokenizerRelease) else _trained(own)
    size = NetworkSize.model_validate(base.encoder.arguments)
    return {
        IBQ: _read(base, IBQ, base.label, made=IBQ),
        CODES: _read(base, CODES, f"{base.label}, its codes alone", made=IBQ, name="codes", width=size.codes),
        LONGER: _read(base, LONGER, f"{base.label}, trained longer", made=LONGER),
    }


def _trained(training: TokenizerTraining) -> Tokenizer:
    encoder = Encoder(
        library="ibq",
        name="embeddings",
        arguments=training.network.model_dump(mode="json"),
        weights=f"ett/{IBQ}",
        image_size=training.network.image_size,
        normalisation="siglip",
        class_token=False,
        tokens=training.network.tokens,
        width=training.network.width,
        parameters_m=training.parameters_m,
        source="IBQ, arXiv 2412.02692: from -1 to 1; its size is the scale's",
    )
    return Tokenizer(id=IBQ, label="IBQ", supervision="none", published_images="-", encoder=encoder)


def _release(own: TokenizerRelease, declared: Mapping[str, Tokenizer]) -> Tokenizer:
    entry = find("tokenizer", own.released, declared, GRID / "tokenizers.yaml")
    if (entry.encoder.library, entry.encoder.name) != ("ibq", "embeddings"):
        legal = [
            name
            for name, each in declared.items()
            if (each.encoder.library, each.encoder.name) == ("ibq", "embeddings")
        ]
        raise VistokError(
            f"{FOLDER}: `released` names {own.released!r}, of which no embeddings of codes are read. Legal: "
            f"{', '.join(legal)}."
        )
    return entry


def _read(base: Tokenizer, called: str, label: str, *, made: str, **changed: Any) -> Tokenizer:
    """Returns a tokenizer that a step makes, as a language model reads it."""
    encoder = base.encoder.model_copy(update={"weights": f"ett/{made}", **changed})
    return base.model_copy(update={"id": called, "label": label, "encoder": encoder})
