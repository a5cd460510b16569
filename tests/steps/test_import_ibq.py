"""A released tokenizer and LPIPS become checkpoints of this project's own, from files in their official layouts."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests import official_ibq
from tests.official_ibq import SIZE, codes_of, write_release
from tests.official_lpips import distance, write_lpips
from tests.supervision.ibq.conftest import pictures

from vistok.datasets.shards import write_rows
from vistok.errors import VistokError
from vistok.grid.ett import EttPaths
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.planning.ett import check_released
from vistok.steps import generate, lengthen_ibq, reconstruct, train_cell_nets, train_ibq
from vistok.steps.ett_models import load_ibq, load_perceptual
from vistok.tokenizers.ibq.model import from_bytes

RELEASE = "weights/imagenet256_262144.ckpt"


def edit(file: Path, change: Any) -> None:
    value = yaml.safe_load(file.read_text())
    change(value)
    file.write_text(yaml.safe_dump(value, sort_keys=False))


@pytest.fixture
def checkout(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose paper scale takes a small release, and a data root without released files."""
    shutil.copytree(repository / "workflow", tmp_path / "workflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISTOK_DEVICE", "cpu")
    small = {
        "arguments": SIZE,
        "image_size": 32,
        "tokens": 64,
        "width": official_ibq.WIDTH,
        "parameters_m": 1.0,
    }
    edit(
        tmp_path / "workflow/grid/tokenizers.yaml",
        lambda known: known["ibq-262144-512"]["encoder"].update(small),
    )
    edit(
        tmp_path / "workflow/scales/ett/paper.yaml",
        lambda scale: scale.update(
            reconstruction=None,
            generation=None,
            tokenizer={
                **scale["tokenizer"], "gate_images": 12, "least_use": 0.2, "least_psnr": 1, "discriminator_channels": 8,
                "discriminator_halvings": 1,
            },
            recipes={"all": {"steps": 2, "batch": 4, "optimiser": {"warmup_steps": 1, "learning_rate": 1.0e-3}}},
        ),
    )  # fmt: skip
    edit(
        tmp_path / "workflow/scales/paper.yaml",
        lambda scale: scale.update(mixture=["coco-train"], resources={"all": {"positions": 64}}),
    )
    write_rows(pictures(16, 0), tmp_path / "shards/paper/coco-train", categories=("square", "bar"))
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.fixture
def study(checkout: Path) -> Study:
    return load_study("paper", data_root="data")


def test_released_files_become_checkpoints_and_the_control_trains_on(checkout: Path, study: Study) -> None:
    paths = EttPaths(study)
    with pytest.raises(
        VistokError, match=r"data: weights/imagenet256_262144\.ckpt, .*lpips/vgg\.pth.*fetch lpips-vgg16"
    ):
        check_released(study)
    state, (vgg, learnt) = write_release(checkout / "data" / RELEASE), write_lpips(checkout / "data")
    assert str(check_released(study)).startswith("in data: ")
    train_ibq.run(study)
    assert check_released(study).imported
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(load_ibq(study).codes(images), codes_of(state, from_bytes(images)))
    config = json.loads((paths.checkpoint("ibq") / "config.json").read_text())
    assert config["network"]["codes"] == config["use"]["codes"] == official_ibq.CODES
    assert 1 < config["use"]["perplexity"] <= config["use"]["used"]
    assert config["psnr"] > 1
    inputs = json.loads((paths.checkpoint("ibq") / "provenance.json").read_text())["inputs"]
    assert {"shards/paper/coco-train", "spec", RELEASE} == {*inputs}
    lpips, (one, two) = load_perceptual(study), (from_bytes(images[:1]), from_bytes(images[1:]))
    assert lpips(one, two).item() == pytest.approx(distance(vgg, learnt, one, two).item(), rel=1e-5)
    lengthen_ibq.run(study)
    before, after = load_ibq(study).state_dict(), load_ibq(study, "ibq-longer").state_dict()
    moved = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"encoder", "into", "codebook", "out_of", "decoder"}


def test_a_release_of_which_few_codes_occur_is_refused(checkout: Path, study: Study) -> None:
    flat = torch.zeros(official_ibq.CODES, official_ibq.WIDTH)
    flat[3] = 1.0
    write_release(checkout / "data" / RELEASE, averaged=False, **{"quantize.embedding.weight": flat})
    write_lpips(checkout / "data")
    with pytest.raises(
        VistokError,
        match=r"'ibq-262144-512': . of 40 codes are in use .* 20 % are needed: no release uses so few",
    ):
        train_ibq.run(study)
    assert not EttPaths(study).checkpoint("ibq").exists()


def test_a_release_that_decodes_other_images_is_refused(checkout: Path, study: Study) -> None:
    bright = torch.full((3,), 100.0)
    edit(
        checkout / "workflow/scales/ett/paper.yaml",
        lambda scale: scale["tokenizer"].update(least_psnr=15),
    )
    write_release(checkout / "data" / RELEASE, averaged=False, **{"decoder.conv_out.bias": bright})
    write_lpips(checkout / "data")
    with pytest.raises(
        VistokError, match=r"'ibq-262144-512': its reconstructions have a PSNR of .* dB, and 15 are needed"
    ):
        train_ibq.run(study)
    assert not EttPaths(study).checkpoint("ibq").exists()


def test_what_this_scale_does_not_do_is_refused_in_a_sentence(study: Study) -> None:
    for step in (train_cell_nets, reconstruct):
        with pytest.raises(VistokError, match=r"no networks .*'paper': .*ett/paper\.yaml has no judge"):
            step.run(study)
    with pytest.raises(
        VistokError, match=r"no images are drawn .*'paper': .*has no `generation`\. Name a scale"
    ):
        generate.run(study)
