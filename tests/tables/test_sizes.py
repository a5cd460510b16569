"""What the rows of Table 5 are made of: counted by shapes, and by building every part at its published size."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    IdeficsConfig,
    IdeficsForVisionText2Text,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
    Kosmos2Config,
    Kosmos2ForConditionalGeneration,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from vistok.grid.connectors import FrozenQFormer
from vistok.grid.load import load_study
from vistok.grid.originals import Original
from vistok.grid.study import Study
from vistok.grid.tables import ReleasedRow, Row
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
    result = {row.recipe: study.recipe(row.recipe).original for row in rows(study)}
    return {recipe: original for recipe, original in result.items() if original}


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


def test_of_kosmos_1_the_last_block_of_clip_counts_as_trained(mini: Study) -> None:
    original = originals(mini)["kosmos-1"]
    with torch.device("meta"):
        block = millions(timm.create_model(ENCODERS[original.tokenizer.label], num_classes=0).blocks[-1])
    row = next(row for row in rows(mini) if row.recipe == "kosmos-1")
    size = original_size(mini, row, original)
    assert size.trained == pytest.approx(block + size.connector_trained + size.llm)


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
    assert gvt.images == "7,040 shown in 1 stage"  # 440 steps of 16


def test_what_is_trained_counts_the_language_model_where_the_recipe_names_it(repository: Path) -> None:
    smoke = load_study("smoke", root=repository)
    by_recipe = {row.recipe: sizes_of(smoke, row).here for row in rows(smoke)}
    llava, frozen = by_recipe["llava"], by_recipe["minigpt-4"]
    assert llava and llava.trained == pytest.approx(llava.connector + llava.llm)
    assert frozen and frozen.trained == frozen.connector_trained < frozen.connector
    assert llava.images == "160 shown in 2 stages" and frozen.images == "240 shown in 3 stages"


# The published configurations, where they differ from their classes' defaults.
CLIP_336 = {
    "model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
    "num_attention_heads": 16, "image_size": 336, "patch_size": 14, "projection_dim": 768,
}  # fmt: skip
CLIP_H = {"embed_dim": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "patch_size": 14}
LATENTS = {"use_resampler": True, "resampler_n_latents": 64, "resampler_depth": 6, "resampler_n_heads": 16}
LATENTS |= {"resampler_head_dim": 96, "qk_layer_norms_perceiver": True}


def released_parts() -> dict[str, tuple[float, float, float]]:
    """Returns of each model that transformers builds, in millions: its encoder, its connector and all of it."""
    text = {"model_type": "t5", **T5_XXL, "d_kv": 64, "feed_forward_proj": "gated-gelu"}
    llama = {"model_type": "llama"}
    with torch.device("meta"):
        blip = Blip2ForConditionalGeneration(Blip2Config(text_config=text))
        instruct = InstructBlipForConditionalGeneration(
            InstructBlipConfig(
                text_config={**llama, "vocab_size": 32001}, qformer_config={"vocab_size": 30523}
            )
        )
        llava = LlavaForConditionalGeneration(
            LlavaConfig(vision_config=CLIP_336, text_config={**llama, "vocab_size": 32064})
        )
        kosmos = Kosmos2ForConditionalGeneration(Kosmos2Config())
        idefics = IdeficsForVisionText2Text(
            IdeficsConfig(
                vocab_size=32000, additional_vocab_size=2, use_resampler=True, qk_layer_norms=True,
                cross_layer_interval=4, vision_config={**CLIP_H, "num_attention_heads": 16, "image_size": 224},
                perceiver_config=LATENTS,
            )
        )  # fmt: skip
    own_output = 4096 * 32128 / 1e6 * (millions(blip.language_model) < 11_100)  # Flan-T5's, which is not tied
    queries = {model: model.query_tokens.numel() / 1e6 for model in (blip, instruct)}

    def former(model: Any) -> float:
        return queries[model] + millions(model.qformer) + millions(model.language_projection)

    inserted = millions(idefics.model.perceiver_resampler) + millions(idefics.model.gated_cross_attn_layers)
    tower, projector = llava.model.vision_tower, llava.model.multi_modal_projector
    return {
        "blip-2": (millions(blip.vision_model), former(blip), millions(blip) + own_output),
        "instructblip": (millions(instruct.vision_model), former(instruct), millions(instruct)),
        "llava": (millions(tower), millions(projector), millions(llava)),
        "kosmos-2": (
            millions(kosmos.vision_model), millions(kosmos.image_to_text_projection), millions(kosmos),
        ),
        "idefics": (millions(idefics.model.vision_model), inserted, millions(idefics)),
    }  # fmt: skip


def test_released_models_are_made_of_what_their_published_shapes_count(repository: Path) -> None:
    paper = load_study("paper", root=repository)
    counted = released_parts()
    for name, (encoder, connector, whole) in counted.items():
        said = paper.released_model(name)
        assert said.made_of
        assert said.parameters_m == pytest.approx(whole, abs=0.05), name
        assert is_near(said.made_of.tokenizer_m, encoder) and is_near(said.made_of.connector_m, connector)
    eva, own = counted["blip-2"][0], paper.released_model("minigpt-4").made_of
    assert own and is_near(
        own.tokenizer_m, eva
    )  # the rest is counted by tests/mllm/released/test_minigpt_4.py
    former = FrozenQFormer()
    assert is_near(own.connector_m, former.parameters(1408, 4096) / 1e6)
    assert own.connector_trained_m and is_near(own.connector_trained_m, former.trained(1408, 4096) / 1e6)


def test_every_row_of_the_released_models_table_tells_its_parts_once(repository: Path) -> None:
    paper = load_study("paper", root=repository)
    table = paper.table("table-5-released")
    told = [sizes_of(paper, row) for row in table.rows]
    named = [row.model for row, sizes in zip(table.rows, told, strict=True)
             if isinstance(row, ReleasedRow) and sizes.original]  # fmt: skip
    assert named == ["idefics", "kosmos-2", "llava", "minigpt-4", "blip-2", "instructblip"]
    assert sum(sizes.here is not None for sizes in told) == 1, "GVT's own"
    for sizes in filter(lambda sizes: sizes.original, told):
        size = sizes.original
        assert size and size.total == pytest.approx(size.tokenizer + size.connector + size.llm)
        assert size.trained <= size.total and size.images
