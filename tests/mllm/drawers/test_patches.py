"""A model that draws square by square: its losses against a small reference, and what it draws against its losses."""

from itertools import chain

import pytest
import torch
from tests.small_drawer import small_drawer
from torch import Tensor
from torch.nn import functional

from vistok.errors import VistokError
from vistok.mllm.drawers import base
from vistok.mllm.drawers.base import Drawer

CAPTIONS = ["a red ring on sand", "two stars", ""]


def some_codes(count: int = 3) -> Tensor:
    return torch.randint(0, 16, (count, 4, 4), generator=torch.Generator().manual_seed(4))


def squares(codes: Tensor, side: int) -> list[list[int]]:
    """Returns the codes of one image in the order in which they are drawn, square by square."""
    starts = [(row, column) for row in range(0, 4, side) for column in range(0, 4, side)]
    return [
        [int(codes[row + i, column + j]) for i in range(side) for j in range(side)] for row, column in starts
    ]


def reference(drawer: Drawer, caption: str, codes: Tensor, side: int) -> list[float]:
    """Returns the loss of each code of one image in the order of drawing, one whole pass of the network for each."""
    words, trunk = drawer.model.llm.words, drawer.tokenizer.trunk
    bos, mark = words.before_image[0], words.before_image[1]
    ids = torch.tensor([bos, *words.encode(caption), mark])

    def seen(code: int) -> Tensor:
        one_hot = functional.one_hot(torch.tensor(code), 16).float()
        token = one_hot if drawer.tokenizer.encoder.name == "codes" else trunk.codebook.embedding[code]
        return drawer.model.connector(token[None, None])[0, 0]

    rows, losses = [*drawer.model.llm.embed(ids)], []
    for place, square in enumerate(squares(codes, side)):
        state = drawer.model.llm.network.model(inputs_embeds=torch.stack(rows)[None])[0][0, -1]
        for turn, code in enumerate(square):
            told = drawer.hidden(state) + drawer.turns[turn]
            if turn:
                before = torch.cat([seen(each) for each in square[:turn]])
                told = told + drawer.earlier[turn - 1].weight @ before
            losses.append(-drawer.code(functional.gelu(told)).log_softmax(-1)[code].item())
        if place < len(drawer.positions):
            read = torch.cat([seen(each) for each in square])
            rows.append(drawer.gather.weight @ read + drawer.positions[place])
    return losses


@pytest.mark.parametrize(
    ("side", "read"), [(2, "embeddings"), (2, "codes"), (1, "embeddings"), (4, "embeddings")]
)
def test_losses_are_those_of_a_reference_that_reads_code_after_code(side: int, read: str) -> None:
    drawer, codes = small_drawer(side, read=read), some_codes()
    with torch.no_grad():
        tokens = drawer.words(CAPTIONS)
        losses = drawer.losses(tokens.ids, tokens.mask, codes)
        for caption, image, found in zip(CAPTIONS, codes, losses, strict=True):
            wanted = reference(drawer, caption, image, side)
            order = squares(torch.arange(16).view(4, 4), side)
            assert found.flatten()[[*chain(*order)]].tolist() == pytest.approx(wanted, rel=1e-4)
    assert losses.std() > 0.1


def test_codes_that_are_looked_up_are_read_as_one_hot_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 262,144 codes, those of one image would be a gigabyte."""
    drawer, codes = small_drawer(read="codes"), some_codes()
    made = drawer.read(codes.flatten(1))
    monkeypatch.setattr(base, "_MOST", 0)
    looked_up = drawer.read(codes.flatten(1))
    assert torch.allclose(made, looked_up, atol=1e-6) and made.std() > 0.1
    made.square().sum().backward()
    (weight,) = [each for name, each in drawer.model.connector.named_parameters() if each.ndim == 2]
    first, weight.grad = weight.grad, None
    looked_up.square().sum().backward()
    assert (
        first is not None
        and weight.grad is not None
        and torch.allclose(first, weight.grad, rtol=1e-4, atol=1e-5)
    )


def test_a_code_is_predicted_from_what_is_before_it_alone() -> None:
    drawer, codes = small_drawer(), some_codes(1)
    tokens = drawer.words(CAPTIONS[:1])
    changed = codes.clone()
    changed[0, 0, 3] = (codes[0, 0, 3] + 1) % 16  # the second code of the second square
    with torch.no_grad():
        one, other = (drawer.losses(tokens.ids, tokens.mask, each)[0] for each in (codes, changed))
    same = torch.isclose(one, other, atol=1e-6)
    assert same[:2, :2].all() and same[0, 2]
    assert not same[1, 2:].any() and not same[2:].any() and not same[0, 3]


def test_what_is_likeliest_is_drawn_and_the_same_seed_draws_the_same() -> None:
    drawer = small_drawer()
    drawer.code.weight.data.mul_(1000)
    drawer.code.bias.data.zero_()
    drawn = drawer.draw(CAPTIONS, generator=torch.Generator().manual_seed(0))
    tokens = drawer.words(CAPTIONS)
    with torch.no_grad():
        assert drawer.losses(tokens.ids, tokens.mask, drawn).max() < 0.1
    drawer.code.weight.data.div_(1000)
    first, again, other = (
        drawer.draw(CAPTIONS, guidance=2.0, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other) and first.shape == (3, 4, 4)


def test_guidance_moves_the_distribution_away_from_the_one_without_a_caption() -> None:
    drawer = small_drawer()
    drawer.code.weight.data.mul_(4)  # so that captions matter
    count, generator = 6000, torch.Generator().manual_seed(3)

    def first_code(caption: str) -> Tensor:
        tokens, every = drawer.words([caption]), torch.zeros(16, 4, 4, dtype=torch.long)
        every[:, 0, 0] = torch.arange(16)
        with torch.no_grad():
            return -drawer.losses(tokens.ids.expand(16, -1), tokens.mask.expand(16, -1), every)[:, 0, 0]

    told, untold = first_code(CAPTIONS[0]), first_code("")
    for guidance in (1.0, 3.0):
        wanted = (untold + guidance * (told - untold)).softmax(0)
        drawn = drawer.draw([CAPTIONS[0]] * count, guidance=guidance, generator=generator)
        shares = torch.bincount(drawn[:, 0, 0], minlength=16) / count
        assert (shares - wanted).abs().max() < 0.03
    assert ((untold + 3 * (told - untold)).softmax(0) - told.softmax(0)).abs().max() > 0.1


def test_words_and_the_tokenizer_stay() -> None:
    drawer = small_drawer()
    assert not any(name.startswith("model.tokenizer.") for name in drawer.trained_tensors())
    assert all(not part.requires_grad for part in drawer.tokenizer.parameters())
    assert drawer.model.llm.embed(torch.tensor([0])).shape == (1, 16)
    assert len(drawer.model.llm.words.tokenizer) == drawer.model.llm.network.config.vocab_size


def test_squares_that_do_not_fill_an_image_are_refused() -> None:
    with pytest.raises(VistokError, match="4 x 4 codes, which squares of 3 x 3 do not fill"):
        small_drawer(3)
