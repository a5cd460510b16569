"""A study's checkpoints as far as their provenance goes: files, digests and identities, without a model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vistok.files import digest_value
from vistok.grid.load import load_study
from vistok.grid.paths import Paths
from vistok.grid.runs import Run
from vistok.grid.specs import Spec, llm_spec, mllm_spec, tokenizer_spec
from vistok.grid.study import Study
from vistok.provenance import content_digest, proven_folder, read_provenance


@dataclass(frozen=True)
class Maker:
    """Makes checkpoints of the smoke study that differ only in what their names, specs and parts make of them."""

    study: Study

    @property
    def paths(self) -> Paths:
        return Paths(self.study)

    def llm(self, llm: str) -> Path:
        base = self.study.llm(llm).base
        folder = self.paths.llm(llm)
        return self._make(folder, llm_spec(self.study, llm), [self.paths.llm(base)] if base else [])

    def tokenizer(self, tokenizer: str) -> Path:
        pretrained = self.study.pretrained(tokenizer)
        return self._make(self.paths.pretrained(tokenizer), tokenizer_spec(self.study, pretrained), [])

    def mllm(self, run: Run) -> Path:
        parts = [self.paths.llm(run.llm), self.paths.pretrained(run.pretrained)]
        return self._make(self.paths.mllm(run), mllm_spec(self.study, run), parts)

    def _make(self, folder: Path, spec: Spec, parts: list[Path]) -> Path:
        inputs = {part.as_posix(): content_digest(read_provenance(part)) for part in parts}
        name = folder.relative_to(self.paths.checkpoints).as_posix()
        about = {"name": name, "identity": name, "inputs": inputs | {"spec": digest_value(spec)}}
        with proven_folder(folder, about) as partial:
            (partial / "model.safetensors").write_text(name)
        return folder


@pytest.fixture
def make(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    monkeypatch.chdir(tmp_path)
    return Maker(load_study("smoke", root=repository))


@pytest.fixture
def run_of() -> Callable[[str], Run]:
    return lambda tokenizer: Run(tokenizer=tokenizer, recipe="frozen", llm="vicuna-7b", seed=0)


@pytest.fixture
def built(make: Maker, run_of: Callable[[str], Run]) -> Maker:
    """Two runs, of equal shape, and all that they are made from."""
    for llm in ("llama-7b", "vicuna-7b"):
        make.llm(llm)
    for tokenizer in ("deit", "dino"):
        make.tokenizer(f"{tokenizer}/seed-0")
        make.mllm(run_of(tokenizer))
    return make
