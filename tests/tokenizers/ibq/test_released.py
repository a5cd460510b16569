"""Releases of IBQ, in their authors' layout: what they hold, and what comes of it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests import official_ibq
from tests.official_ibq import SIZE, codes_of, decode, encode, repainted, write_release

from vistok.checkpoints import read_tensors, save_checkpoint
from vistok.errors import VistokError
from vistok.grid.downloads import downloads_for, load_downloads
from vistok.grid.ett import NetworkSize
from vistok.grid.load import load_study
from vistok.grid.tokenizers import Encoder
from vistok.headers import WEIGHTS
from vistok.planning.weights import check_tokenizer
from vistok.tokenizers.base import build_tokenizer
from vistok.tokenizers.ibq import codebook
from vistok.tokenizers.ibq.model import Ibq, from_bytes
from vistok.tokenizers.ibq.released import from_released, released_names
from vistok.tokenizers.ibq_encoder import IbqTokenizer
from vistok.tokenizers.weights import load_tokenizer

FILE = "weights/imagenet256_16384.ckpt"
STUDY = load_study("paper", root=Path(__file__).parents[3])
DOWNLOADS = load_downloads(Path(__file__).parents[3])
PUBLISHED = NetworkSize.model_validate(STUDY.encoder("ibq-16384").arguments)


def entry(read: str = "embeddings", **changes: object) -> Encoder:
    whole = Encoder(
        library="ibq", name=read, arguments=SIZE, weights=FILE, image_size=32, normalisation="siglip",
        class_token=False, tokens=64, width=official_ibq.WIDTH if read == "embeddings" else official_ibq.CODES,
        parameters_m=1.05, source="for tests",
    )  # fmt: skip
    return whole.model_copy(update=changes)


def loaded(folder: Path, read: str = "embeddings", **changes: object) -> IbqTokenizer:
    tokenizer = load_tokenizer(entry(read, **changes), checkpoint=None, data_root=folder).eval()
    assert isinstance(tokenizer, IbqTokenizer)
    return tokenizer


def pictures(pixels: int = 32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (3, 3, pixels, pixels), dtype=torch.uint8, generator=generator)


@torch.no_grad()
@pytest.mark.parametrize("averaged", [True, False])
@pytest.mark.parametrize("pixels", [32, 48])
def test_codes_and_reconstructions_are_those_of_the_release(
    tmp_path: Path, averaged: bool, pixels: int
) -> None:
    """Of the average where it is there, and of another size of images than the one it was trained at."""
    state = write_release(tmp_path / FILE, averaged=averaged)
    changes = {
        "arguments": {**SIZE, "image_size": pixels},
        "image_size": pixels,
        "tokens": (pixels // 4) ** 2,
    }
    ours, images = loaded(tmp_path, **changes), pictures(pixels)
    shown = from_bytes(images)
    codes = codes_of(state, shown)
    assert len(codes.unique()) > official_ibq.CODES / 3
    torch.testing.assert_close(ours.trunk.encode(shown), encode(state, shown), rtol=1e-4, atol=1e-4)
    assert torch.equal(ours.trunk.codes(images), codes)
    table = state["quantize.embedding.weight"]
    assert torch.equal(ours(ours.prepared(images)), table[codes.flatten(1)])
    painted = ours.trunk.decode(ours.trunk.codebook.look_up(codes))
    torch.testing.assert_close(painted, repainted(state, codes), rtol=1e-4, atol=1e-4)
    assert painted.std() > 0.1
    anything = torch.randn(1, official_ibq.WIDTH, 5, 3)
    torch.testing.assert_close(ours.trunk.decode(anything), decode(state, anything), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_codes_are_decided_in_single_precision_whatever_reads_them(tmp_path: Path) -> None:
    state = write_release(tmp_path / FILE)
    for read in ("embeddings", "codes"):
        ours = loaded(tmp_path, read)
        shown = ours.prepared(pictures())
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(ours(shown), plain := ours(shown))
        assert torch.equal(plain, ours(shown))
        assert ours(shown).dtype == torch.float32
    assert torch.equal(ours(shown).argmax(-1), codes_of(state, shown).flatten(1))


def test_codes_of_many_images_are_found_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    table = codebook.Codebook(50, 8)
    encoded = torch.randn(7, 8, 3, 4)
    whole = table.nearest(encoded)
    monkeypatch.setattr(codebook, "_MOST", 3 * 12 * 50)
    assert torch.equal(table.nearest(encoded), whole)
    monkeypatch.setattr(codebook, "_MOST", 1)
    assert torch.equal(table.nearest(encoded), whole)


@pytest.mark.parametrize(
    ("averaged", "changes", "message"),
    [
        (False, {"decoder.up.1.upsample.conv.bias": None}, "1 tensors missing ['decoder.up.1.upsample.conv.bias']"),
        (True, {"model_ema.quantizeembeddingweight": None}, "1 tensors missing ['model_ema.quantizeembeddingweight']"),
        (True, {"encoder.mid.attn_2.q.weight": torch.ones(1)}, "1 unknown ['encoder.mid.attn_2.q.weight']"),
        (True, {"model_ema.colorize": torch.ones(1)}, "1 unknown ['model_ema.colorize']"),
        (
            False,
            {"encoder.mid.attn_1.k.weight": torch.ones(64, 32, 1, 1)},
            "['encoder.mid.attn_1.k.weight is (64, 32, 1, 1), needed (64, 64, 1, 1)']",
        ),
        (
            False,
            {"quantize.embedding.weight": torch.ones(41, 16)},
            "['quantize.embedding.weight is (41, 16), needed (40, 16)']",
        ),
    ],
)  # fmt: skip
def test_what_is_no_release_is_refused_by_name(
    tmp_path: Path, averaged: bool, changes: dict[str, torch.Tensor | None], message: str
) -> None:
    write_release(tmp_path / FILE, averaged=averaged, **changes)
    with pytest.raises(VistokError, match=re.escape(message)) as refused:
        loaded(tmp_path)
    assert str(refused.value).startswith(f"{FILE} is no release of IBQ of the size that its entry tells")
    assert len(str(refused.value).splitlines()) == 1


def test_a_network_that_nobody_released_is_refused(tmp_path: Path) -> None:
    write_release(tmp_path / FILE)
    with pytest.raises(VistokError, match="a release of IBQ is read into VQGAN's network"):
        loaded(tmp_path, arguments={**SIZE, "attention": False})


def test_a_file_of_this_projects_own_is_read_by_its_own_names(tmp_path: Path) -> None:
    write_release(tmp_path / FILE)
    ours = loaded(tmp_path)
    save_checkpoint(tmp_path / "tuned", ours.trunk.state_dict(), {}, {"inputs": {}})
    again = loaded(tmp_path, weights=f"tuned/{WEIGHTS}")
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in ours.state_dict().items())


@pytest.mark.parametrize(("codes", "megabytes"), [(1024, 857), (16_384, 888)])
def test_a_releases_file_has_the_published_network_twice(codes: int, megabytes: int) -> None:
    """As large as the hub's pages say: the last weights and their average in four bytes a number, and a megabyte."""
    with torch.device("meta"):
        model = Ibq(PUBLISHED.model_copy(update={"codes": codes}))
    numbers = 2 * sum(tensor.numel() for tensor in model.state_dict().values())
    assert megabytes - 1.5 < 4 * numbers / 1e6 < megabytes


def test_every_tensor_of_the_network_has_names_of_its_own() -> None:
    """At the published size: the average's names have no dots, and none stands for two tensors."""
    with torch.device("meta"):
        model = Ibq(PUBLISHED)
    names = released_names(model)
    assert names.keys() == model.state_dict().keys()
    theirs = [name for group in names.values() for name in group]
    assert len({name.replace(".", "") for name in theirs}) == len(theirs)
    assert names["encoder.blocks.0.weight"] == ("encoder.conv_in.weight",)
    assert "decoder.up.4.attn.4.proj_out.bias" in theirs and "encoder.down.4.attn.3.q.weight" in theirs
    assert "decoder.up.3.block.0.nin_shortcut.weight" in theirs
    zeros = {name: torch.zeros(1, device="meta") for name in theirs}
    with pytest.raises(VistokError, match="of another shape"):
        from_released(model, zeros, source="zeros")


def test_the_stand_ins_checkpoint_is_read_without_running_any_code(tmp_path: Path) -> None:
    write_release(tmp_path / FILE)
    tensors = read_tensors(tmp_path / FILE)
    assert {name.partition(".")[0] for name in tensors} == {
        "encoder", "decoder", "quantize", "quant_conv", "post_quant_conv", "loss", "model_ema",
    }  # fmt: skip
    assert build_tokenizer(entry()).trunk.size.tokens == 64


@pytest.mark.parametrize(
    ("name", "codes", "tokens", "width"),
    [
        ("ibq-16384", 16_384, 256, 256),
        ("ibq-16384-codes", 16_384, 256, 16_384),
        ("ibq-262144", 262_144, 256, 256),
        ("ibq-262144-512", 262_144, 1024, 256),
    ],
)
def test_the_grids_entries_are_the_released_configurations(
    name: str, codes: int, tokens: int, width: int
) -> None:
    """VQGAN's encoder of 128 channels, widened twice, four blocks a map and attention at the last one."""
    encoder = STUDY.encoder(name)
    size = NetworkSize.model_validate(encoder.arguments)
    released = {"channels": 128, "multipliers": (1, 1, 2, 2, 4), "blocks": (4,) * 5, "width": 256}
    assert released.items() <= size.model_dump().items() and size.attention and not size.lean
    assert (size.codes, size.tokens, size.image_size) == (codes, tokens, encoder.image_size)
    assert (encoder.tokens, encoder.width, encoder.normalisation) == (tokens, width, "siglip")
    assert encoder.weights == f"weights/imagenet256_{codes}.ckpt"
    assert [entry.licence for entry in downloads_for(encoder.weights, DOWNLOADS)] == ["Apache-2.0"]


def test_doctor_reads_the_headers_of_a_release(tmp_path: Path) -> None:
    write_release(tmp_path / FILE)
    small = STUDY.tokenizer("ibq-16384").model_copy(update={"encoder": entry(parameters_m=1.05)})
    study = replace(
        STUDY,
        tokenizers={"ibq-16384": small},
        scale=STUDY.scale.model_copy(update={"data_root": str(tmp_path)}),
    )
    assert check_tokenizer(study, "ibq-16384") == f"{tmp_path / FILE}: shapes fit"
    write_release(tmp_path / FILE, **{"model_ema.encoderconv_inbias": torch.ones(3)})
    with pytest.raises(VistokError, match=r"model_ema\.encoderconv_inbias is \(3,\), needed \(32,\)"):
        check_tokenizer(study, "ibq-16384")
