"""A job's digest of code follows the modules that it imports, and no others of their kind."""

import pytest

from vistok.errors import VistokError
from vistok.workflow.code import code, pretraining_code, run_code
from vistok.workflow.files import Files


def test_a_step_counts_the_encoder_that_it_builds(mini: Files) -> None:
    study = mini.study
    assert run_code("tune_mllm", study, "deit") == run_code("tune_mllm", study, "mae")
    assert run_code("tune_mllm", study, "deit") != code("tune_mllm", "vistok.tokenizers.open_clip_encoder")
    assert pretraining_code(study, "deit") != pretraining_code(study, "mae")


def test_a_module_that_a_step_does_not_import_is_refused() -> None:
    with pytest.raises(VistokError, match=r"vistok\.steps\.tabulate does not import vistok\.mllm\.model"):
        code("tabulate", "vistok.mllm.model")
