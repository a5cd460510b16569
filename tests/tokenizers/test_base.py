"""Every entry of the grid builds, at both scales, into what its entry says: the conformance test."""

from pathlib import Path

import pytest
import timm
import torch
from PIL import Image

from vistok.datasets.preprocessing import Preprocessing
from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer

STUDIES = {scale: load_study(scale, root=Path(__file__).parents[2]) for scale in ("mini", "paper")}
ENTRIES = [(scale, name) for scale, study in STUDIES.items() for name in study.tokenizers]
every_entry = pytest.mark.parametrize(
    ("scale", "name"), ENTRIES, ids=[f"{name}-{scale}" for scale, name in ENTRIES]
)

# The Table 2 encoders as published: timm name, tokens and millions of parameters at 224 pixels without a head,
# normalisation. DINOv2 has 86.58 M at its native 518 pixels, 1,113 positions of 768 more.
PAPER = {
    "deit": ("deit_base_patch16_224.fb_in1k", 196 + 1, 85.80, "imagenet"),
    "dino": ("vit_base_patch16_224.dino", 196 + 1, 85.80, "imagenet"),
    "mae": ("vit_base_patch16_224.mae", 196 + 1, 85.80, "imagenet"),
    "dinov2": ("vit_base_patch14_dinov2.lvd142m", 256 + 1, 86.58 - 1113 * 768 / 1e6, "imagenet"),
    "clip-20m": ("vit_base_patch16_224", 196 + 1, 85.80, "imagenet"),
    "clip": ("vit_base_patch16_clip_quickgelu_224.openai", 196 + 1, 85.80, "clip"),
}


def built(scale: str, name: str) -> VisualTokenizer:
    """Builds an entry: those that the scale pretrains for real, published ones without memory for weights."""
    with torch.device("cpu" if STUDIES[scale].pretrains(name) else "meta"):
        return build_tokenizer(STUDIES[scale].encoder(name))


def is_behind(encoder: Encoder, part: str) -> bool:
    """Returns whether no token passes a part: of a tokenizer with a codebook, what makes images of codes."""
    behind = ("trunk.",) if encoder.name == "codes" else ("trunk.out_of.", "trunk.decoder.")
    return encoder.library == "ibq" and part.startswith(behind)


def blank(tokenizer: VisualTokenizer) -> torch.Tensor:
    return torch.zeros(2, *tokenizer.input_shape, device=next(tokenizer.parameters()).device)


@pytest.mark.parametrize("name", PAPER)
def test_the_paper_scale_has_the_published_encoders(name: str) -> None:
    encoder = STUDIES["paper"].encoder(name)
    timm_name, tokens, millions, normalisation = PAPER[name]
    assert (encoder.library, encoder.name, encoder.image_size) == ("timm", timm_name, 224)
    assert (encoder.tokens, encoder.width, encoder.normalisation) == (tokens, 768, normalisation)
    assert encoder.parameters_m == pytest.approx(millions, abs=0.01)
    assert (encoder.final_norm, encoder.class_token) == (False, True)


def test_every_tokenizer_of_the_table_is_in_the_grid() -> None:
    assert set(PAPER) <= set(STUDIES["paper"].tokenizers)


def test_what_was_never_released_has_a_substitute() -> None:
    entries = {name: STUDIES["paper"].tokenizer(name) for name in PAPER}
    assert {name for name, entry in entries.items() if entry.substitute} == {"clip-20m"}
    assert [entry.published_images for entry in entries.values()] == ["1.28M"] * 3 + [
        "142 M",
        "20 M",
        "400 M",
    ]


@every_entry
def test_an_entry_conforms(scale: str, name: str) -> None:
    """Shape, size, and gradients that reach every parameter or none."""
    tokenizer, encoder = built(scale, name), STUDIES[scale].encoder(name)
    tokens = tokenizer(blank(tokenizer))
    assert tokenizer.encoder == encoder
    assert tokens.shape == (2, encoder.tokens, encoder.width)
    assert tokens.dtype == torch.float32
    millions = sum(parameter.numel() for parameter in tokenizer.parameters()) / 1e6
    assert millions == pytest.approx(encoder.parameters_m, rel=0.005)
    if tokens.requires_grad:  # a tokenizer's codes alone have no gradient
        tokens.sum().backward()
    assert [part for part, parameter in tokenizer.named_parameters() if parameter.grad is None] == [
        part for part, _ in tokenizer.named_parameters() if is_behind(encoder, part)
    ]
    tokenizer.requires_grad_(False)
    assert not tokenizer(blank(tokenizer)).requires_grad


@every_entry
def test_an_entry_can_be_preprocessed_for(scale: str, name: str) -> None:
    encoder = STUDIES[scale].encoder(name)
    image = Image.new("RGB", (40, 30))
    ready = Preprocessing(encoder.image_size, encoder.normalisation).evaluation(image)
    assert ready.shape == (3, encoder.image_size, encoder.image_size)
    assert ready.dtype == "float32"


@pytest.mark.parametrize("name", [name for name in PAPER if name != "clip-20m"])
def test_the_normalisation_is_what_the_weights_were_trained_with(name: str) -> None:
    """By timm's account of each release; for the substitute of CLIP-20M it has none."""
    encoder = STUDIES["paper"].encoder(name)
    released = timm.get_pretrained_cfg(encoder.name)
    black = Preprocessing(encoder.image_size, encoder.normalisation).evaluation(Image.new("RGB", (4, 4)))
    expected = [-mean / deviation for mean, deviation in zip(released.mean, released.std, strict=True)]
    assert black[:, 0, 0].tolist() == pytest.approx(expected, rel=1e-6)


def test_a_built_tokenizer_draws_its_weights_from_the_seed(encoder: Encoder) -> None:
    tokenizers = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        tokenizers.append(build_tokenizer(encoder).state_dict())
    first, again, other = ([*states.values()] for states in tokenizers)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(torch.equal(one, two) for one, two in zip(first, other, strict=True))


def test_a_tokenizer_is_built_ready_for_training(encoder: Encoder) -> None:
    assert all(module.training for module in build_tokenizer(encoder).modules())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": 16}, "gives 17 tokens of width 32 for images of 32 pixels; its entry says 16 of width 32"),
        ({"width": 64}, "gives 17 tokens of width 32 for images of 32 pixels; its entry says 17 of width 64"),
        ({"class_token": False}, "gives 16 tokens of width 32"),
        ({"image_size": 48}, "takes no images of 48 pixels: Input height"),
        ({"name": "vit_tinny_patch16_224"}, r"Unknown model .*Did you mean 'vit_tiny_patch16_224'\?"),
        ({"name": "vit_tiny_patch16_224.nope"}, "Invalid pretrained tag"),
        ({"arguments": {"imgsize": 32}}, "timm cannot build .*unexpected keyword argument 'imgsize'"),
        ({"arguments": {"num_heads": 5}}, "timm cannot build .*should be divisible by num_heads"),
        ({"library": "open-clip", "name": "ViT-B-33"}, r"open-clip cannot build .*Did you mean 'ViT-B-32'\?"),
        ({"library": "transformers", "name": "dinov22", "arguments": {"depth": 1}}, r"Did you mean 'dinov2'\?"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused(encoder: Encoder, changes: dict[str, object], message: str) -> None:
    with torch.device("meta"), pytest.raises(VistokError, match=message) as refused:
        build_tokenizer(encoder.model_copy(update=changes))
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 600


def test_a_library_that_is_unknown_is_refused(encoder: Encoder) -> None:
    with pytest.raises(VistokError, match=r"unknown library 'tim'\. Did you mean 'timm'\?"):
        build_tokenizer(encoder.model_copy(update={"library": "tim"}))


def test_a_library_that_is_not_installed_is_refused(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    monkeypatch.delitem(__import__("sys").modules, "vistok.tokenizers.open_clip_encoder", raising=False)
    with pytest.raises(VistokError, match=r"'open-clip' is not installed: pip install 'vistok\[open-clip\]'"):
        build_tokenizer(encoder.model_copy(update={"library": "open-clip"}))


@pytest.mark.parametrize(
    ("library", "name", "arguments"),
    [
        ("timm", "vit_tiny_patch16_224.augreg_in21k", {}),
        ("open-clip", "ViT-B-32", {"pretrained": "openai"}),
        ("transformers", "facebook/dinov2-small", {}),
    ],
)
def test_weights_that_are_not_here_are_refused(
    encoder: Encoder,
    library: str,
    name: str,
    arguments: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    wanted = encoder.model_copy(update={"library": library, "name": name, "arguments": arguments})
    with torch.device("meta"), pytest.raises(VistokError, match=r"are not here|Failed to download weights"):
        build_tokenizer(wanted, published=True)
