"""A tokenizer tuned with the language model that reads it: its losses and gradients against a small reference."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.small_models import small_codes, small_encoder, small_language_model
from tests.supervision.ibq.conftest import pictures, training
from torch import Tensor

from vistok.datasets.mixture import Mixture
from vistok.datasets.rows import QuestionAnswer
from vistok.datasets.shards import Shards, write_rows
from vistok.errors import VistokError
from vistok.evaluation.turns import TurnDraw
from vistok.grid.connectors import Mlp
from vistok.grid.ett_memory import positions_of
from vistok.grid.recipes import Optimiser, Recipe
from vistok.grid.tokenizers import Encoder
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.probes.cell_net import CellNet
from vistok.supervision.ibq import tuning
from vistok.supervision.ibq.losses import CellDistance
from vistok.supervision.ibq.tokenizer_loss import TokenizerLoss
from vistok.supervision.ibq.tuning import TuningLearner
from vistok.tokenizers.base import build_tokenizer
from vistok.training.batches import Batch
from vistok.training.loop import Plan, make_deterministic, train

PROMPTS = {"caption": "what does the image describe?", "vqa": "Question: {question} Answer:"}
CORPUS = ["Question: what is it? Answer: red blue", "what does the image describe? a red square and bar"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("tuning") / "twelve"
    told = [
        replace(row, captions=("a red square and bar",), questions=(QuestionAnswer("what is it?", "red"),))
        for row in pictures(12, 3)
    ]
    write_rows(told, folder, categories=("square", "bar"))
    return Shards(folder)


@pytest.fixture
def make(shards: Shards, net: CellNet) -> Callable[..., TuningLearner]:
    def build(weight: float = 0.25, encoder: Encoder | None = None, **changed: float) -> TuningLearner:
        make_deterministic(0)
        recipe = Recipe(
            id="test", label="test", trains=("connector", "llm", "tokenizer"), connector=Mlp(), tokenizer_loss=weight,
            optimiser=Optimiser(learning_rate=1e-2, warmup_steps=1), steps=6, batch=4, turns={"caption": 1, "vqa": 1},
            prompts=PROMPTS, short_answer_weight=3.0, horizontal_flip=False,
        )  # fmt: skip
        llm = CausalLanguageModel.build(
            small_language_model(width=16, layers=1, context=128), make_word_tokenizer(CORPUS)
        )
        tokenizer = build_tokenizer(encoder or small_codes())
        model = MultimodalModel(tokenizer, llm, recipe.connector, trains=recipe.trains)
        draw, size = TurnDraw(recipe.turns, recipe.prompts), training(**changed)
        mixture = Mixture([shards], draw=draw, reader=tokenizer.reads(), seed=0, crop_scale=(1.0, 1.0))
        loss = TokenizerLoss(size, CellDistance(net, size.perceptual))
        return TuningLearner(model, mixture, recipe, loss)

    return build


def answers_of(learner: TuningLearner, embeddings: Tensor, batch: Batch) -> Tensor:
    """Returns the mean loss of a batch's answers, by one plain pass of the network over all that it reads."""
    llm, mlp = learner.model.llm, learner.model.connector
    hidden = embeddings @ mlp.hidden.weight.T + mlp.hidden.bias
    seen = torch.nn.functional.gelu(hidden) @ mlp.projection.weight.T + mlp.projection.bias
    before = llm.embed(torch.tensor(llm.words.before_image)).expand(len(seen), -1, -1)
    read = torch.cat([before, seen, llm.embed(batch["ids"])], dim=1)
    mask = torch.cat([torch.ones(read.shape[:2])[:, : -batch["ids"].shape[1]], batch["mask"]], dim=1)
    logits = llm.network(inputs_embeds=read, attention_mask=mask).logits
    said = logits[:, -batch["ids"].shape[1] - 1 : -1].log_softmax(-1)
    each = -said.gather(2, batch["ids"][:, :, None])[:, :, 0] * batch["weights"]
    return each.sum() / batch["weights"].sum()


def of_tokenizer(learner: TuningLearner, images: Tensor) -> Tensor:
    """Returns the tokenizer's loss, written out."""
    trunk, size, net = learner.model.tokenizer.trunk, training(), learner.loss.perceptual.net
    table, rows = trunk.codebook.embedding, trunk.encode(images).permute(0, 2, 3, 1).reshape(-1, 8)
    chosen = table[(rows @ table.T).argmax(1)]
    painted = trunk.decode(chosen.view(len(images), 4, 4, 8).permute(0, 3, 1, 2))
    logarithms = (rows @ table.T / 0.01).log_softmax(1)
    mean = logarithms.exp().mean(0)
    entropy = -(logarithms.exp() * logarithms).sum(1).mean() + (mean * (mean + 1e-5).log()).sum()
    apart = sum(
        weight
        * (one / one.norm(dim=1, keepdim=True) - two / two.norm(dim=1, keepdim=True)).pow(2).sum(1).mean()
        for one, two, weight in zip(net.taps(images), net.taps(painted), size.perceptual, strict=True)
    )
    quantisation = 2.25 * (chosen - rows).pow(2).mean()
    return (painted - images).abs().mean() + apart + quantisation + size.entropy * entropy


@pytest.mark.parametrize("weight", [0.25, 1.0])
def test_the_loss_is_that_of_the_answers_and_a_share_of_the_tokenizers(
    make: Callable[..., TuningLearner], weight: float
) -> None:
    learner = make(weight)
    batch = learner.batch(0, 0, 1)
    total, weights = learner(batch)
    images = batch["images"].float() / 127.5 - 1
    with torch.no_grad():
        embeddings = learner.model.tokenizer(images)
        answers, own = answers_of(learner, embeddings, batch), of_tokenizer(learner, images)
    assert weights == batch["weights"].sum() and own > 1
    assert (total / weights).item() == pytest.approx((answers + weight * own).item(), rel=1e-5)


def test_the_answers_gradient_reaches_the_encoder_and_all_codes_through_the_one_hot(
    make: Callable[..., TuningLearner],
) -> None:
    """Index backpropagation: a one-hot forwards, and backwards the softmax over all codes."""
    learner = make()
    trunk, batch = learner.model.tokenizer.trunk, learner.batch(0, 0, 1)
    images = batch["images"].float() / 127.5 - 1
    encoded = trunk.encode(images)
    encoded.retain_grad()
    embeddings = trunk.codebook(encoded).embeddings.flatten(2).transpose(1, 2)
    answers_of(learner, embeddings, batch).backward()
    plain = embeddings.detach().requires_grad_(True)
    (wanted,) = torch.autograd.grad(answers_of(learner, plain, batch), plain)
    rows = encoded.detach().permute(0, 2, 3, 1).reshape(-1, 8).requires_grad_(True)
    compared = trunk.codebook.embedding.detach().clone().requires_grad_(True)
    soft = (rows @ compared.T).softmax(1) @ trunk.codebook.embedding.detach()
    of_rows, of_compared = torch.autograd.grad((soft * wanted.reshape(-1, 8)).sum(), [rows, compared])
    hard = torch.nn.functional.one_hot((rows @ compared.T).argmax(1), 16).float()
    assert encoded.grad is not None and trunk.codebook.embedding.grad is not None
    result = encoded.grad.permute(0, 2, 3, 1).reshape(-1, 8)
    assert result.abs().max() > 1e-6 and torch.allclose(result, of_rows, rtol=1e-3, atol=1e-7)
    of_codes = hard.T @ wanted.reshape(-1, 8) + of_compared
    assert torch.allclose(trunk.codebook.embedding.grad, of_codes, rtol=1e-3, atol=1e-7)
    assert (trunk.codebook.embedding.grad.abs().amax(1) > 0).all(), "a code that nothing chose learns, too"
    assert all(part.grad is not None and part.grad.any() for part in trunk.encoder.parameters())
    assert all(part.grad is None for part in trunk.decoder.parameters())


def test_a_step_that_is_not_cut_is_the_plain_sum(make: Callable[..., TuningLearner]) -> None:
    """Digit for digit: the images of a step weigh 1 together."""
    learner = make()
    batch = learner.batch(0, 0, 1)
    total, weight = learner(batch)
    images = learner.model.tokenizer.prepared(batch["images"])
    painted, quantised = learner.model.tokenizer.trunk(images)
    seen = learner.model.connector(quantised.embeddings.flatten(2).transpose(1, 2))
    answers, _ = learner.model.llm.answer_loss(
        learner.model.conditioning(seen), batch["ids"], batch["weights"], batch["mask"]
    )
    own = torch.stack([*learner.loss.terms(images, painted, quantised).values()]).sum()
    assert torch.equal(total, answers + 0.25 * own * weight)


def test_an_image_counts_alike_however_a_step_is_cut_and_shared_out(
    make: Callable[..., TuningLearner], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each image's weight in the tokenizer's loss is one, whatever the length of its answers."""
    learner = make(entropy=0.0)
    whole = learner.batch(0, 0, 1)
    shorter = whole["weights"].clone()
    shorter[:2, 3:] = 0
    whole = {**whole, "weights": shorter}
    shares = [{name: tensor[rank::2] for name, tensor in whole.items()} for rank in range(2)]
    results = []
    one_each = positions_of(learner.model.tokenizer.trunk.size)
    monkeypatch.setattr(tuning, "_over_processes", lambda number: shorter.sum())
    parts = [part for share in shares for part in learner.cut(share, one_each)]
    assert len(parts) == 4 and len({float(part["weights"].sum()) for part in parts}) > 1
    for batches in ([whole], shares, parts):
        learner.zero_grad()
        totals = [learner(batch) for batch in batches]
        weight = sum(float(each) for _, each in totals)
        total = torch.stack([each for each, _ in totals]).sum()
        total.backward()
        gradient = [each.grad.flatten() for each in learner.parameters() if each.grad is not None]
        results.append((total.item() / weight, torch.cat(gradient) / weight))
    for value, gradient in results[1:]:
        assert value == pytest.approx(results[0][0], rel=1e-5)
        assert torch.allclose(gradient, results[0][1], rtol=1e-3, atol=1e-6)


def test_every_part_learns_and_the_teacher_stays(make: Callable[..., TuningLearner], tmp_path: Path) -> None:
    learner = make()
    before = {name: tensor.clone() for name, tensor in learner.state_dict().items()}
    plan = Plan(4, learner.recipe.optimiser, save_every=100)
    train(learner, plan, state=tmp_path, identity="one", name="tuning")
    after = learner.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {name for name in before if name.startswith(("loss.perceptual.", "loss.lecam."))}
    assert not any("perceptual" in name for name in learner.trained_tensors())


def test_one_that_was_stopped_ends_with_the_same_weights(
    make: Callable[..., TuningLearner], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(6, make().recipe.optimiser, save_every=100)
    whole = make()
    train(whole, plan, state=tmp_path / "whole", identity="one", name="tuning")
    stopped = make()
    monkeypatch.setattr(
        stopped, "after_step", lambda step: signal.raise_signal(signal.SIGTERM) if step == 2 else None
    )
    with pytest.raises(VistokError, match="stopped at step 3"):
        train(stopped, plan, state=tmp_path / "parts", identity="one", name="tuning")
    again = make()
    train(again, plan, state=tmp_path / "parts", identity="one", name="tuning")
    assert whole.trained_tensors().keys() == again.trained_tensors().keys()
    for name, tensor in whole.trained_tensors().items():
        assert torch.equal(tensor, again.trained_tensors()[name]), name


def test_a_tokenizer_without_a_codebook_has_no_such_loss(make: Callable[..., TuningLearner]) -> None:
    with pytest.raises(VistokError, match="has a `tokenizer_loss`, which is of a tokenizer with a codebook"):
        make(encoder=small_encoder(32))


def test_a_loss_of_what_is_not_trained_is_refused() -> None:
    with pytest.raises(ValueError, match="`tokenizer_loss` is of a tokenizer that is trained"):
        Recipe(
            id="test", label="test", trains=("connector",), tokenizer_loss=0.25, steps=1, batch=1, turns={}, prompts={},
            optimiser=Optimiser(learning_rate=1e-2, warmup_steps=1),
        )  # fmt: skip
