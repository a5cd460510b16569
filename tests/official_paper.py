"""The paper scale made small: a clone's entries of encoders and language models, and stand-ins of all official files.

Sizes alone are changed; layouts, names, rows, tasks, prompts and protocols are those of the paper scale.
"""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import yaml
from tests.commands.test_detect import clip, mask2former
from tests.official_data import write_asked_by_ett, write_official
from tests.official_encoders import smaller, write_encoder
from tests.official_ibq import SIZE, random_weights, write_release
from tests.official_inception import write_inception, write_photographs
from tests.official_lpips import write_lpips
from tests.official_models import cached, flan_t5, millions, qwen, vicuna

from vistok.grid.load import load_study

_MODELS: Final = {"vicuna-7b": vicuna, "llama-7b": vicuna, "flan-t5-xxl": flan_t5}
_RESAMPLER: Final = {"latents": 4, "depth": 1, "heads": 2, "head_width": 8}
_STEPS: Final = {"steps": 30, "batch": 8, "optimiser": {"warmup_steps": 2}}


def lay_out(
    checkout: Path,
    *,
    data: Path,
    hub: Path,
    tables: Collection[str],
    rows: Callable[[dict[str, Any]], bool] = lambda row: True,
) -> list[str]:
    """Makes the paper scale of a checkout small, and writes what it reads; returns the paths of its runs.

    Args:
        data: the data root that is filled.
        hub: the cache of a model hub that is filled; whoever builds names it as HF_HUB_CACHE.
        tables: which tables stay.
        rows: which of their rows stay.
    """
    grid = checkout / "workflow/grid"
    edit(grid / "tables.yaml", lambda known: _keep(known, tables, rows))
    write_official(data)
    study = load_study("paper", root=checkout)
    runs = study.runs()
    encoders = {name: smaller(study.encoder(name)) for name in sorted({run.tokenizer for run in runs})}
    for entry in encoders.values():
        write_encoder(entry, hub, data)
    edit(grid / "tokenizers.yaml", lambda known: _take_over(known, encoders))
    for name in sorted({run.llm for run in runs}):
        network = _MODELS[name](cached(hub, study.llm(name).weights))
        size = {
            "width": 32,
            "layers": network.config.num_hidden_layers,
            "vocabulary": network.config.vocab_size,
        }
        size["parameters_m"] = round(millions(network), 4)
        edit(grid / "llms.yaml", lambda known, name=name, size=size: known[name].update(size))
    edit(checkout / "workflow/scales/paper.yaml", _shorten)
    return [run.path for run in runs]


def lay_out_ett(checkout: Path, *, data: Path, hub: Path) -> None:
    """Makes what ETT takes at the paper scale small, and writes what it reads, as `lay_out` does for the study."""
    write_official(data)
    write_asked_by_ett(data)
    write_release(data / "weights/imagenet256_262144.ckpt")
    write_lpips(data)
    write_photographs(data, 6)
    write_inception(data)
    _write_prompts(data / "geneval/evaluation_metadata.jsonl")
    network = qwen(cached(hub, "Qwen/Qwen2.5-1.5B"))
    size = {"width": 32, "layers": network.config.num_hidden_layers, "vocabulary": network.config.vocab_size}
    size["parameters_m"] = round(millions(network), 4)
    edit(checkout / "workflow/grid/llms.yaml", lambda known: known["qwen-2-5"].update(size))
    small = {"arguments": SIZE, "image_size": SIZE["image_size"], "tokens": 64, "width": SIZE["width"]}
    parameters = sum(tensor.numel() for tensor in random_weights(0).values()) / 1e6
    edit(
        checkout / "workflow/grid/tokenizers.yaml",
        lambda known: known["ibq-262144-512"]["encoder"].update(small, parameters_m=round(parameters, 4)),
    )
    judges = {"detector": mask2former(hub / "mask2former"), "clip": clip(hub / "clip")}
    edit(checkout / "workflow/scales/ett/paper.yaml", lambda scale: _shorten_ett(scale, judges))
    edit(checkout / "workflow/scales/paper.yaml", _shorten)


def _write_prompts(path: Path) -> None:
    """Writes two of GenEval's prompts of each kind, in its file's format."""
    rows = []
    for category in ("bus", "bench"):
        one, other = {"class": category, "count": 1}, {"class": "car", "count": 1}
        red, right = one | {"color": "red"}, other | {"position": ["right of", 0]}
        for kind, include, text in (
            ("single_object", [one], f"a photo of a {category}"),
            ("two_object", [one, other], f"a photo of a {category} and a car"),
            ("counting", [one | {"count": 2}], f"a photo of two {category}s"),
            ("colors", [red], f"a photo of a red {category}"),
            ("position", [one, right], f"a photo of a car right of a {category}"),
            ("color_attr", [red, other | {"color": "blue"}], f"a photo of a red {category} and a blue car"),
        ):
            rows.append({"tag": kind, "include": include, "prompt": text})
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def _shorten_ett(scale: dict[str, Any], judges: dict[str, str]) -> None:
    scale["generation"].update(judges, images=2, at_once=6)
    scale["generation"]["training"].update(
        drawer={"side": 2, "hidden": 16},
        steps=2,
        batch=4,
        optimiser={"learning_rate": 1.0e-3, "warmup_steps": 1},
    )
    scale["reconstruction"].update(number=6, side=32, batch=4)
    scale["tokenizer"].update(gate_images=8, least_psnr=1, discriminator_channels=8, discriminator_halvings=1)
    scale["recipes"] = {"all": {"steps": 2, "batch": 4, "optimiser": {"warmup_steps": 1}}}


def edit(file: Path, change: Callable[[Any], object]) -> None:
    """Changes what a YAML file says."""
    value = yaml.safe_load(file.read_text())
    change(value)
    file.write_text(yaml.safe_dump(value, sort_keys=False))


def _keep(known: dict[str, Any], tables: Collection[str], rows: Callable[[dict[str, Any]], bool]) -> None:
    for name in set(known) - set(tables):
        del known[name]
    for table in known.values():
        table["rows"] = [row for row in table["rows"] if rows(row)]


def _take_over(known: dict[str, Any], encoders: dict[str, Any]) -> None:
    for name, entry in encoders.items():
        changed = {"arguments": entry.arguments, "width": entry.width, "parameters_m": entry.parameters_m}
        known[name]["encoder"] = {**known[name]["encoder"], **changed}


def _shorten(scale: dict[str, Any]) -> None:
    scale["recipes"]["all"].update(_STEPS)
    scale.update(
        connectors={"resampler": _RESAMPLER}, bootstrap_resamples=200, save_every=2, attention_images=4
    )
    for size in scale["resources"].values():
        size.update(memory_mb=6000)
        if "cpus" in size:
            size["cpus"] = 1
