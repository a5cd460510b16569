"""Gathers an image set of an official format into shards."""

from vistok.datasets.shards import write_shards
from vistok.grid.load import Study
from vistok.grid.paths import Paths
from vistok.planning.listed import check_listed, image_set_names


def run(study: Study, image_set: str) -> None:
    """Writes `shards/<scale>/<image set>`."""
    paths = Paths(study)
    check_listed(study, image_set_names(study, image_set))
    write_shards(study.image_set(image_set), paths.data, paths.shards(image_set))
