"""What the rows of Table 5 are made of: counted by shapes, and by building every part at its published size."""

from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from vistok.grid.load import load_study
from vistok.grid.originals import Original
from vistok.grid.study import Study
from vistok.grid.tables import Row
from vistok.mllm.connectors.base import build_connector
from vistok.pages.sizes import counted_of, is_near
from vistok.tables.sizes import original_size, sizes_of

ENCODERS = {
    "NFNet-F6": "dm_nfnet_f6",
    "CLIP, ViT-L/14": "vit_large_patch14_clip_224",
    "EVA-CLIP, ViT-g/14": "eva_giant_patch14_clip_224",
    "EVA-CLIP-FD, ViT-L/14": "eva02_large_patch14_clip_224",
}
T5_XXL = {"d_model": 4096, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "vocab_size": 32128}


@pytest.fixture(scope="module")
def mini(repository: Path) -> Study:
    return load_study("mini", root=repository)


def rows(study: Study) -> list[Row]:
    return [row for row in study.table("table-5").rows if isinstance(row, Row)]


def originals(study: Study) -> dict[str, Original]:
    found = {row.recipe: study.recipe(row.recipe).original for row in rows(study)}
    return {recipe: original for recipe, original in found.items() if original}


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_every_row_stands_for_a_published_model(mini: Study) -> None:
    assert len(originals(mini)) == len(rows(mini)) == 6


def test_encoders_have_the_parameters_and_tokens_that_are_said(mini: Study) -> None:
    counts: dict[str, float] = {}
    for original in originals(mini).values():
        said = original.tokenizer
        if said.label not in counts:
            with torch.device("meta"):
                counts[said.label] = millions(timm.create_model(ENCODERS[said.label], num_classes=0))
        assert is_near(counts[said.label], said.parameters_m), said.label


def test_language_models_have_the_parameters_that_are_said(mini: Study) -> None:
    with torch.device("meta"):
        built = {
            "Vicuna-7B": millions(LlamaForCausalLM(LlamaConfig())),
            "Flan-T5-XXL": millions(
                T5ForConditionalGeneration(T5Config(**T5_XXL, d_kv=64, feed_forward_proj="gated-gelu"))
            ),
            # Embeddings, and in each layer attention and a feed-forward part of four widths, without norms.
            "Magneto, 1.3 B": (64007 * 2048 + 24 * 12 * 2048**2) / 1e6,
        }
    built["Flan-T5-XXL"] += 4096 * 32128 / 1e6 * (built["Flan-T5-XXL"] < 11_100)  # an output layer of its own
    said = {entry.llm.label: entry.llm for entry in originals(mini).values()}
    assert {label for label, entry in said.items() if entry.counted} == built.keys()
    assert all(is_near(built[label], said[label].parameters_m) for label in built)


def test_connectors_are_as_large_as_is_counted(mini: Study) -> None:
    by_recipe = {row.recipe: row for row in rows(mini)}
    for recipe, original in originals(mini).items():
        size = original_size(mini, by_recipe[recipe], original)
        with torch.device("meta"):
            built = build_connector(original.connector, original.tokenizer.width, original.llm.width)
        assert millions(built) == pytest.approx(size.connector), recipe
        built.requires_grad_(True)
        learnt = sum(entry.numel() for entry in built.parameters() if entry.requires_grad) / 1e6
        assert learnt == pytest.approx(size.connector_trained), recipe
        assert size.visual_tokens == original.connector.tokens(original.tokenizer.tokens)


def test_a_count_is_within_half_a_per_cent_of_what_is_stated_or_says_why_not(mini: Study) -> None:
    for row in rows(mini):
        sizes = sizes_of(mini, row)
        assert sizes.original
        for entry in sizes.stated:
            near = is_near(counted_of(sizes.original, entry.of), entry.value)
            assert near != bool(entry.differs), (row.recipe, entry)
    stated = {(row.recipe, entry.of) for row in rows(mini) for entry in sizes_of(mini, row).stated}
    assert {("blip-2", "connector-trained"), ("minigpt-4", "connector-trained"), ("flamingo", "llm")} < stated


def test_a_row_is_counted_as_the_scale_makes_it(mini: Study) -> None:
    by_recipe = {row.recipe: sizes_of(mini, row).here for row in rows(mini) if mini.answers(row)}
    gvt = by_recipe["instruction"]
    assert gvt and gvt.visual_tokens == mini.recipe("instruction").connector.tokens(10)
    assert gvt.llm == pytest.approx(0.218944) and gvt.trained == gvt.connector == gvt.connector_trained
    assert gvt.images == "10,240 shown in 1 stage"


def test_what_is_trained_counts_the_language_model_where_the_recipe_names_it(repository: Path) -> None:
    smoke = load_study("smoke", root=repository)
    by_recipe = {row.recipe: sizes_of(smoke, row).here for row in rows(smoke)}
    llava, frozen = by_recipe["llava"], by_recipe["minigpt-4"]
    assert llava and llava.trained == pytest.approx(llava.connector + llava.llm)
    assert frozen and frozen.trained == frozen.connector_trained < frozen.connector
    assert llava.images == "160 shown in 2 stages" and frozen.images == "240 shown in 3 stages"
