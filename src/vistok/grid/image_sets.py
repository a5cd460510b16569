"""Image sets: files of one official format, to be gathered into shards."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from vistok.grid.fields import RelativePath
from vistok.grid.marks import MACHINE
from vistok.grid.value import Value

ImageFormat = Literal["coco", "imagenet", "webdataset", "visual-genome", "openimages", "llava"]
# The files that a set of each format names besides its images; a set of COCO's names any of them.
_FILES: Final[dict[ImageFormat, set[str]]] = {
    "coco": {"instances", "captions", "questions", "annotations"},
    "imagenet": set(),
    "webdataset": set(),
    "visual-genome": {"captions"},
    "openimages": {"instances", "categories"},
    "llava": {"questions"},
}
_COCO_IDS: Final[frozenset[ImageFormat]] = frozenset({"coco", "llava"})


class ImageSet(Value):
    """Images of one official format, to be gathered into shards."""

    format: ImageFormat
    images: RelativePath
    instances: RelativePath | None = Field(
        None, description="objects: COCO's JSON, Open Images' CSV of boxes"
    )
    captions: RelativePath | None = Field(None, description="COCO's captions, Visual Genome's regions")
    questions: RelativePath | None = Field(None, description="VQA questions, LLaVA's conversations")
    annotations: RelativePath | None = Field(None, description="the answers to VQA questions")
    categories: RelativePath | None = Field(
        None, description="names of categories, if in a file of their own"
    )
    hierarchy: RelativePath | None = Field(None, description="Open Images' classes and their subclasses")
    image_data: RelativePath | None = Field(
        None, description="Visual Genome's, with the COCO id of its images"
    )
    leave_out: tuple[RelativePath, ...] = Field(
        (),
        description="captions files in COCO's format, whose images are not read: those that are asked about",
    )
    first: int | None = Field(None, gt=0, description="only this many images")
    unusable: Annotated[int, MACHINE] = Field(
        0,
        ge=0,
        description="how many of its images may be absent or broken at most: they are left out and recorded",
    )

    @model_validator(mode="after")
    def _names_what_its_format_reads(self) -> Self:
        named = {name for name in set.union(*_FILES.values()) if getattr(self, name)}
        legal = _FILES[self.format]
        if named - legal or (named != legal and self.format != "coco"):
            raise ValueError(
                f"a set of the format {self.format!r} names {'any of' if self.format == 'coco' else 'exactly'} "
                f"{sorted(legal)} besides `images`, found {sorted(named)}"
            )
        if self.hierarchy and self.format != "openimages":
            raise ValueError(
                f"`hierarchy` is a file of Open Images; found in a set of the format {self.format!r}"
            )
        if self.image_data and self.format != "visual-genome":
            raise ValueError(
                f"`image_data` is a file of Visual Genome; found in a set of the format {self.format!r}"
            )
        if self.leave_out and self.format not in _COCO_IDS and not self.image_data:
            raise ValueError(
                f"`leave_out` names images by COCO's ids, which the format {self.format!r} has not. Legal for: "
                f"{sorted(_COCO_IDS)}, and visual-genome with `image_data`"
            )
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that it names, without the photographs."""
        named = (
            self.instances,
            self.captions,
            self.questions,
            self.annotations,
            self.categories,
            self.hierarchy,
            self.image_data,
            *self.leave_out,
        )
        return tuple(name for name in named if name)
