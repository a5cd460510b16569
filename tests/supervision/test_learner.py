"""A pretraining on several processes takes the steps of one."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.forking import run_together

from vistok.datasets.shards import Shards
from vistok.errors import VistokError
from vistok.grid.fields import OBJECTIVES
from vistok.grid.kinds import kinds_in
from vistok.grid.tokenizers import Encoder

SHARED = ("feature-distillation", "masked-pixels", "region-proposals", "supervised")
SHARED_TOO = ("masked-features", "owl-vit")  # they take heads of a CLIP: not trained by two processes here
SCRIPT = """
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from vistok.datasets.shards import Shards
from vistok.grid.training_sizes import Pretraining
from vistok.grid.recipes import Optimiser
from vistok.grid.tokenizers import Encoder
from vistok.supervision.base import Setup, make_objective
from vistok.supervision.data import PretrainingData
from vistok.supervision.learner import PretrainingLearner
from vistok.tokenizers.base import build_tokenizer
from vistok.training.loop import Plan, make_deterministic, train

shards, encoder, out, workers, *names = sys.argv[1:]
encoder = Encoder.model_validate_json(encoder)
data = PretrainingData(Shards(Path(shards)), encoder.image_size)
optimiser = Optimiser(learning_rate=1e-3, warmup_steps=0, clip_norm=1.0)
for name in names:
    make_deterministic(0)
    teacher = build_tokenizer(encoder) if name == "feature-distillation" else None
    pretraining = Pretraining(steps=4, batch=8, optimiser=optimiser)
    learner = PretrainingLearner(make_objective(name, Setup(encoder, pretraining, data, 0, None, teacher)), data)
    plan = Plan(4, optimiser, save_every=50, note_every=1, workers=int(workers))
    curves = train(learner, plan, state=Path(out) / name, identity=name, name=name)
    process = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
    losses = torch.tensor([point["loss"] for point in curves])
    save_file(learner.trained_tensors() | {"losses": losses}, Path(out) / f"{name}-{process}.safetensors")
"""


def test_objectives_whose_loss_is_a_mean_over_images_share_batches(make) -> None:
    assert {name for name in kinds_in(OBJECTIVES) if name != "untrained" and make(name).shares_batches} == {
        *SHARED,
        *SHARED_TOO,
    }


def test_two_processes_take_the_steps_of_one(shards: Shards, encoder: Encoder, tmp_path: Path) -> None:
    """Each has half of every batch, and a worker of its own that makes it."""
    script, alone, both = tmp_path / "shared.py", tmp_path / "alone", tmp_path / "both"
    script.write_text(SCRIPT)
    for out, workers, processes in ((alone, "0", 1), (both, "1", 2)):
        out.mkdir()
        run_together(
            script, processes, str(shards.path), encoder.model_dump_json(), str(out), workers, *SHARED
        )
    for name in SHARED:
        expected = load_file(alone / f"{name}-0.safetensors")
        first, second = (load_file(both / f"{name}-{process}.safetensors") for process in (0, 1))
        assert expected["losses"][-1] < expected["losses"][0]
        for part, tensor in expected.items():
            assert torch.equal(first[part], second[part]), part
            # Adam divides by the size of the gradient: where that is next to nothing, the order of sums shows.
            assert torch.allclose(moved(part, first[part]), moved(part, tensor), atol=1e-4), (name, part)


def moved(part: str, tensor: torch.Tensor) -> torch.Tensor:
    """Returns a tensor without the biases of keys: no softmax sees them, and their gradients are rounding alone."""
    if not part.endswith("qkv.bias"):
        return tensor
    query, _, value = tensor.chunk(3)
    return torch.cat([query, value])


def test_a_batch_that_cannot_be_shared_out_is_refused(make, data) -> None:
    with pytest.raises(VistokError, match=r"the dino objective compares .* in one process, found 2"):
        make("dino").batch(data, 0, 1, 2)
    with pytest.raises(VistokError, match=r"12 images .* over 5 processes. Make it a multiple of 10"):
        make("supervised").batch(data, 0, 1, 5)
