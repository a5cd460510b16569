"""What a tokenizer's checkpoint says of its probe, read without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vistok.errors import VistokError
from vistok.reading import read_json


def read_probe(checkpoint: Path) -> Mapping[str, Any]:
    """Returns what a tokenizer's checkpoint says of its probe.

    Raises:
        VistokError: it says nothing.
    """
    config = read_json(checkpoint / "config.json", what="checkpoint configuration")
    if not isinstance(config, dict) or not isinstance(config.get("probe"), dict):
        raise VistokError(
            f"{checkpoint} has no probe in its config.json: it was made by an earlier version. Delete it and make it "
            f"again: snakemake {checkpoint} --cores 2, with the --config of its scale."
        )
    probe: Mapping[str, Any] = config["probe"]
    return probe
