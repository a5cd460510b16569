"""`vistok probe` on a few annotated images: a table on the terminal, and a sentence for whatever is wrong."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tests import official_ibq

from vistok.cli import main
from vistok.commands import probe as verb
from vistok.grid.load import load_study
from vistok.probes import readers
from vistok.probes.encoders import timm_encoder
from vistok.tokenizers.base import build_tokenizer

SMALL = ["vit_tiny_patch16_224", "--image-size", "32"]


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Sixteen images of four quarters, red or blue by category, in COCO's format; the last one has no file."""
    folder = tmp_path_factory.mktemp("coco")
    (folder / "images" / "train").mkdir(parents=True)
    chance = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(1, 18):
        kinds = chance.integers(0, 2, 4)
        colours = np.array([[220, 40, 40], [40, 40, 220]])[kinds].reshape(2, 2, 3)
        pixels = colours.repeat(20, 0).repeat(20, 1) + chance.integers(0, 30, (40, 40, 3))
        name = f"train/{number:012d}.png"
        if number < 17:
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / name)
        images.append({"id": number, "file_name": name, "height": 40, "width": 40})
        for quarter, kind in enumerate(kinds.tolist()):
            box = [20 * (quarter % 2), 20 * (quarter // 2), 20, 20]
            result = {
                "id": 4 * number + quarter,
                "image_id": number,
                "category_id": kind + 1,
                "bbox": box,
                "iscrowd": 0,
            }
            annotations.append(result)
    categories = [{"id": 1, "name": "ant"}, {"id": 2, "name": "bee"}]
    whole = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(whole))
    return str(folder / "images"), str(folder / "instances.json")


@pytest.fixture
def probe(coco: tuple[str, str], repository: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """Calls the verb; returns its exit status, what it prints, and what it complains of."""
    monkeypatch.chdir(repository)
    monkeypatch.setattr(
        readers, "_STEPS", 20
    )  # of a perceptron, of which nothing here asks what it has learnt

    def call(*words: str, images: str = coco[0], instances: str = coco[1]) -> tuple[int, str, str]:
        status = main(["probe", *words, "--images", images, "--instances", instances])
        output = capsys.readouterr()
        return status, output.out, output.err

    return call


def test_it_prints_an_encoder_beside_itself_untrained(probe, tmp_path: Path) -> None:
    encoder = timm_encoder("vit_tiny_patch16_224", weights="random", image_size=32)
    torch.manual_seed(5)
    tokenizer = build_tokenizer(encoder)
    with torch.no_grad():  # an encoder that tells colours better: its patches weigh more beside their places
        tokenizer.trunk.patch_embed.proj.weight.mul_(40)
    save_file(tokenizer.trunk.state_dict(), tmp_path / "mine.safetensors")
    status, out, _ = probe(
        *SMALL, "--weights", str(tmp_path / "mine.safetensors"), "--out", str(tmp_path / "out.json")
    )
    assert status == 0
    head, *lines = out.splitlines()
    assert head.startswith("64 boxes of 2 categories in 16 of 17 images")
    assert lines[0].split() == ["linear", "MLP", "category", "place", "rank"]
    assert [line.split()[0] for line in lines[1:4]] == ["vit_tiny_patch16_224", "untrained", "gain"]
    written = json.loads((tmp_path / "out.json").read_text())
    mine, control = written["vit_tiny_patch16_224"], written["untrained"]
    assert mine["linear"]["value"] == 100
    assert mine["shares"]["category"]["value"] > control["shares"]["category"]["value"] + 5
    assert f"{mine['shares']['category']['value']:.1f} +-" in lines[1]


def test_random_weights_gain_exactly_nothing(probe) -> None:
    status, out, _ = probe(*SMALL, "--weights", "random", "--first", "12")
    assert status == 0
    assert "48 boxes" in out and out.splitlines()[4].split()[:3] == ["gain", "0.0", "+-0.0"]
    assert "Training does NOT add category" in out


def test_a_convolutional_network_has_a_grid_too(probe) -> None:
    status, out, _ = probe("resnet10t", "--weights", "random")
    assert status == 0 and "resnet10t" in out


def test_a_released_tokenizer_with_a_codebook(
    probe, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the paper scale, whose entry is made small here."""
    study = load_study("paper", root=repository, data_root=str(tmp_path))
    entry = study.tokenizer("ibq-16384")
    small = {"arguments": official_ibq.SIZE, "image_size": 32, "tokens": 64, "width": official_ibq.WIDTH}
    changed = entry.model_copy(update={"encoder": entry.encoder.model_copy(update=small)})
    monkeypatch.setattr(
        verb, "study_of", lambda args: replace(study, tokenizers={**study.tokenizers, entry.id: changed})
    )
    status, out, err = probe("ibq-16384", "--scale", "paper")
    assert status != 0 and "weights not found" in err
    official_ibq.write_release(tmp_path / entry.encoder.weights)
    status, out, err = probe("ibq-16384", "--scale", "paper")
    assert (status, err) == (0, "") and "untrained: the same encoder with random weights" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["vit_tiny_patch16_223"], "unknown timm model 'vit_tiny_patch16_223'. Did you mean"),
        (["clip", "--image-size", "32"], "--image-size is for a model of timm"),
        (["vit_tiny_patch16_224", "--weights", "none.safetensors"], "weights not found"),
        ([*SMALL, "--weights", "random", "--first", "0"], "--first 0: at least one image"),
        ([*SMALL, "--weights", "random", "--first", "2"], "at least 8 images and 2 categories are needed"),
        (["resnet10t", "--weights", "random", "--image-size", "32"], "timm cannot build"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(words: list[str], message: str, probe) -> None:
    status, out, err = probe(*words)
    assert status == 1 and out == ""
    assert message in err and "Traceback" not in err


def test_a_folder_without_the_images_is_refused(probe, tmp_path: Path, coco: tuple[str, str]) -> None:
    for images, message in ((tmp_path, "none of the 17 images"), (tmp_path / "no", "does not exist")):
        status, _, err = probe(*SMALL, "--weights", "random", images=str(images))
        assert status == 1 and message in err
    (tmp_path / "empty.json").write_text('{"images": [], "annotations": [], "categories": []}')
    status, _, err = probe(*SMALL, "--weights", "random", instances=str(tmp_path / "empty.json"))
    assert status == 1 and "none of the 0 images" in err
    status, _, err = probe(*SMALL, "--weights", "random", "--out", coco[1])
    assert status == 1 and "would be lost" in err


def test_real_photographs(probe, shared_data: Path) -> None:
    folder = shared_data / "coco"
    status, out, err = probe(
        *SMALL, "--weights", "random", images=str(folder / "val2017"),
        instances=str(folder / "annotations" / "instances_val2017.json"),
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert " of 74 images" in out.splitlines()[0]
