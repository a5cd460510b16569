"""Local files as their authors laid them out, made small: each gives the features of the weights that it holds."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn
from transformers import OwlViTConfig, OwlViTForObjectDetection

from vistok.errors import VistokError
from vistok.grid.load import load_study
from vistok.grid.tokenizers import Encoder
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_tokenizer

Shake = Callable[[nn.Module], nn.Module]
STUDY = load_study("paper", root=Path(__file__).parents[2])


def small(row: str, **changes: Any) -> Encoder:
    """Returns the paper's entry of a tokenizer, a few blocks of small width."""
    return STUDY.encoder(row).model_copy(update={"parameters_m": 0.03, "source": "made for tests", **changes})


def loaded(entry: Encoder, folder: Path, name: str, content: Mapping[str, Any]) -> VisualTokenizer:
    torch.save(content, folder / name)
    return load_tokenizer(
        entry.model_copy(update={"weights": name}), checkpoint=None, data_root=folder
    ).eval()


def same(first: VisualTokenizer, second: VisualTokenizer, pixels: int, **tolerance: float) -> bool:
    images = torch.randn(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        tokens = first(images)
        assert tokens.std() > 0.05
        return torch.allclose(tokens, second(images), atol=tolerance.get("atol", 0.0))


DINOV2 = {"patch_size": 14, "embed_dim": 32, "depth": 2, "num_heads": 2}


def test_a_dinov2_file_of_518_pixels_is_resampled_as_timm_resamples_what_it_fetches(
    shake: Shake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its authors' names, mask token and final norm; antialiased, which moves the features."""
    original = shake(timm.create_model("vit_base_patch14_dinov2", img_size=518, num_classes=0, **DINOV2))
    states = {**original.state_dict(), "mask_token": torch.ones(1, 32)}
    entry = small("dinov2", name="vit_base_patch14_dinov2", arguments={**DINOV2, "img_size": 224}, width=32)
    ours = loaded(entry, tmp_path, "dinov2.pth", states)
    assert "pos_embed resampled from (1, 1370, 32) to (1, 257, 32) (bicubic, antialiased, as timm does)" in (
        capsys.readouterr().out
    )
    save_file(original.state_dict(), tmp_path / "fetched.safetensors")
    fetched = timm.create_model(
        "vit_base_patch14_dinov2", pretrained=True, num_classes=0, img_size=224, **DINOV2,
        pretrained_cfg_overlay={"file": str(tmp_path / "fetched.safetensors")},
    )  # fmt: skip
    assert torch.equal(ours.trunk.pos_embed, fetched.pos_embed)
    plain = resample_abs_pos_embed(
        original.pos_embed, new_size=[16, 16], num_prefix_tokens=1, antialias=False
    )
    assert not torch.allclose(ours.trunk.pos_embed, plain, atol=1e-3)


def test_weights_of_other_patches_are_refused(shake: Shake, tmp_path: Path) -> None:
    """Timm would resample those, too."""
    original = shake(
        timm.create_model(
            "vit_base_patch14_dinov2", img_size=224, num_classes=0, **{**DINOV2, "patch_size": 16}
        )
    )
    entry = small("dinov2", name="vit_base_patch14_dinov2", arguments={**DINOV2, "img_size": 224}, width=32)
    with pytest.raises(
        VistokError, match=r"of another shape \['patch_embed\.proj\.weight is \(32, 3, 16, 16\)"
    ):
        loaded(entry, tmp_path, "other.pth", original.state_dict())


def test_an_old_cnns_file_lacks_counters(shake: Shake, tmp_path: Path) -> None:
    entry = small("deit", name="resnet18", arguments={}, image_size=64, tokens=4, width=512)
    original = build_tokenizer(entry)
    states = {
        name: tensor for name, tensor in original.trunk.state_dict().items() if "num_batches" not in name
    }
    ours = loaded(entry, tmp_path, "resnet18.pth", {**states, "fc.weight": torch.ones(10, 512)})
    assert same(original.eval(), ours, 64)
    with pytest.raises(VistokError, match=r"1 tensors missing \['layer4\.1\.bn2\.running_var'\]"):
        loaded(
            entry, tmp_path, "cut.pth", {k: v for k, v in states.items() if k != "layer4.1.bn2.running_var"}
        )


REGION_CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8},
    "text_cfg": {"context_length": 4, "vocab_size": 10, "width": 16, "heads": 1, "layers": 1},
}


def test_region_clips_file(shake: Shake, tmp_path: Path) -> None:
    """detectron2's frozen batch norms, below `backbone.`, beside a teacher, an attention pool and a text tower."""
    (tmp_path / "small-region-clip.json").write_text(json.dumps(REGION_CLIP))
    open_clip.add_model_config(tmp_path / "small-region-clip.json")
    entry = small("region-clip", name="small-region-clip", image_size=64, tokens=4, width=256)
    original = open_clip.create_model("small-region-clip")
    visual = {
        name: tensor
        for name, tensor in shake(original.visual).state_dict().items()
        if "num_batches" not in name
    }
    visual = {
        name: tensor.abs() if name.endswith("running_var") else tensor for name, tensor in visual.items()
    }
    assert any(name.startswith("attnpool.") for name in visual)
    content = {
        "model": {
            **{f"backbone.{name}": tensor for name, tensor in visual.items()},
            **{f"teacher_backbone.{name}": torch.ones_like(tensor) for name, tensor in visual.items()},
            "lang_encoder.token_embedding.weight": torch.ones(10, 16),
            "roi_heads.box_predictor.cls_score.weight": torch.ones(3, 16),
        },
        "iteration": 3,
    }
    ours = loaded(entry, tmp_path, "regionclip.pth", content)
    theirs = build_tokenizer(entry)
    theirs.trunk.load_state_dict({name: tensor for name, tensor in visual.items() if "attnpool" not in name})
    assert same(theirs.eval(), ours, 64)
    assert not any("attnpool" in name for name in ours.state_dict())


OWL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "patch_size": 8,
}


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_owl_vits_folder_at_its_own_size_and_at_a_smaller_one(
    shake: Shake, tmp_path: Path, file: str
) -> None:
    vision = {**OWL, "image_size": 64}
    config = OwlViTConfig(
        vision_config=vision,
        text_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
        },
    )
    original = shake(OwlViTForObjectDetection(config))
    original.save_pretrained(tmp_path)
    if file == "pytorch_model.bin":
        (tmp_path / "model.safetensors").unlink()
        torch.save(original.state_dict(), tmp_path / file)
    tower = original.owlvit.vision_model
    for name, pixels in (("owl-vit-768", 64), ("owl-vit", 32)):
        entry = small(
            name,
            arguments={"vision_config": vision},
            weights=".",
            image_size=pixels,
            tokens=(pixels // 8) ** 2 + 1,
            width=32,
        )
        ours = load_tokenizer(entry, checkpoint=None, data_root=tmp_path).eval()
        images = torch.randn(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            theirs = tower(images, interpolate_pos_encoding=True, output_hidden_states=True).hidden_states[-1]
            assert torch.equal(ours(images), theirs)


BEIT = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "init_values": 0.1}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of yacs, which a file of the Swin repositories holds; here it is installed for the writing alone."""
    module = ModuleType("yacs.config")
    module.CfgNode = type("CfgNode", (dict,), {"__module__": "yacs.config"})
    monkeypatch.setitem(sys.modules, "yacs", ModuleType("yacs"))
    monkeypatch.setitem(sys.modules, "yacs.config", module)
    node = module.CfgNode(TAG="fd", DATA=module.CfgNode(IMG_SIZE=224))
    node.__dict__["__immutable__"] = True
    return node


@pytest.mark.parametrize("pixels", [32, 48])
def test_fds_file(shake: Shake, tmp_path: Path, settings: dict[str, Any], pixels: int) -> None:
    """BEiT's names below `encoder.`, indices of positions, a decoder, the teacher, and yacs's settings."""
    entry = small(
        "fd", arguments={**STUDY.encoder("fd").arguments, **BEIT}, image_size=32, tokens=17, width=32
    )
    original = shake(build_tokenizer(entry.model_copy(update={
        "arguments": {**entry.arguments, "img_size": pixels}, "image_size": pixels, "tokens": (pixels // 8) ** 2 + 1,
    })))  # fmt: skip
    content = {
        "model": {
            **{f"encoder.{name}": tensor for name, tensor in original.trunk.state_dict().items()},
            "encoder.rel_pos_bias.relative_position_index": torch.zeros(17, 17, dtype=torch.long),
            "encoder.norm.weight": torch.ones(32),
            "encoder.norm.bias": torch.ones(32),
            "decoder.0.weight": torch.ones(768, 32, 1),
            "feature_model.visual.class_embedding": torch.ones(768),
        },
        "epoch": 299,
        "config": settings,
    }
    if pixels == 32:
        assert same(original, loaded(entry, tmp_path, "fd_clip_vitbase_300ep.pth", content), 32)
        return
    with pytest.raises(VistokError, match=r"of another shape \['rel_pos_bias\.relative_position_bias_table"):
        loaded(entry, tmp_path, "fd_clip_vitbase_300ep.pth", content)


EVA = {"img_size": 28, "embed_dim": 32, "depth": 2, "num_heads": 2}


def as_eva(trunk: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """Lays timm's EVA-02 out as its authors do."""
    names = {
        "mlp.norm": "mlp.ffn_ln", "attn.norm": "attn.inner_attn_ln", "mlp.fc1_g": "mlp.w1", "mlp.fc1_x": "mlp.w2",
        "mlp.fc2": "mlp.w3", "q_proj.bias": "q_bias", "v_proj.bias": "v_bias",
    }  # fmt: skip
    states = {}
    for name, tensor in trunk.state_dict().items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        states[f"{prefix}{name}"] = tensor
    return {
        **states,
        f"{prefix}rope.freqs_cos": torch.ones(4, 16),
        f"{prefix}blocks.0.attn.rope.freqs_sin": torch.ones(4, 16),
    }


def test_eva_02s_file_after_masked_prediction(shake: Shake, tmp_path: Path) -> None:
    entry = small("eva", name="eva02_base_patch14_224", arguments=EVA, image_size=28, tokens=5, width=32)
    original = shake(build_tokenizer(entry))
    heads = {
        "mask_token": torch.ones(1, 1, 32),
        "lm_head.weight": torch.ones(8, 32),
        "norm.weight": torch.ones(32),
    }
    content = {"module": {**as_eva(original.trunk), **heads, "norm.bias": torch.ones(32)}}
    assert any("w1" in name for name in content["module"])
    assert same(original, loaded(entry, tmp_path, "eva02_B_pt_in21k_p14.pt", content), 28)


def test_eva_clips_file(shake: Shake, tmp_path: Path) -> None:
    """The image tower below `visual.`, beside a text tower."""
    entry = small(
        "eva-clip", name="eva02_large_patch14_clip_224", arguments=EVA, image_size=28, tokens=5, width=32
    )
    original = shake(build_tokenizer(entry))
    beside = {
        "text.positional_embedding": torch.ones(77, 16),
        "logit_scale": torch.ones(()),
        "visual.head.weight": torch.ones(16, 32),
    }
    ours = loaded(
        entry, tmp_path, "EVA02_CLIP_L_psz14_s4B.pt", {**as_eva(original.trunk, "visual."), **beside}
    )
    assert same(original, ours, 28)


def test_open_clips_file_of_another_size(
    shake: Shake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resampled as open_clip resamples what it fetches."""
    clip = {
        "embed_dim": 16,
        "vision_cfg": {"layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": REGION_CLIP["text_cfg"],
    }
    for pixels in (32, 64):
        config = {**clip, "vision_cfg": {**clip["vision_cfg"], "image_size": pixels}}
        (tmp_path / f"small-clip-{pixels}.json").write_text(json.dumps(config))
        open_clip.add_model_config(tmp_path / f"small-clip-{pixels}.json")
    original = shake(open_clip.create_model("small-clip-64"))
    entry = small("clip", library="open-clip", name="small-clip-32", image_size=32, tokens=17, width=32)
    ours = loaded(entry, tmp_path, "open_clip_pytorch_model.bin", original.state_dict())
    fetched = open_clip.create_model("small-clip-32")
    open_clip.load_checkpoint(fetched, str(tmp_path / "open_clip_pytorch_model.bin"))
    assert torch.equal(ours.trunk.positional_embedding, fetched.visual.positional_embedding)
    assert "positional_embedding resampled from (65, 32) to (17, 32)" in capsys.readouterr().out
