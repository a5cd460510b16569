"""The photographs that a released tokenizer's reconstructions are measured on, as they are measured elsewhere."""

from pydantic import Field

from vistok.grid.fields import RelativePath
from vistok.grid.value import Value


class PhotographsMeasured(Value):
    """A set of photographs, what is cut out of each, and the network of the Fréchet distance between features."""

    images: RelativePath = Field(
        description="their folder below the data root, in which folders may be of any depth"
    )
    number: int = Field(gt=1, description="how many there are")
    unusable: int = Field(
        0, ge=0, description="how many of them may be absent or broken; these are left out and counted"
    )
    side: int = Field(
        gt=0, description="pixels, of the square in the middle once the shorter side is as long"
    )
    features: RelativePath = Field(description="FID's Inception, below the data root")
    batch: int = Field(gt=0, description="how many are looked at at once")

    @property
    def files(self) -> tuple[str, str]:
        """What is read below the data root."""
        return str(self.images), str(self.features)
