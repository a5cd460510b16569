"""Kinds that no row of the smoke study has, made for real: a T5, trained whole, behind a linear connector."""

import json
import subprocess
import sys
from typing import Any

from safetensors import safe_open

RUN = "clip/whole/flan-t5-xxl/seed-0"
RANK = """
import json, torch
from vistok.datasets.images import load_image
from vistok.datasets.preprocessing import Preprocessing
from vistok.grid.load import load_study
from vistok.steps.models import load_trained
study = load_study("smoke")
run = study.run("RUN")
model, encoder = load_trained(study, run).eval(), study.encoder("clip")
from pathlib import Path
photograph = next(Path("data/smoke/coco/val2017").glob("*.jpg"))
image = Preprocessing(encoder.image_size, encoder.normalisation).evaluation(load_image(photograph, what="photograph"))
seen = model.see(torch.from_numpy(image)[None])
prompt = "</Img>Does ring exist in the image?"
print(json.dumps(model.llm.option_losses(model.conditioning(seen), [prompt], [["Yes.", "No.", "there is a red ring"]])))
""".replace("RUN", RUN)


def _whole(recipes: dict[str, Any]) -> None:
    recipes["whole"] = {
        "extends": "linear",
        "label": "whole",
        "trains": ["connector", "tokenizer", "llm"],
        "rates": {"llm": 0.5},
    }


def test_a_t5_is_trained_tuned_and_asked(built: Any) -> None:
    with built.changed("workflow/grid/recipes.yaml", _whole):
        built.build(*(f"results/smoke/{RUN}/{task}/predictions.jsonl" for task in ("vqav2", "coco-oc")))
        ranked = subprocess.run(
            [sys.executable, "-c", RANK],
            cwd=built.root, env=built._environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
    losses = json.loads(ranked.stdout)[0]
    assert [tokens for _, tokens in losses] == [1, 1, 5]
    assert all(loss > 0 for loss, _ in losses)
    folder = built.root / "checkpoints/smoke"
    with safe_open(folder / "mllms" / RUN / "model.safetensors", "pt") as tuned:
        names = {*tuned.keys()}
    with safe_open(folder / "llms/flan-t5-xxl/model.safetensors", "pt") as text_alone:
        own = {*text_alone.keys()}
    assert {name.split(".")[0] for name in names} == {"connector", "tokenizer", "llm"}
    assert {name.removeprefix("llm.network.") for name in names if name.startswith("llm.")} == own
    config = json.loads((folder / "llms/flan-t5-xxl/config.json").read_text())
    assert (config["architectures"], config["num_layers"]) == (["T5ForConditionalGeneration"], 2)
    lines = (built.root / f"results/smoke/{RUN}/coco-oc/predictions.jsonl").read_text().splitlines()
    assert lines and all("raw" in json.loads(line) for line in lines)


def test_an_edit_to_a_kind_that_no_row_has_reruns_nothing(built: Any) -> None:
    models = "src/vistok/mllm"
    with (
        built.edited(f"{models}/language_models/encoder_decoder.py", "starts = False", "starts = bool(0)"),
        built.edited(f"{models}/connectors/linear.py", "super().__init__()", "super().__init__(*())"),
    ):
        assert built.jobs() == set()
