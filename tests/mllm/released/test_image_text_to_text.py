"""Released models answer through their own processor: small ones, saved in the layout of the real repositories."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    BlipImageProcessor,
    CLIPImageProcessor,
    IdeficsConfig,
    IdeficsForVisionText2Text,
    IdeficsImageProcessor,
    IdeficsProcessor,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
    InstructBlipProcessor,
    Kosmos2Config,
    Kosmos2ForConditionalGeneration,
    Kosmos2Processor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.released_models import ReleasedDecoding, ReleasedModel
from vistok.grid.tasks import Decoding
from vistok.mllm.whole import WholeModel, load_whole
from vistok.mllm.words import make_word_tokenizer
from vistok.planning.language_weights import check_released_model

TEXTS = ("what is in the image ?", "how many red dogs are there", "is there a cat")
OPTIONS = (("a dog", "a red cat", "there are two dogs"), ("two", "three cats"), ("a cat",))
DECODING = Decoding(max_new_tokens=6)
SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**SMALL, "image_size": 16, "patch_size": 8}


def words() -> Any:
    tokenizer = make_word_tokenizer([*TEXTS, *(option for own in OPTIONS for option in own)])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    return tokenizer


def save_blip2(folder: Path) -> None:
    tokenizer = words()
    text = {"model_type": "t5", "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
    text |= {"vocab_size": len(tokenizer), "decoder_start_token_id": 2, "pad_token_id": 2, "eos_token_id": 2}
    config = Blip2Config(
        vision_config=VISION,
        qformer_config={**SMALL, "encoder_hidden_size": 16, "vocab_size": 30, "cross_attention_frequency": 1},
        text_config=text,
        num_query_tokens=3,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    Blip2ForConditionalGeneration(config).save_pretrained(folder)
    pictures = BlipImageProcessor(size={"height": 16, "width": 16})
    Blip2Processor(pictures, tokenizer, num_query_tokens=3).save_pretrained(folder)


def save_llava(folder: Path) -> None:
    tokenizer = words()
    text = {"model_type": "llama", **SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    text |= {"num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    image = tokenizer.convert_tokens_to_ids("<image>")
    vision = {"model_type": "clip_vision_model", **VISION, "projection_dim": 16}
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=image, image_token_id=image
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    pictures = CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    strategy = {
        "patch_size": 8,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
    }
    LlavaProcessor(pictures, tokenizer, image_token="<image>", **strategy).save_pretrained(folder)


def save_instructblip(folder: Path) -> None:
    tokenizer = words()
    text = {"model_type": "llama", **SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    text |= {"num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    former = {
        **SMALL,
        "encoder_hidden_size": 16,
        "vocab_size": len(tokenizer),
        "cross_attention_frequency": 1,
    }
    config = InstructBlipConfig(
        vision_config=VISION,
        qformer_config=former,
        text_config=text,
        num_query_tokens=3,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    network = InstructBlipForConditionalGeneration(config)
    for parameter in network.parameters():  # with small weights the image is lost in rounding
        torch.nn.init.normal_(parameter, std=0.5)
    network.save_pretrained(folder)
    pictures = BlipImageProcessor(size={"height": 16, "width": 16})
    InstructBlipProcessor(pictures, tokenizer, tokenizer, num_query_tokens=3).save_pretrained(folder)


def save_kosmos2(folder: Path) -> None:
    tokenizer = words()
    pictures = CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    processor = Kosmos2Processor(pictures, tokenizer, num_patch_index_tokens=4)
    text = {"embed_dim": 16, "layers": 2, "ffn_dim": 32, "attention_heads": 2, "max_position_embeddings": 128}
    text |= {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    text |= {"vocab_size": len(tokenizer) + 64}  # ids hold the image's places
    config = Kosmos2Config(text_config=text, vision_config=VISION, latent_query_num=64)
    Kosmos2ForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)


def save_idefics(folder: Path) -> None:
    tokenizer = words()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<fake_token_around_image>", "<image>"]})
    vision = {"embed_dim": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    resampler = {
        "resampler_n_latents": 3,
        "resampler_depth": 1,
        "resampler_n_heads": 2,
        "resampler_head_dim": 8,
    }
    config = IdeficsConfig(
        **SMALL,
        vocab_size=len(tokenizer),
        additional_vocab_size=0,
        max_position_embeddings=64,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        vision_config={**vision, "image_size": 16, "patch_size": 8},
        perceiver_config={"use_resampler": True, **resampler},
        use_resampler=True,
        cross_layer_interval=1,
        alphas_initializer_range=0.5,  # gates that are shut hide the image
        alpha_initializer="normal",
        alpha_type="vector",
    )
    IdeficsForVisionText2Text(config).save_pretrained(folder)
    IdeficsProcessor(IdeficsImageProcessor(image_size=16), tokenizer).save_pretrained(folder)


SAVED = {
    "blip-2": (save_blip2, "{prompt}"),
    "instructblip": (save_instructblip, "{prompt}"),
    "llava": (save_llava, "<image> {prompt}"),
    "kosmos-2": (save_kosmos2, "{prompt}"),
    "idefics": (save_idefics, "{prompt}"),
}


def entry(folder: Path, template: str = "{prompt}") -> ReleasedModel:
    return ReleasedModel(
        id="small",
        label="Small",
        kind="image-text-to-text",
        weights=str(folder),
        template=template,
        visual_tokens=3,
        parameters_m=0.1,
        licence="none",
        source="made here",
    )


@pytest.fixture(params=sorted(SAVED))
def model(request: pytest.FixtureRequest, tmp_path: Path) -> WholeModel:
    torch.manual_seed(0)
    save, template = SAVED[request.param]
    save(tmp_path)
    return load_whole(entry(tmp_path, template), precision=torch.float32, device=torch.device("cpu"))


def texts(model: Any) -> list[str]:
    front = "<image> " if "Llava" in type(model.network).__name__ else ""
    return [front + text for text in TEXTS]


@pytest.fixture
def images() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)) for _ in TEXTS]


def test_a_batch_changes_no_answer(model: WholeModel, images: list[Image.Image]) -> None:
    together = model.generate(images, texts(model), DECODING)
    alone = [
        model.generate([image], [text], DECODING)[0] for image, text in zip(images, texts(model), strict=True)
    ]
    assert together == alone
    assert any(together)
    assert not any(text in answer for text, answer in zip(TEXTS, together, strict=True))


def test_an_option_costs_the_sum_of_its_tokens(model: Any, images: list[Image.Image]) -> None:
    losses = model.option_losses(images, texts(model), OPTIONS)
    assert [len(own) for own in losses] == [3, 2, 1]
    option = OPTIONS[0][1]
    target = model.words(option, add_special_tokens=False, return_tensors="pt")["input_ids"]
    given = dict(model.processor(images=images[0], text=texts(model)[0], return_tensors="pt"))
    if type(model.network) is Blip2ForConditionalGeneration:
        loss = model.network(**given, labels=target).loss * target.shape[1]
    else:
        ids = torch.cat([given.pop("input_ids"), target], dim=1)
        given["attention_mask"] = torch.ones_like(ids)
        if "image_embeds_position_mask" in given:  # no token of the option is the image's
            given["image_embeds_position_mask"] = functional.pad(
                given["image_embeds_position_mask"], (0, target.shape[1])
            )
        if "image_attention_mask" in given:  # each reads the one image
            given["image_attention_mask"] = functional.pad(
                given["image_attention_mask"], (0, 0, 0, target.shape[1]), value=1
            )
        logits = model.network(input_ids=ids, **given).logits[0, -target.shape[1] - 1 : -1]
        loss = functional.cross_entropy(logits, target[0], reduction="sum")
    assert losses[0][1] == (pytest.approx(float(loss), rel=1e-5), 3)


def test_an_image_changes_the_losses(model: WholeModel, images: list[Image.Image]) -> None:
    first = model.option_losses(images[:1], texts(model)[:1], OPTIONS[:1])
    other = model.option_losses(images[1:2], texts(model)[:1], OPTIONS[:1])
    assert first != other


def test_weights_that_lack_tensors_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_blip2(tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    del tensors["language_projection.weight"]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(VistokError, match="lacks 1 of the tensors"):
        load_whole(entry(tmp_path), precision=torch.float32, device=torch.device("cpu"))


def test_absent_weights_are_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(VistokError, match="cannot be loaded"):
        load_whole(entry(tmp_path / "none"), precision=torch.float32, device=torch.device("cpu"))


def test_what_is_sampled_is_drawn_by_its_own_words(tmp_path: Path, images: list[Image.Image]) -> None:
    save_blip2(tmp_path)
    made = load_whole(entry(tmp_path), precision=torch.float32, device=torch.device("cpu"))
    drawn = ReleasedDecoding(max_new_tokens=6, temperature=5.0)
    once = made.generate(images, list(TEXTS), drawn)
    torch.manual_seed(7)
    assert made.generate(images, list(TEXTS), drawn) == once
    assert once != made.generate(images, list(TEXTS), DECODING)


@pytest.mark.parametrize("name", sorted(SAVED))
def test_the_doctor_finds_its_weights_and_its_processor(name: str, tmp_path: Path, repository: Path) -> None:
    SAVED[name][0](tmp_path)
    study = load_study("paper", root=repository)
    small = entry(tmp_path).model_copy(update={"parameters_m": 0.001})
    study = replace(study, released={"small": small})
    assert "million parameters; none" in check_released_model(study, "small")
    large = replace(study, released={"small": small.model_copy(update={"parameters_m": 7000.0})})
    with pytest.raises(VistokError, match=r"million parameters, .*models\.yaml says 7,000"):
        check_released_model(large, "small")
    for file in tmp_path.glob("*processor_config.json"):
        file.unlink()
    with pytest.raises(VistokError, match="has no processor"):
        check_released_model(study, "small")
