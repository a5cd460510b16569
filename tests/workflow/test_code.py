"""A job's digest of code follows the modules that it imports, and no others of their kind."""

import pytest

from vistok.errors import VistokError
from vistok.grid.steps import STEPS
from vistok.workflow.code import code
from vistok.workflow.files import Files


def of(files: Files, step: str, *ids: str) -> str:
    return code(STEPS[step], *STEPS[step].modules(files.study, *ids))


def test_a_step_counts_the_encoder_that_it_builds(mini: Files) -> None:
    deit, mae = (f"{name}/frozen/vicuna-7b/seed-0" for name in ("deit", "mae"))
    assert of(mini, "tune-mllm", deit) == of(mini, "tune-mllm", mae)
    assert of(mini, "tune-mllm", deit) != code(STEPS["tune-mllm"], "vistok.tokenizers.open_clip_encoder")
    assert of(mini, "pretrain-tokenizer", "deit") != of(mini, "pretrain-tokenizer", "mae")


def test_a_module_that_a_step_does_not_import_is_refused() -> None:
    with pytest.raises(VistokError, match=r"vistok\.steps\.tabulate does not import vistok\.mllm\.model"):
        code(STEPS["tabulate"], "vistok.mllm.model")
