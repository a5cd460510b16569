"""Gathers an image set of an official format into shards."""

import sys
from typing import Final

from vistok.datasets.manifest import MANIFEST, Manifest
from vistok.datasets.shards import write_shards
from vistok.errors import printable
from vistok.grid.paths import Paths
from vistok.grid.study import Study
from vistok.planning.listed import check_listed, image_set_names

_NAMED: Final = 20


def run(study: Study, image_set: str) -> None:
    """Writes `shards/<scale>/<image set>`."""
    paths = Paths(study)
    check_listed(study, image_set_names(study, image_set))
    write_shards(study.image_set(image_set), paths.data, paths.shards(image_set))
    if unusable := Manifest.read(paths.shards(image_set)).unusable:
        print(
            f"vistok: {image_set}: {len(unusable)} of its images are left out (`unusable` in {MANIFEST}): "
            + ", ".join(printable(f"{name} ({reason})") for name, reason in list(unusable.items())[:_NAMED]),
            file=sys.stderr,
        )
