"""Reconstructions of photographs are measured as elsewhere: against small references, and refused otherwise."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from scipy.linalg import sqrtm
from tests.official_inception import FILE, features, write_inception, write_photographs
from tests.supervision.ibq.conftest import training
from torch import Tensor

from vistok.errors import VistokError
from vistok.grid.ett import EttPaths
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning.ett import files_read, listed_names
from vistok.planning.listed import write_list
from vistok.probes.photographs import square
from vistok.steps import photographs, reconstruct
from vistok.tables.ett_reconstruction import assemble_reconstruction
from vistok.tokenizers.ibq.model import Ibq

NUMBER = 9
State = dict[str, Tensor]


@pytest.fixture
def study(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The paper scale with nine photographs of 48 pixels, of which two may be absent or broken."""
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISTOK_DEVICE", "cpu")
    file = tmp_path / "workflow/scales/ett/paper.yaml"
    entry = yaml.safe_load(file.read_text())
    entry["reconstruction"].update(number=NUMBER, unusable=2, side=48, batch=4)
    file.write_text(yaml.safe_dump(entry))
    loaded = load_study("paper", data_root="data")
    return replace(loaded, scale=loaded.scale.model_copy(update={"bootstrap_resamples": 50}))


@pytest.fixture
def tokenizers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Ibq]:
    """Two small ones in the place of the scale's six."""
    size = training().network
    monkeypatch.setattr(photographs, "network_of", lambda study: size)
    made: dict[str, Ibq] = {}
    for seed, name in enumerate(("ibq", "embedding-tuned")):
        torch.manual_seed(seed)
        made[name] = Ibq(size).eval()
    monkeypatch.setattr(reconstruct, "_tokenizers", lambda study: made.items())
    return made


def measured(study: Study) -> Any:
    for name in ("imagenet/val", FILE):
        write_list(study, name)
    reconstruct.run(study)
    return json.loads(EttPaths(study).reconstruction.read_text())


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The Fréchet distance by the root of a matrix, in the space of all differences, where it is regular."""
    _, _, basis = np.linalg.svd(
        np.concatenate([one - one.mean(0), other - other.mean(0)]), full_matrices=False
    )
    first, second = (np.cov(each @ basis.T, rowvar=False) for each in (one, other))
    apart = one.mean(0) - other.mean(0)
    root = sqrtm(first @ second)
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * np.trace(np.real(root)))


def test_each_row_has_what_a_small_reference_has(study: Study, tokenizers: dict[str, Ibq]) -> None:
    names, state = write_photographs(Path("data"), NUMBER), write_inception(Path("data"))
    record = measured(study)
    rows = record["rows"]
    assert {*rows} == {"ibq", "embedding-tuned", "patch-means", "true"}
    squares = torch.stack([square(Image.open(f"data/imagenet/val/{name}"), 48) for name in sorted(names)])
    images = squares.float() / 127.5 - 1
    own = features(state, images).double().numpy()
    for name, model in tokenizers.items():
        with torch.no_grad():
            painted = model(images)[0].clamp(-1, 1)
        expected = distance(own, features(state, painted).double().numpy())
        assert rows[name]["rfid"]["value"] == pytest.approx(expected, rel=1e-3) and expected > 0
        levels = ((painted + 1) * 127.5).round()
        psnr = 20 * np.log10(255) - 10 * (levels - squares).square().mean((1, 2, 3)).log10()
        assert rows[name]["psnr"]["value"] == pytest.approx(float(psnr.mean()), rel=1e-4)
        codes = model.codes(squares)
        assert rows[name]["use"]["value"] == pytest.approx(
            100 * len(codes.unique()) / model.size.codes, abs=1e-3
        )
        assert rows[name]["psnr"]["low"] <= rows[name]["psnr"]["value"] <= rows[name]["psnr"]["high"]
        assert -1 < rows[name]["ssim"]["value"] < 1 and rows[name]["ssim"]["n"] == NUMBER
    floor = distance(own[::2], own[1::2])
    assert rows["true"] == {
        "rfid": {"value": pytest.approx(floor, rel=1e-3), "low": None, "high": None, "n": 4}
    }
    assert "use" not in rows["patch-means"] and record["protocol"]["images"] == NUMBER
    assert record["protocol"]["left_out"] == [] and len(record["protocol"]["features_digest"]) == 64


def test_a_few_broken_photographs_are_left_out_and_named(study: Study, tokenizers: dict[str, Ibq]) -> None:
    names = write_photographs(Path("data"), NUMBER)
    write_inception(Path("data"))
    for name in names[:1]:
        Path("data/imagenet/val", name).write_bytes(b"no image")
    Path("data/imagenet/val", names[3]).unlink()
    record = measured(study)
    assert record["protocol"]["left_out"] == names[:1] and record["protocol"]["absent"] == 1
    assert record["rows"]["ibq"]["rfid"]["n"] == record["protocol"]["images"] == NUMBER - 2
    report = assemble_reconstruction(study, EttPaths(study).reconstruction)
    assert [column.title for column in report.columns] == ["PSNR", "SSIM", "rFID", "Codes", "Perplexity"]
    assert "7 photographs of imagenet/val (1 were absent, 1 broken)" in report.columns[2].protocols["ours"]
    Path("data/imagenet/val", names[5]).write_bytes(b"no image")
    with pytest.raises(
        VistokError, match=r"9 photographs are needed, of which 2 .*8 are there, and a photograph in"
    ):
        measured(study)


def test_what_is_missing_is_named_before_anything_is_measured(study: Study) -> None:
    assert {"imagenet/val", FILE} <= {*files_read(study, [study.run("ibq/embedding-frozen/qwen-2-5/seed-0")])}
    assert "imagenet/val" not in listed_names(study)
    write_photographs(Path("data"), 3)
    write_inception(Path("data"))
    assert {"imagenet/val", FILE} <= {*listed_names(study)}
    with pytest.raises(
        VistokError, match=r"data/imagenet/val: 9 photographs are needed.*; 3 are there\. Get them"
    ):
        measured(study)
    shutil.rmtree("data/imagenet")
    with pytest.raises(VistokError, match=r"_00000001\.JPEG is gone, and 2 more since its files were listed"):
        reconstruct.run(study)


def test_a_square_is_the_middle_of_the_image() -> None:
    ramp = np.broadcast_to(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], (50, 100, 3))
    shown = square(Image.fromarray(np.ascontiguousarray(ramp)), 50)
    assert torch.equal(shown[0, 0], torch.arange(50, 150, 2, dtype=torch.uint8))
    assert square(Image.fromarray(np.ascontiguousarray(ramp[:, ::-1].transpose(1, 0, 2))), 16).shape == (
        3,
        16,
        16,
    )
