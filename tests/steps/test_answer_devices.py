"""Every part of what answers is on the device that the scale asks for."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.small_models import small_encoder, small_language_model
from torch import nn

from vistok.errors import VistokError
from vistok.grid.connectors import Resampler
from vistok.grid.job_sizes import JobSize
from vistok.grid.load import load_study
from vistok.grid.study import Study
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.steps import answer, answer_blind
from vistok.tokenizers.base import build_tokenizer

RUN = "deit/frozen/vicuna-7b/seed-0"
SIZE = small_language_model(layers=1)
ENCODER = small_encoder()


class AnsweringError(Exception):
    """Ends a step where answering would begin; carries what would answer."""


def llm() -> CausalLanguageModel:
    return CausalLanguageModel.build(SIZE, make_word_tokenizer(["a b c"]))


def mllm() -> MultimodalModel:
    connector = Resampler(latents=3, depth=1, heads=2, head_width=8, feedforward_multiple=2)
    return MultimodalModel(build_tokenizer(ENCODER), llm(), connector, trains=("connector",))


def studied(root: Path, gpus: int) -> Study:
    study = load_study("mini", root=root)
    scale = study.scale.model_copy(update={"resources": {"answer": JobSize(gpus=gpus)}})
    return Study(study.tokenizers, study.llms, study.recipes, study.tasks, study.tables, scale)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[ModuleType, str]]:
    """Both steps, with tiny models and no questions, as far as to where answering begins."""
    monkeypatch.chdir(tmp_path)

    def begin(model: nn.Module, **_: Any) -> None:
        raise AnsweringError(model)

    for module in (answer, answer_blind):
        monkeypatch.setattr(module, "ask_all", lambda study, suite: {})
    monkeypatch.setattr(answer, "load_trained", lambda study, run: mllm())
    monkeypatch.setattr(answer, "SeeingAnswerer", begin)
    monkeypatch.setattr(answer_blind, "load_llm", lambda study, name: llm())
    monkeypatch.setattr(answer_blind, "BlindAnswerer", begin)
    return [(answer, RUN), (answer_blind, "vicuna-7b")]


def start(step: ModuleType, study: Study, asked: str) -> None:
    step.run(study, study.run(asked) if "/" in asked else asked, "gvt")


def test_all_of_a_model_moves_to_the_device(
    steps: list[tuple[ModuleType, str]], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step, asked in steps:
        monkeypatch.setattr(step, "device_of", lambda gpus: torch.device("meta" if gpus else "cpu"))
        for gpus, device in ((0, "cpu"), (1, "meta")):
            with pytest.raises(AnsweringError) as moved:
                start(step, studied(repository, gpus), asked)
            model: nn.Module = moved.value.args[0]
            tensors = [*model.parameters(), *model.buffers()]
            assert tensors and {tensor.device.type for tensor in tensors} == {device}


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_absent_is_an_error(steps: list[tuple[ModuleType, str]], repository: Path) -> None:
    for step, asked in steps:
        with pytest.raises(VistokError, match=r"this job asks for 1 GPU\(s\)"):
            start(step, studied(repository, 1), asked)
