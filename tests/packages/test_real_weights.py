"""Somebody else's encoder and language model, through the project's own entries and commands (make test-real)."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.packages.conftest import ASKED, RUN
from timm.data import ImageNetInfo

from vistok.checkpoints import read_config
from vistok.cli import main
from vistok.datasets.preprocessing import Preprocessing
from vistok.files import digest_file
from vistok.grid.needs import run_weight_names
from vistok.grid.study import Study
from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.base import LanguageModel
from vistok.planning.language_weights import check_language_model
from vistok.planning.listed import study_names
from vistok.planning.weights import check_tokenizer
from vistok.probes.presence import presence_auc
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_tokenizer

TOKENIZER = "efficientnet-lite0"
SHOWN = {"000000160012": "pizza", "000000519208": "Indian elephant", "000000343937": "ski"}
LEAST_SEEN = 7  # photographs of a category that the probe tells


def tokens_of(tokenizer: VisualTokenizer, files: list[Path]) -> torch.Tensor:
    prepare = Preprocessing(tokenizer.encoder.image_size, tokenizer.encoder.normalisation)
    with torch.no_grad():
        images = (torch.from_numpy(prepare.evaluation(Image.open(file).convert("RGB"))) for file in files)
        return torch.cat([tokenizer(image[None]) for image in images])


@pytest.fixture(scope="module")
def encoder(checkout: Path) -> VisualTokenizer:
    from vistok.grid.load import load_study

    entry = load_study("real", root=checkout).encoder(TOKENIZER)
    return load_tokenizer(entry, checkpoint=None, data_root=checkout).eval()


def test_the_doctor_finds_both(study: Study) -> None:
    assert check_tokenizer(study, TOKENIZER).endswith("shapes fit")
    for name in ("smollm2-packaged", "smollm2-in-gguf"):
        assert "134.5 million parameters; a question is 9 tokens" in check_language_model(study, name)


def test_the_encoder_names_what_photographs_show(
    encoder: VisualTokenizer, encoder_weights: Path, shared_data: Path
) -> None:
    """With the classifier that its file holds beside it, on the project's own preprocessing and tap."""
    files = [shared_data / f"coco/val2017/{name}.jpg" for name in SHOWN]
    if lacking := [file.name for file in files if not file.is_file()]:
        pytest.skip(f"not among the photographs here: {', '.join(lacking)}")
    whole = load_file(encoder_weights)
    logits = tokens_of(encoder, files).mean(1) @ whole["classifier.weight"].T + whole["classifier.bias"]
    names = [ImageNetInfo().index_to_description(int(best)) for best in logits.argmax(1)]
    assert [name.partition(",")[0] for name in names] == list(SHOWN.values())
    assert (logits.softmax(1).amax(1) > 0.9).all()


def test_the_encoder_tells_categories_and_the_same_one_untrained_does_not(
    encoder: VisualTokenizer, photographs: Path, shared_data: Path
) -> None:
    files = sorted((shared_data / "coco/val2017").glob("*.jpg"))
    annotations = json.loads((shared_data / "coco/annotations/instances_val2017.json").read_text())[
        "annotations"
    ]
    shows = {(each["image_id"], each["category_id"]) for each in annotations}
    categories = sorted({category for _, category in shows})
    presence = np.array([[(int(file.stem), category) in shows for category in categories] for file in files])
    often = presence[:, (presence.sum(0) >= LEAST_SEEN) & (presence.sum(0) <= len(files) - LEAST_SEEN)]
    torch.manual_seed(0)
    untrained = build_tokenizer(encoder.encoder).eval()
    areas = []
    for tokenizer in (encoder, untrained):
        tokens = tokens_of(tokenizer, files).numpy()
        areas.append(np.mean([presence_auc(tokens, often, seed=seed) for seed in range(10)]))
    trained, control = areas
    print(f"linear AUC {trained:.1f}, untrained {control:.1f}, {often.shape[1]} categories")
    assert trained >= 80 and control <= 70


def test_the_language_model_knows_a_fact(language_model: LanguageModel) -> None:
    asked = ["The capital of France is", "The opposite of hot is"]
    told = language_model.generate(
        language_model.unconditioned(2), asked, Decoding(beams=1, max_new_tokens=2)
    )
    assert told[0].startswith("Paris") and told[1].startswith("cold")


def test_two_steps_are_trained_and_photographs_asked_about_with_the_same_bytes_twice(
    study: Study, photographs: Path, checkout: Path
) -> None:
    """From official files to scores, by the commands that the rules call."""
    scale = ["--scale", "real"]
    read = [*study_names(study), *run_weight_names(study, study.run(RUN))]
    assert main(["list-data", *read, *scale]) == 0
    assert main(["write-shards", "photographs", *scale]) == 0
    digests = []
    for _ in range(2):
        for made in ("checkpoints", "results", "state"):
            shutil.rmtree(checkout / made, ignore_errors=True)
        assert main(["tune-mllm", RUN, *scale]) == 0
        assert main(["answer", RUN, "--suite", "gvt", *scale]) == 0
        made = [
            *(checkout / "checkpoints").rglob("*.safetensors"),
            *(checkout / "results").rglob("predictions.jsonl"),
        ]
        digests.append({file.relative_to(checkout): digest_file(file) for file in sorted(made)})
    assert digests[0] == digests[1]
    (mllm,) = (checkout / "checkpoints").rglob("model.safetensors")
    assert read_config(mllm.parent)["frozen"].keys() == {"tokenizer", "llm", "words"}
    assert main(["score-run", RUN, "--suite", "gvt", *scale]) == 0
    counts, words = {}, 0
    for file in (checkout / "results").rglob("predictions.jsonl"):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        counts[file.parent.name] = len(rows)
        words += sum(bool(row["answer"]) for row in rows)
        if rows:
            assert json.loads((file.parent / "metrics.json").read_text())["n"] == len(rows)
    assert counts["coco-caption"] == ASKED and words  # after two steps most answers end where they start
    assert counts["coco-oc"] > 0 and counts["coco-mci"] > 0 and counts["vqav2"] == 0
