"""MiniGPT-4 (arXiv 2304.10592): its released layer put onto the parts that others released, each in its official file.

A folder holds what its configuration names: `eva_vit_g.pth` and `blip2_pretrained_flant5xxl.pth` of LAVIS, Vicuna v0 as
the folder `vicuna-7b` (or `vicuna`, of 13 B), and its own file, `prerained_minigpt4_7b.pth`, which holds `llama_proj`
and the state of its optimiser. Sizes are read of the files.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from PIL.Image import Image
from torch import Tensor

from vistok.checkpoints import load_tensors, read_tensors
from vistok.datasets.preprocessing import Preprocessing
from vistok.errors import VistokError
from vistok.grid.connectors import FrozenQFormer
from vistok.grid.released_models import ReleasedModel
from vistok.grid.tasks import Decoding
from vistok.grid.tokenizers import Encoder
from vistok.mllm.language_models.base import Conditioning, LanguageModel
from vistok.mllm.language_models.load import load_language_model
from vistok.mllm.model import MultimodalModel
from vistok.mllm.whole import WholeModel
from vistok.tokenizers.base import VisualTokenizer, build_tokenizer
from vistok.tokenizers.weights import load_foreign

Tensors = dict[str, Tensor]
IMAGE: Final = "<ImageHere>"
FILES: Final = ("eva_vit_g.pth", "blip2_pretrained_flant5xxl.pth", "*minigpt4*.pth", "vicuna*")
BLOCKS: Final = (
    39  # LAVIS (models/eva_vit.py) builds one less than EVA-CLIP-g has, and norms nothing behind them
)
_HEAD: Final = {"eva": 88, "bert": 64}  # the width of a head: LAVIS's, and that of BERT-base
# LAVIS's names, which are BERT's, and those of our Q-Former; what reads text there (`intermediate`, `output`) is left.
_PARTS: Final = {
    "attention.self.": "attention.",
    "attention.output.dense.": "attention.out.",
    "attention.output.LayerNorm.": "attention.norm.",
    "crossattention.self.": "looking.",
    "crossattention.output.dense.": "looking.out.",
    "crossattention.output.LayerNorm.": "looking.norm.",
    "intermediate_query.dense.": "feedforward.wide.",
    "output_query.dense.": "feedforward.narrow.",
    "output_query.LayerNorm.": "feedforward.norm.",
}
_LAYER: Final = re.compile(r"Qformer\.bert\.encoder\.layer\.(\d+)\.(.+)")


class MiniGPT4(WholeModel):
    """Its parts, and a text that says where the image stands."""

    def __init__(self, model: MultimodalModel) -> None:
        self.model = model.eval()
        encoder = model.tokenizer.encoder
        self._preprocessing = Preprocessing(encoder.image_size, encoder.normalisation)

    @torch.no_grad()
    def generate(self, images: Sequence[Image], texts: Sequence[str], decoding: Decoding) -> list[str]:
        """Answers those that have the same words before the image in one batch: they pad what is behind it alone."""
        answers = [""] * len(texts)
        for before, rows in self._groups(texts).items():
            suffixes = [texts[row].split(IMAGE)[1] for row in rows]
            conditioning = self._conditioning([images[row] for row in rows], before)
            for row, answer in zip(
                rows, self.model.llm.generate(conditioning, suffixes, decoding), strict=True
            ):
                answers[row] = answer
        return answers

    def option_losses(
        self, images: Sequence[Image], texts: Sequence[str], options: Sequence[Sequence[str]]
    ) -> list[list[tuple[float, int]]]:
        losses: list[list[tuple[float, int]]] = [[] for _ in texts]
        for before, rows in self._groups(texts).items():
            suffixes = [texts[row].split(IMAGE)[1] for row in rows]
            conditioning = self._conditioning([images[row] for row in rows], before)
            computed = self.model.llm.option_losses(conditioning, suffixes, [options[row] for row in rows])
            for row, losses_of_row in zip(rows, computed, strict=True):
                losses[row] = losses_of_row
        return losses

    def _groups(self, texts: Sequence[str]) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            if text.count(IMAGE) != 1:
                raise VistokError(
                    f"MiniGPT-4 is told {text!r}, which says {text.count(IMAGE)} times where its image stands. Write "
                    f"{IMAGE} once in the `template` or the prompts of its entry in workflow/grid/models.yaml."
                )
            groups.setdefault(text.split(IMAGE)[0], []).append(row)
        return groups

    @torch.no_grad()
    def _conditioning(self, images: Sequence[Image], before: str) -> Conditioning:
        """Returns the words before the images, and what the projection makes of these."""
        llm = self.model.llm
        pixels = torch.stack([torch.from_numpy(self._preprocessing.evaluation(image)) for image in images])
        seen = self.model.see(pixels.to(llm.device))
        words = llm.embed(torch.tensor(self._before(before), dtype=torch.long, device=llm.device))
        return Conditioning(torch.cat([words.expand(len(images), -1, -1), seen.to(words.dtype)], dim=1))

    def _before(self, text: str) -> list[int]:
        """Returns the tokens before the image; the one that starts a text is there where it is written."""
        words = self.model.llm.words
        start = words.start if words.start and text.startswith(words.start) else ""
        ids = words.encode(text.removeprefix(start))
        return [*([int(words.tokenizer.bos_token_id)] if start else []), *ids]


def load(entry: ReleasedModel, precision: torch.dtype, device: torch.device) -> WholeModel:
    """Loads the parts; products are taken in the language model's precision, encoder and Q-Former stay in single.

    Raises:
        VistokError: a part is missing, was changed, or does not fit the others.
    """
    eva, blip, projection, vicuna = parts(Path(entry.weights))
    encoder = _encoder(eva)
    llm = load_language_model(vicuna, precision=precision)
    return MiniGPT4(_joined(encoder, llm, blip, projection).to(device))


def parts(folder: Path) -> list[Path]:
    """Returns the files and the folder of its weights, in the order of `FILES`.

    Raises:
        VistokError: one is not there, or is there twice.
    """
    matches = [sorted(folder.glob(name)) for name in FILES]
    for name, paths in zip(FILES, matches, strict=True):
        if len(paths) != 1:
            raise VistokError(
                f"{folder} holds {len(paths)} of {name}. MiniGPT-4 is put together of {', '.join(FILES)} (a folder), "
                "as its repository and LAVIS release them: lay each there, once."
            )
    return [paths[0] for paths in matches]


def _encoder(file: Path) -> VisualTokenizer:
    """Builds EVA-CLIP-g as LAVIS does, of the sizes of its file."""
    blocks = re.compile(r"blocks\.(\d+)\.")
    tensors = {
        name: tensor
        for name, tensor in read_tensors(file).items()
        if not (match := blocks.match(name)) or int(match[1]) < BLOCKS
    }
    try:
        depth = 1 + max(int(match[1]) for name in tensors if (match := blocks.match(name)))
        width, patch = (
            tensors["patch_embed.proj.weight"].shape[0],
            tensors["patch_embed.proj.weight"].shape[2],
        )
        hidden, tokens = tensors["blocks.0.mlp.fc1.weight"].shape[0], tensors["pos_embed"].shape[1]
    except (KeyError, ValueError) as error:
        raise VistokError(f"{file} is not the encoder that LAVIS releases: it lacks {error}.") from error
    size = patch * int((tokens - 1) ** 0.5)
    sizes = {
        "depth": depth,
        "embed_dim": width,
        "num_heads": width // _HEAD["eva"],
        "mlp_ratio": hidden / width,
    }
    value = Encoder(
        library="timm",
        name="eva_giant_patch14_clip_224",
        arguments={**sizes, "patch_size": patch, "img_size": size},
        weights="random",
        image_size=size,
        normalisation="clip",
        tokens=tokens,
        width=width,
        parameters_m=sum(tensor.numel() for tensor in tensors.values()) / 1e6,
        source="LAVIS, models/eva_vit.py",
    )
    encoder = build_tokenizer(value)
    load_foreign(encoder, tensors, file)
    return encoder


def _joined(encoder: VisualTokenizer, llm: LanguageModel, blip: Path, projection: Path) -> MultimodalModel:
    """Joins encoder and language model by the Q-Former of one file and the layer of another."""
    former, layer = read_tensors(blip), read_tensors(projection)
    joined = MultimodalModel(encoder, llm, _size(former, blip), trains=())
    tensors = former_tensors(former) | {
        name.replace("llama_proj", "projection"): tensor
        for name, tensor in layer.items()
        if name.startswith("llama_proj.")
    }
    load_tensors(joined.connector, tensors, source=projection.parent)
    return joined


def _size(tensors: Mapping[str, Tensor], file: Path) -> FrozenQFormer:
    layers = [(int(match[1]), match[2]) for name in tensors if (match := _LAYER.match(name))]
    looking = sorted({index for index, rest in layers if rest.startswith("crossattention.")})
    try:
        _, queries, width = tensors["query_tokens"].shape
        inner = tensors["Qformer.bert.encoder.layer.0.intermediate_query.dense.weight"].shape[0]
    except KeyError as error:
        raise VistokError(f"{file} is not a Q-Former that LAVIS releases: it lacks {error}.") from error
    return FrozenQFormer(
        queries=queries,
        width=width,
        depth=1 + max(index for index, _ in layers),
        heads=width // _HEAD["bert"],
        feedforward_multiple=inner // width,
        every=looking[1] if len(looking) > 1 else len(layers),
    )


def former_tensors(tensors: Mapping[str, Tensor]) -> Tensors:
    """Returns the tensors of our Q-Former by their names, of a file of LAVIS."""
    renamed = {"former.queries": tensors["query_tokens"][0]} if "query_tokens" in tensors else {}
    for name, tensor in tensors.items():
        if name.startswith("ln_vision."):
            renamed[name.replace("ln_vision", "norm")] = tensor
        elif name.startswith("Qformer.bert.embeddings.LayerNorm."):
            renamed[name.replace("Qformer.bert.embeddings.LayerNorm", "former.norm")] = tensor
        elif layer := _LAYER.match(name):
            for theirs, ours in _PARTS.items():
                if layer[2].startswith(theirs):
                    renamed[f"former.layers.{layer[1]}.{ours}{layer[2].removeprefix(theirs)}"] = tensor
    return renamed
