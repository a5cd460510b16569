"""A recipe reads a tokenizer elsewhere: each tap gives the tokens that the library itself has there."""

import pytest
import torch

from vistok.errors import VistokError
from vistok.grid.tokenizers import Encoder, Tap
from vistok.tokenizers.base import build_tokenizer
from vistok.tokenizers.tap import last_block, read_at

ENCODER = Encoder(
    library="timm",
    name="vit_tiny_patch16_224",
    arguments={"img_size": 48, "embed_dim": 32, "depth": 3, "num_heads": 2},
    weights="random",
    image_size=48,
    normalisation="clip",
    tokens=10,
    width=32,
    parameters_m=0.04,
    source="for tests",
)
IMAGES = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))


def test_the_block_before_the_last_is_what_timm_gives_there() -> None:
    tokenizer = build_tokenizer(ENCODER).eval()
    (expected,) = tokenizer.trunk.forward_intermediates(
        IMAGES, indices=[1], norm=False, output_fmt="NLC", return_prefix_tokens=True, intermediates_only=True
    )
    tap = Tap(block="one-before")
    read = read_at(tokenizer, tap.of(ENCODER), tap.block)(IMAGES)
    assert torch.equal(read, torch.cat([expected[1], expected[0]], dim=1))
    assert len(tokenizer.trunk.blocks) == 2


def test_without_the_class_token_the_others_stay() -> None:
    tokenizer = build_tokenizer(ENCODER).eval()
    whole, tap = tokenizer(IMAGES), Tap(class_token=False)
    read = read_at(tokenizer, tap.of(ENCODER), tap.block)
    assert read.encoder.tokens == 9 and torch.equal(read(IMAGES), whole[:, 1:])


def test_a_recipe_that_says_nothing_reads_what_the_entry_says() -> None:
    assert Tap().of(ENCODER) == ENCODER


def test_true_contents_are_read_whole() -> None:
    contents = ENCODER.model_copy(update={"library": "contents", "name": "cells", "arguments": {}})
    tap = Tap(block="one-before", final_norm=True, class_token=False)
    assert tap.of(contents) == contents
    tokenizer = build_tokenizer(contents)
    assert read_at(tokenizer, contents, tap.block) is tokenizer
    assert last_block(tokenizer) == []


def test_an_encoder_without_a_list_of_blocks_is_refused() -> None:
    network = ENCODER.model_copy(
        update={"name": "resnet18", "arguments": {}, "image_size": 64, "tokens": 4, "width": 512}
    )
    with pytest.raises(VistokError, match=r"'resnet18' \(timm\) at the block before its last"):
        read_at(build_tokenizer(network), network, "one-before")
    with pytest.raises(
        VistokError, match=r"trains 'resnet18' \(timm\) in its last block, .*`tokenizer-last-block`"
    ):
        last_block(build_tokenizer(network))
