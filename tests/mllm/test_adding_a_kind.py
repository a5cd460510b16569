"""New kinds of connector and language model, a recipe with them, and a released model: how many files each takes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import vistok
from vistok.grid.entries import GRID, SCALES

MEAN = '''
class Mean(_AnyConnector):
    """The mean of all tokens, projected: one token."""

    kind: Literal["mean"] = "mean"

    def tokens(self, seen: int) -> int:
        return 1

    def parameters(self, width: int, llm_width: int) -> int:
        return (width + 1) * llm_width

    def operations(self, seen: int, width: int, llm_width: int) -> float:
        return 2.0 * self.parameters(width, llm_width)


Connector = '''
MEAN_MODULE = '''"""The mean of all tokens."""

from torch import nn

from vistok.mllm.connectors.base import Connector


def build(value, width, llm_width):
    return MeanConnector(width, llm_width)


class MeanConnector(Connector):
    def __init__(self, width, llm_width):
        super().__init__()
        self.projection = nn.Linear(width, llm_width)

    def connect(self, tokens, questions=None):
        return self.projection(tokens.mean(1, keepdim=True))
'''
NEOX = '''
@dataclass(frozen=True)
class NeoX(Causal):
    """GPT-NeoX's, whose feed-forward part is not gated."""

    @classmethod
    def own(cls, width: int, layers: int, feedforward: int, heads: int, vocabulary: int) -> Self:
        return cls(vocabulary * width + layers * (4 * width**2 + 2 * width * feedforward), width, layers, vocabulary)


SHAPES'''
NEOX_MODULE = '''"""GPT-NeoX, such as Pythia."""

from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from vistok.mllm.language_models.causal import CausalLanguageModel


class NeoXLanguageModel(CausalLanguageModel):
    @classmethod
    def build(cls, size, tokenizer):
        config = GPTNeoXConfig(
            vocab_size=len(tokenizer), hidden_size=size.width, intermediate_size=size.feedforward,
            num_hidden_layers=size.layers, num_attention_heads=size.heads, max_position_embeddings=size.context,
            bos_token_id=1, eos_token_id=2,
        )
        return cls(GPTNeoXForCausalLM(config), tokenizer)


KIND = NeoXLanguageModel
'''
OF_LLM = {
    "label": "Pythia-6.9B", "kind": "neox", "weights": "EleutherAI/pythia-6.9b", "width": 4096, "layers": 32,
    "vocabulary": 50432, "parameters_m": 6857.3, "source": "for tests",
}  # fmt: skip
OF_RECIPE = {"extends": "frozen", "label": "mean", "connector": {"kind": "mean"}}
OF_MODEL = {
    "label": "Mine", "kind": "image-text-to-text", "weights": "me/mine", "template": "{prompt}",
    "prompts": {"vqa": "{question}"}, "visual_tokens": 32, "parameters_m": 1.0, "licence": "MIT", "source": "for tests",
}  # fmt: skip
# Plans all of it at the paper scale, and trains and answers with small ones of the same kinds.
CHECK = """
from pathlib import Path

import torch

import vistok
from tests.small_models import small_encoder, small_language_model
from vistok.grid.load import load_study
from vistok.grid.steps import STEPS
from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.load import build_language_model
from vistok.mllm.model import MultimodalModel
from vistok.planning.costs import cost_of
from vistok.tokenizers.base import build_tokenizer
from vistok.workflow.code import code

assert Path(vistok.__file__).is_relative_to(Path.cwd())
study = load_study("paper")
run = "clip/mean/pythia/seed-0"
jobs = {step.id: [*step.jobs(study, study.subjects())] for step in STEPS.values()}
assert (run,) in jobs["tune-mllm"] and (run, "gvt") in jobs["answer"] and ("released/mine", "gvt") in jobs["answer"]
modules = STEPS["tune-mllm"].modules(study, run)
print(*[name for name in modules if name.startswith("vistok.mllm")])
print(len(code(STEPS["tune-mllm"], *modules)), cost_of(study, "tune-mllm", run).flops > 1e18)

torch.manual_seed(0)
llm = build_language_model("neox", small_language_model(), ["a red ring", "what is it?"])
value = study.recipe("mean").connector
model = MultimodalModel(build_tokenizer(small_encoder()), llm, value, trains=("connector",))
assert sum(part.numel() for part in model.connector.parameters()) == value.parameters(16, 32)
seen = model.conditioning(model.see(torch.rand(2, 3, 16, 16)))
print(seen.front.shape[1], len(llm.generate(seen, ["what is it?"] * 2, Decoding(max_new_tokens=3))))
losses = llm.option_losses(seen, ["what is it?"] * 2, [["ring", "red ring"]] * 2)
print([tokens for _, tokens in losses[0]])
"""


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """A copy of the package and its grid."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(vistok.__file__).parent, tmp_path / "src/vistok", ignore=ignored)
    for folder in (GRID, SCALES):
        shutil.copytree(repository / folder, tmp_path / folder)
    return tmp_path


def edit(file: Path, *changes: tuple[str, str]) -> Path:
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    return file


def enter(file: Path, **entries: object) -> Path:
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | entries, sort_keys=False))
    return file


def add_row(file: Path, row: object) -> Path:
    tables = yaml.safe_load(file.read_text())
    tables["table-2"]["rows"].append(row)
    file.write_text(yaml.safe_dump(tables, sort_keys=False))
    return file


def test_a_kind_is_a_value_a_module_and_an_entry(checkout: Path, repository: Path) -> None:
    """The row that shows them is not counted: it is one of `tables.yaml`, as for every model."""
    package, grid = checkout / "src/vistok", checkout / GRID
    union = "Connector = Annotated[\n    Resampler"
    connector = [
        edit(
            package / "grid/connectors.py",
            (
                union,
                f"{MEAN.lstrip()}{union.removeprefix('Connector = ')}".replace(
                    "Resampler", "Mean | Resampler"
                ),
            ),
            ('ConnectorKind = Literal["resampler"', 'ConnectorKind = Literal["mean", "resampler"'),
        ),
        package / "mllm/connectors/mean.py",
        enter(grid / "recipes.yaml", mean=OF_RECIPE),
    ]
    connector[1].write_text(MEAN_MODULE)
    language_model = [
        edit(package / "grid/language_models.py", ('Literal["causal"', 'Literal["neox", "causal"'),
             ("SHAPES", NEOX.lstrip()), ('{"causal": Causal', '{"neox": NeoX, "causal": Causal')),
        package / "mllm/language_models/neox.py",
        enter(grid / "llms.yaml", pythia=OF_LLM),
    ]  # fmt: skip
    language_model[1].write_text(NEOX_MODULE)
    enter(grid / "models.yaml", mine=OF_MODEL)
    add_row(grid / "tables.yaml", {"tokenizer": "clip", "recipe": "mean", "llm": "pythia"})
    add_row(grid / "tables.yaml", {"model": "mine"})
    assert max(len(connector), len(language_model)) == 3
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=checkout,
        env={"PYTHONPATH": os.pathsep.join((str(checkout / "src"), str(repository))), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "vistok.mllm.connectors.mean vistok.mllm.language_models.neox",
        "16 True",
        "3 2",  # in front: the start, the mark and the one token; two answers
        "[1, 2]",
    ]
