"""The smallest models that tests build: an encoder of a few patches, and a language model's size."""

from vistok.grid.recipes import Optimiser
from vistok.grid.tokenizers import Encoder, Normalisation
from vistok.grid.training_sizes import LanguageModelSize, TextTraining

_STAGE = TextTraining(
    corpus="text.txt", steps=1, batch=1, optimiser=Optimiser(learning_rate=1e-3, warmup_steps=0)
)


def small_encoder(
    pixels: int = 16, width: int = 16, depth: int = 1, normalisation: Normalisation = "clip"
) -> Encoder:
    """Returns timm's plain vision transformer with patches of 8 pixels and a class token, of random weights."""
    return Encoder(
        library="timm",
        name="vit_tiny_patch16_224",
        arguments={"img_size": pixels, "patch_size": 8, "embed_dim": width, "depth": depth, "num_heads": 2},
        weights="random",
        image_size=pixels,
        normalisation=normalisation,
        tokens=(pixels // 8) ** 2 + 1,
        width=width,
        parameters_m=0.01,
        source="for tests",
    )


def small_language_model(width: int = 32, layers: int = 2, context: int = 64) -> LanguageModelSize:
    """Returns the size of a language model with two heads; its trainings are a step each."""
    return LanguageModelSize(
        width=width,
        layers=layers,
        heads=2,
        feedforward=2 * width,
        context=context,
        pretraining=_STAGE,
        instruction_tuning=_STAGE,
    )


def small_codes(read: str = "embeddings") -> Encoder:
    """Returns a tokenizer with 16 codes of width 8, one for each 8 pixels of 32, as a language model reads it."""
    network = {
        "image_size": 32, "codes": 16, "width": 8, "channels": 32, "multipliers": [1, 1], "blocks": [0, 1],
        "stem": 4, "lean": True, "linear": True,
    }  # fmt: skip
    return Encoder(
        library="ibq",
        name=read,
        arguments=network,
        weights="random",
        image_size=32,
        normalisation="siglip",
        class_token=False,
        tokens=16,
        width=8 if read == "embeddings" else 16,
        parameters_m=0.1,
        source="for tests",
    )
