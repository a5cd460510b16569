"""`vistok detect` with small networks in the official layout, and what it makes of masks, by hand."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor
from torch.nn import functional
from transformers import (
    AutoTokenizer,
    CLIPConfig,
    CLIPModel,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    SwinConfig,
)
from transformers.utils import logging

from vistok.cli import main
from vistok.datasets.geneval_images import CLASSES, COLOURS, Detection
from vistok.errors import VistokError
from vistok.evaluation.answer import colours as colours_module
from vistok.evaluation.answer import detector as detector_module
from vistok.evaluation.answer import generated
from vistok.evaluation.answer.colours import ColourClassifier, load_colours
from vistok.evaluation.answer.detector import Detector, Found
from vistok.evaluation.answer.published import load_published

BUS: Final = {
    "tag": "colors",
    "include": [{"class": "bus", "count": 1, "color": "red"}],
    "prompt": "a red bus",
}
BENCH: Final = {
    "tag": "single_object",
    "include": [{"class": "bench", "count": 1}],
    "prompt": "a photo of a bench",
}
CLIP_MEAN, CLIP_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


def mask2former(folder: Path, labels: int = 80) -> str:
    """A small Mask2Former that is sure of a bus wherever its random masks are."""
    torch.manual_seed(0)
    swin = SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    sizes = dict.fromkeys(
        ("feature_size", "mask_feature_size", "hidden_dim", "encoder_feedforward_dim", "dim_feedforward"), 32
    )
    config = Mask2FormerConfig(
        backbone_config=swin,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        num_queries=4,
        num_labels=labels,
        **sizes,
    )
    network = Mask2FormerForUniversalSegmentation(config)
    with torch.no_grad():
        network.class_predictor.bias[CLASSES.index("bus")] = 12.0
    network.save_pretrained(folder)
    return str(folder)


def clip(folder: Path) -> str:
    """A small CLIP with the alphabet of the official tokenizer, and no merges."""
    torch.manual_seed(1)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = small | {"vocab_size": 514, "bos_token_id": 512, "eos_token_id": 513, "pad_token_id": 513}
    vision = small | {"image_size": 32, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).save_pretrained(folder)
    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    return str(folder)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return mask2former(tmp_path_factory.mktemp("mask2former")), clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def images(tmp_path: Path) -> tuple[Path, Path]:
    """Two prompts with two images each, as GenEval's tools lay them out."""
    prompts, folder = tmp_path / "evaluation_metadata.jsonl", tmp_path / "images"
    prompts.write_text("".join(f"{json.dumps(row)}\n" for row in (BUS, BENCH)))
    rng = np.random.default_rng(0)
    for position, row in enumerate((BUS, BENCH)):
        part = folder / f"{position:05}"
        (part / "samples").mkdir(parents=True)
        (part / "metadata.jsonl").write_text(json.dumps(row))
        for number in range(2):
            pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(part / "samples" / f"{number:04}.png")
        Image.new("RGB", (9, 9)).save(part / "grid.png")
    return folder, prompts


def test_a_folder_of_images_is_detected_scored_and_gone_on_with(
    images: tuple[Path, Path], networks: tuple[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(detector_module, "_SHORT", 64)
    out = tmp_path / "detections.jsonl"
    words = ["detect", str(images[0]), "--prompts", str(images[1]), "--out", str(out)]
    words += ["--detector", networks[0], "--clip", networks[1]]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{out}: what is seen in 4 images, 4 of them new\n"
    rows, whole = [json.loads(line) for line in out.read_text().splitlines()], out.read_bytes()
    assert [(row["prompt"], row["image"]) for row in rows] == [
        (position, f"{position:05}/samples/{number:04}.png") for position in (0, 1) for number in (0, 1)
    ]
    for row in rows:
        assert {each["class"] for each in row["detections"]} == {"bus"}
        coloured = [each for each in row["detections"] if "color" in each]
        buses = [each["score"] for each in row["detections"] if each["class"] == "bus"]
        assert [(each["class"], each["score"]) for each in coloured] == [("bus", max(buses))][
            : row["prompt"] == 0
        ]
    score = ["score", "geneval", "--prompts", str(images[1]), "--detections", str(out)]
    assert main(score) == 0
    assert "of 2 geneval prompts, 4 images" in capsys.readouterr().out

    # Two of four lines are lost, and one image changes: three are new, and the rest is as before.
    out.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    Image.new("RGB", (64, 48)).save(images[0] / "00000/samples/0001.png")
    assert main(words) == 0
    said = "4 images, 3 of them new; 1 old line of other images, prompts or networks dropped\n"
    assert capsys.readouterr().out.endswith(said)
    again = out.read_bytes().splitlines()
    assert [line in whole.splitlines() for line in again] == [True, False, True, True]

    monkeypatch.setattr(generated, "_AT_ONCE", 1)
    out.unlink()
    seen, calls = Detector.seen, []

    def stopping(self: Detector, image: Image.Image) -> list[Found]:
        calls.append(image)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return seen(self, image)

    monkeypatch.setattr(Detector, "seen", stopping)
    assert main(words) == 130
    assert out.read_bytes().splitlines() == again[:2]
    assert main(words) == 0
    assert capsys.readouterr().out.endswith("4 images, 2 of them new\n")
    assert out.read_bytes().splitlines() == again


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"made_from": []}], "1 of 1 record without a text `made_from` (first: record 1)"),
        (
            [{"made_from": "a"}, {"notes": "mine"}],
            "1 of 2 records without a text `made_from` (first: record 2)",
        ),
        ([{"prompt": 0, "image": "a.png", "detections": []}], "vistok detect did not write it"),
        ([{"made_from": "a"}], "none of its 1 record is of these images and prompts"),
        ([{"made_from": "a"}, {"made_from": "b"}], "none of its 2 records is of these images and prompts"),
    ],
)
def test_a_file_of_something_else_is_refused_before_anything_is_loaded(
    images: tuple[Path, Path], tmp_path: Path, rows: list[Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "notes.jsonl"
    out.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    before = out.read_bytes()
    words = ["--prompts", str(images[1]), "--out", str(out), "--detector", str(tmp_path / "nowhere")]
    assert main(["detect", str(images[0]), *words]) == 1
    complaint = capsys.readouterr().err
    assert said in complaint and "It is left as it is. Name another --out." in complaint
    assert out.read_bytes() == before


def test_lines_of_other_images_prompts_or_networks_are_not_lost(
    images: tuple[Path, Path], networks: tuple[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(detector_module, "_SHORT", 64)
    folder, prompts = images
    out, other = tmp_path / "detections.jsonl", tmp_path / "other"
    ask = ["--out", str(out), "--clip", networks[1], "--prompts", str(prompts), "--detector"]
    assert main(["detect", str(folder), *ask, networks[0]]) == 0
    before = out.read_bytes()

    (other / "00000/samples").mkdir(parents=True)
    Image.new("RGB", (64, 48)).save(other / "00000/samples/0000.png")
    unloadable = str(tmp_path / "nowhere")
    assert main(["detect", str(other), *ask, unloadable]) == 1  # other bytes under the same names
    assert "none of its 4 records is of these images and prompts" in capsys.readouterr().err
    for row in (part / "metadata.jsonl" for part in folder.iterdir()):
        row.unlink()
    prompts.write_text("".join(f"{json.dumps(row)}\n" for row in (BENCH, BUS)))
    assert main(["detect", str(folder), *ask, unloadable]) == 1
    assert "none of its 4 records is of these images and prompts" in capsys.readouterr().err
    prompts.write_text("".join(f"{json.dumps(row)}\n" for row in (BUS, BENCH)))

    network = Mask2FormerForUniversalSegmentation.from_pretrained(networks[0])
    with torch.no_grad():
        network.class_predictor.bias[0] += 1
    network.save_pretrained(tmp_path / "retrained")
    assert main(["detect", str(folder), *ask, str(tmp_path / "retrained")]) == 1
    assert "none of its 4 records is of this detector and this CLIP" in capsys.readouterr().err
    assert out.read_bytes() == before


class Sure:
    """A network with chosen masks, at a quarter of what it is shown: a rectangle each, sure of it by its logit."""

    config = SimpleNamespace(num_labels=80)
    device = torch.device("cpu")

    def __init__(self, classes: Tensor, logits: tuple[float, ...]) -> None:
        self.classes, self.logits, self.shown = classes, logits, torch.empty(0)

    def eval(self) -> "Sure":
        return self

    def requires_grad_(self, needed: bool) -> "Sure":
        return self

    def __call__(self, pixel_values: Tensor) -> Any:
        self.shown = pixel_values
        height, width = (side // 4 for side in pixel_values.shape[-2:])
        masks = torch.full((1, len(self.logits), height, width), -20.0)
        for query, logit in enumerate(self.logits):
            masks[0, query, 50:100, 20:120] = logit  # rows 200 to 400, columns 80 to 480 of what it is shown
        return SimpleNamespace(class_queries_logits=self.classes[None], masks_queries_logits=masks)


def test_masks_are_read_as_mmdet_reads_them() -> None:
    classes = torch.zeros(4, 81)
    classes[0, [CLASSES.index("bench"), CLASSES.index("bear")]] = torch.tensor(
        [9.0, 9.0]
    )  # one query, two classes
    classes[1, CLASSES.index("tv remote")] = 12.0
    classes[2, 80] = 12.0  # nothing
    classes[3, CLASSES.index("bus")] = 12.0
    network: Any = Sure(classes, (20.0, 1.0, 20.0, -1.0))  # the last is nowhere
    found = Detector(network).seen(Image.new("RGB", (1000, 500), (124, 116, 104)))
    # 1000 x 500 fits 1333 x 800 at 1333 x 667, by the longer side; padded to 1344 x 672 with zeros.
    assert network.shown.shape == (1, 3, 672, 1344)
    assert network.shown[..., :667, :1333].abs().max() < 0.02 and not network.shown[..., 667:, :].any()
    by_class = {each.detection.category: each for each in found}
    assert set(by_class) == {"bench", "bear", "tv remote"} and len(found) == 3
    half = float(classes[0].softmax(0)[CLASSES.index("bench")])
    assert by_class["bench"].detection.score == pytest.approx(half, abs=0.01) and half < 0.5
    sure = float(classes[1].softmax(0).max() * torch.tensor(1.0).sigmoid())
    assert by_class["tv remote"].detection.score == pytest.approx(sure, abs=0.03)
    box = by_class["bench"].detection.box
    assert box == pytest.approx([80 * 0.75, 200 * 0.75, 480 * 0.75, 400 * 0.75], abs=2)
    mask = by_class["bench"].mask
    assert mask.shape == (500, 1000) and mask[int(box[1]) + 2, int(box[0]) + 2]
    assert mask.sum() == pytest.approx(300 * 150, rel=0.03)
    assert Detector(Sure(torch.zeros(4, 81), (1.0,) * 4)).seen(Image.new("RGB", (20, 20))) == []  # type: ignore[arg-type]


def test_an_object_is_cut_out_before_grey_and_named_by_three_sentences(networks: tuple[str, str]) -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[10:30, 5:45] = rng.random((20, 40)) < 0.6
    mask[10, 5] = mask[29, 44] = True
    found = Found(Detection("cup", 0.9, (5, 10, 45, 30)), mask)
    colours = load_colours(networks[1], torch.device("cpu"))
    named = colours.colours(Image.fromarray(pixels), [found])

    cut = np.where(mask[..., None], pixels, 0x99).astype(np.uint8)[10:30, 5:45]
    scaled = np.array(Image.fromarray(cut).resize((64, 32), Image.Resampling.BICUBIC))[:, 16:48]
    normal = (scaled / 255 - np.array(CLIP_MEAN)) / np.array(CLIP_DEVIATION)
    network, words = colours.network, AutoTokenizer.from_pretrained(networks[1], trust_remote_code=False)
    with torch.no_grad():
        image = network.get_image_features(
            pixel_values=torch.tensor(normal, dtype=torch.float32).permute(2, 0, 1)[None]
        )
        likeness = []
        for colour in COLOURS:
            sentences = [
                f"a photo of a {colour} cup",
                f"a photo of a {colour}-colored cup",
                f"a photo of a {colour} object",
            ]
            rows = [
                network.get_text_features(**words([one], return_tensors="pt")).pooler_output[0]
                for one in sentences
            ]
            mean = torch.stack([functional.normalize(row, dim=0) for row in rows]).mean(dim=0)
            likeness.append(float(functional.cosine_similarity(image.pooler_output[0], mean, dim=0)))
    assert named == [COLOURS[int(np.argmax(likeness))]]
    assert isinstance(colours, ColourClassifier) and np.ptp(likeness) > 1e-3


def test_what_does_not_fit_is_refused_before_anything_is_loaded(
    images: tuple[Path, Path], networks: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, prompts = images
    words = [
        "--prompts",
        str(prompts),
        "--out",
        str(tmp_path / "out.jsonl"),
        "--detector",
        str(tmp_path / "nowhere"),
    ]

    def complaint(where: Path, *more: str) -> str:
        assert main(["detect", str(where), *words, *more]) == 1
        return capsys.readouterr().err

    assert "does not exist. Name the folder of the generated images" in complaint(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "holds no images: files such as 00000/samples/0000.png" in complaint(tmp_path / "empty")
    assert "nowhere' cannot be loaded" in complaint(folder)
    (folder / "00001/metadata.jsonl").write_text(json.dumps(BUS))
    assert "is not the prompt at position 1, 'a photo of a bench'" in complaint(folder)
    (folder / "00001").rename(folder / "00002")
    assert "00002 is of no prompt: the 2 prompts are 0 to 1" in complaint(folder)
    prompts.write_text(json.dumps(BUS))
    assert "00002 is of no prompt: only 0 is there" in complaint(folder)
    (folder / "00002").rename(folder / "0")
    assert f"{folder / '0'} and {folder / '00000'} are both of the prompt at position 0" in complaint(folder)
    prompts.write_text("")
    assert "has no prompts. Name the evaluation_metadata.jsonl" in complaint(folder)
    prompts.write_text(f"{json.dumps(BUS)}\n" * 2)
    assert "2 prompts, 1 of them different" in complaint(folder)
    prompts.write_text(json.dumps({**BENCH, "include": [{"class": "ring", "count": 1}]}))
    assert "unknown class of GenEval 'ring'" in complaint(folder)


def test_other_networks_are_refused(networks: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="knows 133 classes, and GenEval's prompts are about COCO's 80"):
        detector_module.load_detector(mask2former(tmp_path / "panoptic", 133), torch.device("cpu"))
    (tmp_path / "wordless").mkdir()
    for file in ("config.json", "model.safetensors"):
        (tmp_path / "wordless" / file).write_bytes((Path(networks[1]) / file).read_bytes())
    with pytest.raises(VistokError, match=r"wordless' cannot be loaded: its tokenizer has \d+ words"):
        load_colours(str(tmp_path / "wordless"), torch.device("cpu"))


def test_networks_are_not_fetched(networks: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    class Absent:
        @staticmethod
        def from_pretrained(name: str, *, local_files_only: bool = False, **_: Any) -> Any:
            asked.append(local_files_only)
            raise OSError("It is not here.\n")

    def complaint(loaded: Callable[[], object]) -> str:
        with pytest.raises(VistokError) as caught:
            loaded()
        return str(caught.value)

    monkeypatch.setattr(colours_module, "AutoTokenizer", Absent)
    wordless = complaint(lambda: load_colours(networks[1], torch.device("cpu")))
    assert wordless == complaint(lambda: load_published(Absent, networks[1]))
    assert wordless.endswith("cannot be loaded: It is not here. Name a folder that has it.")
    assert asked == [True, True]
    said = "It is not here. Name a folder that has it, or fetch it on a machine with network: hf download some/body"
    assert complaint(lambda: load_published(Absent, "some/body")).endswith(said)
