"""The sizes of image generation at a scale: the prompts, what is learnt for them, and how many images are drawn."""

from typing import Literal

from pydantic import Field

from vistok.grid.fields import Id, RelativePath, Seed
from vistok.grid.recipes import Optimiser
from vistok.grid.value import Value


class DrawerSize(Value):
    """What turns a language model into one that draws the codes of images."""

    kind: Literal["patches"] = "patches"
    side: int = Field(gt=0, description="of the square of codes that one of its positions stands for")
    hidden: int = Field(gt=0, description="width of the head that predicts the codes of a square in turn")


class DrawingTraining(Value):
    """The stage in which a model that has learnt to understand images learns to draw them; its tokenizer stays."""

    drawer: DrawerSize
    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    optimiser: Optimiser
    untold: float = Field(0.1, ge=0, lt=1, description="share of captions that are left out, for guidance")


class GenerationSize(Value):
    """Prompts that ask for images, what is learnt for them, and how many images are drawn."""

    seed: Seed
    pairs: int = Field(gt=0, description="images with captions to learn from: none has what is held out")
    captions: int = Field(gt=0, description="of each of them")
    prompts: int = Field(gt=0, description="of each kind, and as many that ask for what is held out")
    true_images: int = Field(
        gt=0, description="that show a prompt, and as many that nearly do: what the judge is tried on"
    )
    least: float = Field(
        ge=0, le=100, description="per cent of those of any kind that the judge must be right about"
    )
    images: int = Field(gt=0, description="drawn for a prompt")
    guidance: float = Field(gt=1, description="with which they are drawn once more")
    training: DrawingTraining


class PublishedPrompts(Value):
    """GenEval's own prompts, what is learnt for them, and what judges the images: networks of other people."""

    prompts: RelativePath = Field(description="evaluation_metadata.jsonl, below the data root")
    pairs: tuple[Id, ...] = Field(min_length=1, description="image sets with captions, to learn from")
    seed: Seed
    images: int = Field(gt=0, description="drawn for a prompt")
    guidance: float = Field(gt=1, description="with which they are drawn")
    at_once: int = Field(gt=0, description="how many images are drawn at once, of whole prompts")
    detector: str = Field(
        min_length=1, description="Mask2Former on COCO's instances: a folder, or its published name"
    )
    clip: str = Field(min_length=1, description="CLIP that names colours: a folder, or its published name")
    training: DrawingTraining
