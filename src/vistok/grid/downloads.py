"""Official archives: where each is, how it is verified, where it goes, and who may have it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from vistok.errors import VistokError
from vistok.grid.entries import GRID, find
from vistok.grid.fields import Id, RelativePath
from vistok.grid.read import read_entries, validated
from vistok.grid.value import Value

FILE: Final = GRID / "downloads.yaml"
Url = Annotated[str, StringConstraints(pattern=r"^https?://[\w.:-]+/[\w./%{}-]*[\w}]$")]
# The whole hash, or its first eight digits where its source states no more (as torch.hub's file names do).
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{8}([0-9a-f]{56})?$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[\w-][\w.-]*$")]


class Download(Value):
    """One official archive or file, or several that differ in a number alone."""

    id: Id
    label: str
    url: Url | None = Field(None, description="none: each lab must get or make it itself")
    parts: tuple[int, int] | None = Field(
        None, description="the first and the last number that {part} in `url` stands for"
    )
    bytes: int | None = Field(None, gt=0, description="as its source states it; none: no source does")
    sha256: Sha256 | None = Field(None, description="as its source states it; none: no source does")
    into: RelativePath = Field(description="the folder that it goes into, below the data root")
    name: FileName | None = Field(
        None, description="what a file that is no archive is called there, if not as in `url`"
    )
    holds: tuple[RelativePath, ...] = Field(
        min_length=1, description="what is there then, below the data root"
    )
    licence: str
    agreement: str | None = Field(None, description="what each lab must do itself before it may have it")
    source: str = Field(description="who states the bytes and the hash")

    @model_validator(mode="after")
    def _can_be_had(self) -> Self:
        if self.url is None and self.agreement is None:
            raise ValueError("without a `url`, `agreement` must say how it is to be had")
        if self.parts and (self.bytes or self.sha256):
            raise ValueError("`bytes` and `sha256` are of one archive, not of several `parts`")
        if (self.parts is None) == ("{part}" in (self.url or "")) or "{" in (self.url or "").replace(
            "{part}", ""
        ):
            raise ValueError("`parts` and {part} in `url` go together, and nothing else stands in braces")
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address that it is fetched from; none where its owner gives it out by hand."""
        if self.url is None or self.parts is None:
            return (self.url,) if self.url else ()
        first, last = self.parts
        return tuple(self.url.replace("{part}", str(part)) for part in range(first, last + 1))


def load_downloads(root: Path = Path()) -> dict[str, Download]:
    """Returns every download of the grid below `root` by its id.

    Raises:
        VistokError: the file, a key or a value is wrong.
    """
    path = root / FILE
    return {
        name: validated(Download, name, entry, f"{path}, entry {name!r}")
        for name, entry in read_entries(path).items()
    }


def find_download(name: str, downloads: Mapping[str, Download]) -> Download:
    """Returns the download with an id.

    Raises:
        VistokError: there is none.
    """
    return find("download", name, downloads, FILE)


def downloads_for(path: str, downloads: Mapping[str, Download]) -> list[Download]:
    """Returns the downloads that put something at, above or below a path of the data root."""
    target = Path(path)
    return [
        entry
        for entry in downloads.values()
        if any(
            target.is_relative_to(held_path) or Path(held_path).is_relative_to(target)
            for held_path in entry.holds
        )
    ]


def require_by_hand(download: Download) -> VistokError:
    """Returns the error that says how to get what cannot be fetched."""
    return VistokError(
        f"{download.id} ({download.label}) must be fetched by hand. {download.agreement} Then lay it into "
        f"{download.into} below the data root, or: vistok fetch {download.id} --archive FILE"
    )
