"""MiniGPT-4's released layer on its parts: small ones in the official files' names and keys, against transformers'."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.official_models import vicuna
from torch import Tensor, nn
from transformers import (
    Blip2QFormerConfig,
    Blip2QFormerModel,
    Blip2VisionConfig,
    Blip2VisionModel,
    LlamaForCausalLM,
    LlamaTokenizer,
)

from vistok.datasets.preprocessing import Preprocessing
from vistok.errors import VistokError
from vistok.evaluation.answer.generation import Question
from vistok.evaluation.answer.released import ReleasedAnswerer
from vistok.grid.load import load_study
from vistok.grid.released_models import ReleasedModel
from vistok.grid.tasks import Decoding
from vistok.mllm.released import minigpt_4
from vistok.mllm.whole import WholeModel, load_whole
from vistok.planning.language_weights import check_released_model

TEMPLATE = "<s>###Human: <Img><ImageHere></Img> {prompt}###Assistant:"
ASKED = ("How many dogs are there in the image?", "Does a zebra exist in the image?", "what is it?")
TEXTS = [TEMPLATE.replace("{prompt}", text) for text in ASKED]
GREEDY = Decoding(max_new_tokens=6)
VISION = Blip2VisionConfig(
    hidden_size=176, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
)  # fmt: skip
FORMER = Blip2QFormerConfig(
    hidden_size=128, num_hidden_layers=3, num_attention_heads=2, intermediate_size=256, encoder_hidden_size=176,
    cross_attention_frequency=2, vocab_size=7,
)  # fmt: skip


class Official:
    """What the files hold, as transformers' classes: encoder, norm, queries, Q-Former, layer and language model."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(0)
        VISION._attn_implementation = FORMER._attn_implementation = "eager"
        self.vision, self.former = Blip2VisionModel(VISION).eval(), Blip2QFormerModel(FORMER).eval()
        self.norm, self.layer = nn.LayerNorm(176), nn.Linear(128, 32)
        for module in (self.vision, self.former, self.norm, self.layer):
            for name, parameter in module.named_parameters():
                nn.init.normal_(parameter, std=0.3)
                if name.endswith("qkv.bias"):  # of keys EVA has none
                    parameter.data[176:352] = 0
        self.queries = torch.randn(1, 3, 128)
        self.llm: LlamaForCausalLM = vicuna(folder / "vicuna-7b").float().eval()

    def write(self, folder: Path) -> None:
        """Writes the three official files: of the encoder in half precision, with one block more than is used."""
        eva = {name: tensor.half().float() for name, tensor in self._eva().items()}
        torch.save({name: tensor.half() for name, tensor in eva.items()}, folder / minigpt_4.FILES[0])
        rounded = self.vision.state_dict()
        rounded |= {name: tensor.half().float() for name, tensor in rounded.items()}
        self.vision.load_state_dict(rounded)
        torch.save({"model": self._blip()}, folder / minigpt_4.FILES[1])
        layer = {f"llama_proj.{name}": tensor for name, tensor in self.layer.state_dict().items()}
        trained = {"model": layer, "optimizer": {"state": {}, "param_groups": []}, "scaler": {"scale": 1.0}}
        config = {"run": {"task": "image_text_pretrain", "amp": True}}
        torch.save({**trained, "config": config, "epoch": 4}, folder / "prerained_minigpt4_7b.pth")

    def _eva(self) -> dict[str, Tensor]:
        """EVA-CLIP-g's names, as LAVIS writes them (models/eva_vit.py): biases of queries and values alone."""
        given = self.vision.state_dict()
        named = {
            "cls_token": given["embeddings.class_embedding"],
            "pos_embed": given["embeddings.position_embedding"],
            "patch_embed.proj.weight": given["embeddings.patch_embedding.weight"],
            "patch_embed.proj.bias": given["embeddings.patch_embedding.bias"],
        }
        for block in range(3):
            theirs = f"encoder.layers.{min(block, 1)}."
            names = {"norm1": "layer_norm1", "norm2": "layer_norm2", "attn.proj": "self_attn.projection"}
            names |= {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
            for ours, other in names.items():
                for kind in ("weight", "bias"):
                    named[f"blocks.{block}.{ours}.{kind}"] = given[f"{theirs}{other}.{kind}"]
            named[f"blocks.{block}.attn.qkv.weight"] = given[f"{theirs}self_attn.qkv.weight"]
            query, _, value = given[f"{theirs}self_attn.qkv.bias"].chunk(3)
            named |= {f"blocks.{block}.attn.q_bias": query, f"blocks.{block}.attn.v_bias": value}
        return named

    def _blip(self) -> dict[str, Tensor]:
        """Names of BERT, as LAVIS writes what it trained of BLIP-2 with Flan-T5 (models/blip2_models/Qformer.py)."""
        named = {
            "query_tokens": self.queries,
            "t5_proj.weight": torch.zeros(24, 128),
            "t5_proj.bias": torch.zeros(24),
        }
        named |= {f"ln_vision.{name}": tensor for name, tensor in self.norm.state_dict().items()}
        for name, tensor in self.former.state_dict().items():
            if name.startswith("layernorm."):
                named[f"Qformer.bert.embeddings.LayerNorm.{name.removeprefix('layernorm.')}"] = tensor
            elif not re.search(r"layer\.\d+\.(intermediate|output)\.", name):  # what reads text is not there
                named[f"Qformer.bert.{name.replace('attention.attention.', 'attention.self.')}"] = tensor
        return named | {"Qformer.bert.embeddings.position_ids": torch.arange(512)[None]}

    def seen(self, image: Image.Image) -> Tensor:
        pixels = torch.from_numpy(Preprocessing(28, "clip").evaluation(image))[None]
        hidden = self.vision(pixel_values=pixels, output_hidden_states=True).hidden_states[-1]
        read = self.former(query_embeds=self.queries, encoder_hidden_states=self.norm(hidden))
        return self.layer(read.last_hidden_state)

    def given(self, image: Image.Image, text: str, tokenizer: Any) -> Tensor:
        """The release's own way: each side of the image by itself, the token that starts a text with the first."""
        before, behind = text.removeprefix("<s>").split("<ImageHere>")
        first = tokenizer(before, add_special_tokens=text.startswith("<s>")).input_ids
        rest = tokenizer(behind, add_special_tokens=False).input_ids
        embed = self.llm.get_input_embeddings()
        words = embed(torch.tensor([first])), embed(torch.tensor([rest]))
        return torch.cat([words[0], self.seen(image), words[1]], dim=1)


@pytest.fixture(autouse=True)
def two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(minigpt_4, "BLOCKS", 2)


@pytest.fixture
def official(tmp_path: Path) -> Official:
    made = Official(tmp_path)
    made.write(tmp_path)
    return made


@pytest.fixture
def model(official: Official, tmp_path: Path) -> WholeModel:
    return load_whole(entry(tmp_path), precision=torch.float32, device=torch.device("cpu"))


@pytest.fixture
def images() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)) for _ in TEXTS]


def entry(folder: Path) -> ReleasedModel:
    return ReleasedModel(
        id="small",
        label="Small",
        kind="minigpt-4",
        weights=str(folder),
        template=TEMPLATE,
        ends_at="###",
        visual_tokens=3,
        parameters_m=0.1,
        licence="none",
        source="made here",
    )


@torch.no_grad()
def test_its_visual_tokens_are_those_of_the_official_parts(
    official: Official, model: Any, images: list[Image.Image]
) -> None:
    result = model._conditioning(images, "<s>###Human: <Img>").front[:, -3:]
    expected = torch.cat([official.seen(image) for image in images])
    assert torch.allclose(result, expected, atol=1e-5 * float(expected.abs().max()))


@torch.no_grad()
@pytest.mark.parametrize("start", ["<s>", ""])
def test_it_reads_what_its_release_reads_and_answers_as_that_does(
    official: Official, model: Any, images: list[Image.Image], tmp_path: Path, start: str
) -> None:
    tokenizer = LlamaTokenizer.from_pretrained(tmp_path / "vicuna-7b")
    texts = [start + text.removeprefix("<s>") for text in TEXTS]
    answers = model.generate(images, texts, GREEDY)
    for image, text, answer in zip(images, texts, answers, strict=True):
        given = official.given(image, text, tokenizer)
        tokens = official.llm.generate(inputs_embeds=given, max_new_tokens=6, do_sample=False, pad_token_id=2)
        assert answer == tokenizer.decode(tokens[0], skip_special_tokens=True).strip()
    assert any(answers)


def test_a_batch_changes_no_answer(model: WholeModel, images: list[Image.Image]) -> None:
    for decoding in (GREEDY, Decoding(beams=3, max_new_tokens=6)):
        together = model.generate(images, [*TEXTS[:2], TEXTS[2].removeprefix("<s>")], decoding)
        alone = [model.generate([images[row]], [TEXTS[row]], decoding)[0] for row in (0, 1)]
        assert together[:2] == alone


def test_an_option_costs_the_sum_of_its_tokens(
    official: Official, model: Any, images: list[Image.Image], tmp_path: Path
) -> None:
    losses = model.option_losses(images, TEXTS, [["3 dogs", "2"], ["Yes."], ["a man"]])
    tokenizer = LlamaTokenizer.from_pretrained(tmp_path / "vicuna-7b")
    target = torch.tensor([tokenizer("3 dogs", add_special_tokens=False).input_ids])
    with torch.no_grad():
        given = official.given(images[0], TEXTS[0], tokenizer)
        whole = torch.cat([given, official.llm.get_input_embeddings()(target)], dim=1)
        logits = official.llm(inputs_embeds=whole).logits[0, -target.shape[1] - 1 : -1]
        loss = nn.functional.cross_entropy(logits, target[0], reduction="sum")
    assert losses[0][0] == (pytest.approx(float(loss), rel=1e-4), target.shape[1])
    assert [len(own) for own in losses] == [2, 1, 1]


def test_an_answer_is_cut_where_its_release_cuts_it(
    model: WholeModel, images: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images[0].save(tmp_path / "a.png")
    monkeypatch.setattr(model, "generate", lambda *given: ["two dogs.### Human: and"])
    question = [Question(1, str(tmp_path / "a.png"), "what?")]
    cut = ReleasedAnswerer(model, TEMPLATE, batch=1, ends_at="###").answer(question, GREEDY)
    whole = ReleasedAnswerer(model, TEMPLATE, batch=1).answer(question, GREEDY)
    assert [made[0].text for made in (cut, whole)] == ["two dogs.", "two dogs.### Human: and"]


def test_a_text_without_a_place_for_the_image_is_refused(
    model: WholeModel, images: list[Image.Image]
) -> None:
    with pytest.raises(VistokError, match="says 0 times where its image stands"):
        model.generate(images[:1], ["what?"], GREEDY)


def test_a_layer_of_another_size_is_refused(official: Official, tmp_path: Path) -> None:
    torch.save({"model": {"llama_proj.weight": torch.zeros(40, 128)}}, tmp_path / "prerained_minigpt4_7b.pth")
    with pytest.raises(VistokError, match="another architecture: 1 tensors missing"):
        load_whole(entry(tmp_path), precision=torch.float32, device=torch.device("cpu"))


def test_a_file_that_would_run_code_is_not_opened(official: Official, tmp_path: Path) -> None:
    torch.save({"model": {}, "config": Path("x")}, tmp_path / "prerained_minigpt4_7b.pth")
    with pytest.raises(VistokError, match="holds more than tensors"):
        load_whole(entry(tmp_path), precision=torch.float32, device=torch.device("cpu"))


def test_the_doctor_counts_its_parts_and_names_one_that_is_missing(
    official: Official, tmp_path: Path, repository: Path
) -> None:
    study = replace(load_study("paper", root=repository), released={"small": entry(tmp_path)})
    assert "million parameters; none" in check_released_model(study, "small")
    large = entry(tmp_path).model_copy(update={"parameters_m": 7833.0})
    with pytest.raises(VistokError, match=r"million parameters, .*models\.yaml says 7,833"):
        check_released_model(replace(study, released={"small": large}), "small")
    (tmp_path / minigpt_4.FILES[1]).unlink()
    with pytest.raises(VistokError, match=r"holds 0 of blip2_pretrained_flant5xxl\.pth"):
        check_released_model(study, "small")
    gone = entry(tmp_path).model_copy(update={"weights": "data/paper/weights/none"})
    with pytest.raises(VistokError, match="weights not found: data/paper/weights/none"):
        check_released_model(replace(study, released={"small": gone}), "small")


def test_the_published_parts_have_the_parameters_that_are_said(repository: Path) -> None:
    """EVA-CLIP-g without its last block, BERT-base with queries and looks, the layer, and Vicuna-7B."""
    import timm
    from transformers import LlamaConfig

    from vistok.grid.connectors import FrozenQFormer
    from vistok.mllm.connectors.base import build_connector

    with torch.device("meta"):
        eva = timm.create_model("eva_giant_patch14_clip_224", num_classes=0, depth=39)
        eva.norm = nn.Identity()
        parts = (eva, build_connector(FrozenQFormer(), 1408, 4096), LlamaForCausalLM(LlamaConfig()))
    counted = sum(parameter.numel() for part in parts for parameter in part.parameters()) / 1e6
    said = load_study("paper", root=repository).released_model("minigpt-4")
    assert said.parameters_m == pytest.approx(counted, abs=0.05)
    assert said.visual_tokens == FrozenQFormer().tokens(257)
