"""The figure of probes shows every tokenizer, its floor and its ceiling, and marks what pretraining did not add."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

from vistok.errors import VistokError
from vistok.files import write_json
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.pages.drawing import BLIND
from vistok.pages.probes import Probed, probed, probes_figure
from vistok.steps.draw_curves import _ceilings


def record(linear: float, category: float, **more: object) -> dict[str, object]:
    return {
        "linear": {"value": linear, "error": 0.5},
        "mlp": None,
        "shares": {"category": {"value": category, "error": 0.4}, "background": {"value": 2.0, "error": 0.1}},
        "rank": 12.0,
        "amiss": [],
        **more,
    }


ENTRIES = [
    Probed("clip", "row", (record(96, 40), record(95, 41))),
    Probed("dino", "row", (record(83, 1, amiss=["a reason"]),)),
    Probed("untrained", "floor", (record(83, 8),)),
    Probed("perfect", "ceiling", (record(100, 29),)),
]


def test_the_same_probes_give_the_same_bytes() -> None:
    before = probes_figure(ENTRIES, "Table 2")
    with mpl.rc_context({"font.size": 20}):
        assert probes_figure(ENTRIES, "Table 2") == before
    assert probes_figure(ENTRIES[:-1], "Table 2") != before
    assert before.startswith("<?xml") and not re.search(r"\d\d:\d\d:\d\d", before)


def test_what_is_amiss_has_a_mark_of_its_own() -> None:
    sound = [entry for entry in ENTRIES if entry.name != "dino"]
    assert probes_figure(ENTRIES, "").count(BLIND) > probes_figure(sound, "").count(BLIND)


def test_it_reads_the_checkpoints_of_a_table(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workflow").symlink_to(repository / "workflow")
    monkeypatch.chdir(tmp_path)
    study = load_study("mini")
    wanted = study.pretrainings(study.runs("table-2"))
    for pretrained in wanted:
        write_json(Paths(study).pretrained(pretrained) / "config.json", {"probe": record(90, 20)})
    result = probed(study, "table-2")
    assert [entry.kind for entry in result] == ["row"] * (len(result) - 1) + ["floor"]
    assert {entry.name: len(entry.records) for entry in result}["clip"] == 3
    write_json(Paths(study).pretrained(wanted[0]) / "config.json", {"probe_auc": 90})
    with pytest.raises(VistokError, match=r"has no probe in its config\.json"):
        probed(study, "table-2")


def test_a_ceiling_is_probed_as_it_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    import numpy as np
    from PIL import Image

    from vistok.datasets.coco import ObjectAnnotation
    from vistok.datasets.rows import ImageRow
    from vistok.datasets.shards import write_rows

    study = load_study("mini")
    stream = io.BytesIO()
    Image.new("RGB", (48, 48)).save(stream, "PNG")
    chance = np.random.default_rng(0)
    rows = (
        ImageRow(
            str(number),
            stream.getvalue(),
            objects=tuple(
                ObjectAnnotation(
                    ("ant", "bee", "cat")[chance.integers(3)], (16.0 * cell, 0.0, 15.0, 15.0), False
                )
                for cell in range(3)
            ),
        )
        for number in range(40)
    )
    monkeypatch.chdir(tmp_path)
    write_rows(rows, Paths(study).shards("coco-train"), categories=("ant", "bee", "cat"))
    (found,) = _ceilings(study, "table-2")
    assert (found.name, found.kind) == ("perfect", "ceiling")
    assert found.records[0]["linear"]["value"] == 100
