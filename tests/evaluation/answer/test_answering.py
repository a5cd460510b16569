"""Answers do not depend on what else stands in the batch, and are those of a plain generation."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tests.small_models import small_encoder, small_language_model
from transformers import GenerationConfig

from vistok.evaluation.answer.answering import SeeingAnswerer
from vistok.evaluation.answer.generation import BlindAnswerer, Question
from vistok.grid.connectors import Resampler
from vistok.grid.tasks import Decoding
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.prompt import PromptEncoder
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer

WORDS = [
    *"abcdefgh",
    "red",
    "ring",
    "box",
    "two",
    "three",
    "Yes.",
    "No.",
    "where",
    "is",
    "the",
    "left",
    "of",
    "it?",
]
SIZE = small_language_model()
ENCODER = small_encoder()
GREEDY = Decoding(max_new_tokens=6)
BEAMS = Decoding(beams=5, max_new_tokens=6)
PENALTY = Decoding(max_new_tokens=6, repetition_penalty=1.5)
ALL_SET = Decoding(beams=2, max_new_tokens=4, repetition_penalty=1.5, length_penalty=-2.0)
MEANT = "ignore:Passing .repetition_penalty. with .inputs_embeds.:UserWarning"
IMAGES = 9
QUESTIONS = 70


@pytest.fixture(scope="module")
def encoder() -> PromptEncoder:
    return PromptEncoder(make_word_tokenizer(WORDS))


@pytest.fixture(scope="module")
def model(encoder: PromptEncoder) -> MultimodalModel:
    """An MLLM whose random weights are so large that what it says hangs on image and question."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    llm = CausalLanguageModel.build(SIZE, encoder.tokenizer)
    connector = Resampler(latents=3, depth=1, heads=2, head_width=8, feedforward_multiple=2)
    built = MultimodalModel(build_tokenizer(ENCODER), llm, connector, trains=("connector",))
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if parameter.ndim > 1:
                parameter *= 2.0 if name.startswith("llm.") else 3.0
    return built


def pictures() -> Iterator[tuple[str, Any]]:
    chance = np.random.default_rng(0)
    for place in range(IMAGES):
        yield f"image {place}", chance.normal(size=(3, 16, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    """Questions of one to nine words about nine images, in no order."""
    chance = np.random.default_rng(1)
    return [
        Question(
            place, f"image {chance.integers(IMAGES)}", " ".join(chance.choice(WORDS, chance.integers(1, 10)))
        )
        for place in range(QUESTIONS)
    ]


def answerer(model: MultimodalModel, batch: int) -> SeeingAnswerer:
    made = SeeingAnswerer(model, batch=batch)
    made.look(pictures())
    return made


def texts(answers: Sequence[Any]) -> list[str]:
    return [answer.text for answer in answers]


@torch.no_grad()
def alone(model: MultimodalModel, encoder: PromptEncoder, question: Question, decoding: Decoding) -> str:
    """Returns what transformers generates for one sequence without any padding."""
    image = torch.from_numpy(dict(pictures())[question.image_id])[None]
    words = model.llm.embed
    after = encoder.encode(f"</Img>{question.prompt}")
    sequence = torch.cat(
        [words(torch.tensor([encoder.before_image])), model.see(image), words(torch.tensor([after]))], dim=1
    )
    config = GenerationConfig(
        num_beams=decoding.beams,
        max_new_tokens=decoding.max_new_tokens,
        repetition_penalty=decoding.repetition_penalty,
        length_penalty=decoding.length_penalty,
        do_sample=False,
        eos_token_id=encoder.end,
        pad_token_id=encoder.end,
    )
    mask = torch.ones(sequence.shape[:2], dtype=torch.long)
    ids = model.llm.network.generate(inputs_embeds=sequence, attention_mask=mask, generation_config=config)
    return encoder.tokenizer.decode(ids[0], skip_special_tokens=True).strip()


@pytest.mark.parametrize(
    "decoding",
    [GREEDY, BEAMS, PENALTY, ALL_SET],
    ids=["greedy", "beams", "penalty", "all set"],
)
def test_the_batch_size_does_not_change_an_answer(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question], decoding: Decoding
) -> None:
    one, *others = (texts(answerer(model, batch).answer(questions, decoding)) for batch in (1, 7, 64, 256))
    assert others == [one, one, one]
    assert len(set(one)) > QUESTIONS / 3, "answers that were all alike would show nothing"


@pytest.mark.parametrize(
    "decoding",
    [GREEDY, BEAMS, PENALTY, ALL_SET],
    ids=["greedy", "beams", "penalty", "all set"],
)
@pytest.mark.filterwarnings(MEANT)
def test_answers_are_those_of_a_plain_generation(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question], decoding: Decoding
) -> None:
    said = texts(answerer(model, 7).answer(questions[:20], decoding))
    assert said == [alone(model, encoder, question, decoding) for question in questions[:20]]


def test_answers_come_in_the_order_of_the_questions(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    made = answerer(model, 7)
    forwards, backwards = made.answer(questions, GREEDY), made.answer(questions[::-1], GREEDY)
    assert [answer.question for answer in forwards] == questions
    assert forwards == backwards[::-1]


def test_padding_is_before_the_image(model: MultimodalModel, encoder: PromptEncoder) -> None:
    made = answerer(model, 7)
    prompts = ["</Img>a b c d", "</Img>e"]
    tokens = encoder.pad_texts(prompts, left=True)
    seen = torch.stack([made.seen["image 0"], made.seen["image 1"]])
    conditioning = model.conditioning(seen)
    embedded, mask = model.llm._left_padded(conditioning, tokens.ids, tokens.mask)
    words = model.llm.embed
    assert mask.tolist() == [[1] * 10, [0] * 3 + [1] * 7]
    for row, (image, prompt) in enumerate(zip(seen, prompts, strict=True)):
        ids = torch.tensor(encoder.encode(prompt))
        whole = torch.cat([words(torch.tensor(encoder.before_image)), image, words(ids)])
        assert torch.equal(embedded[row, 10 - len(whole) :], whole)


def test_each_image_is_encoded_once(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    shown: list[int] = []
    hook = model.tokenizer.register_forward_hook(lambda module, given, made: shown.append(len(given[0])))
    try:
        made = answerer(model, 4)
        assert shown == [4, 4, 1]
        made.answer(questions, GREEDY)
        made.answer(questions, BEAMS)
    finally:
        hook.remove()
    assert sum(shown) == IMAGES


def test_what_questions_about_an_image_share_is_read_once_and_no_key_is_copied(
    model: MultimodalModel, questions: list[Question]
) -> None:
    made, read = answerer(model, 64), list[tuple[int, ...]]()
    about = [question for question in questions if question.image_id in ("image 0", "image 1")][:6]
    assert len({question.image_id for question in about}) == 2
    hook = model.llm.network.model.register_forward_pre_hook(
        lambda module, given, named: read.append(tuple(named["inputs_embeds"].shape[:2])), with_kwargs=True
    )
    try:
        made.answer(about, GREEDY)
        BlindAnswerer(model.llm, batch=64).answer(about, GREEDY)
    finally:
        hook.remove()
    longest = max(len(model.llm.words.encode(f"</Img>{question.prompt}")) for question in about)
    blind_from = read.index((1, 2))
    assert read[:3] == [(2, 5), (6, longest), (6, 1)], "two images, then six questions, then a word at a time"
    assert read[blind_from : blind_from + 2] == [(1, 2), (6, longest)]


def test_questions_about_an_image_share_a_batch(model: MultimodalModel, questions: list[Question]) -> None:
    made = answerer(model, 8)
    groups = made.groups(questions)
    assert sorted(place for group in groups for place in group) == [*range(QUESTIONS)]
    images = [[questions[place].image_id for place in group] for group in groups]
    assert sum(len(set(some)) for some in images) < IMAGES + len(groups), (
        "an image is in two batches at a border alone"
    )
    again = [made.groups([questions[place] for place in group]) for group in groups]
    assert again == [[[*range(len(group))]] for group in groups], "a batch that is asked alone stays as it is"
    assert made.groups([]) == []


def test_a_batch_leaves_out_the_rows_that_have_ended(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    """With an end token that is often the likeliest, every row has its own length."""
    ending, read = copy.deepcopy(model), list[int]()
    with torch.no_grad():
        words = (
            ending.llm.network.get_input_embeddings().weight
        )  # where padding has the end token's place: zeros
        words[encoder.end] = (
            2 * words.std() * torch.randn(words.shape[1], generator=torch.Generator().manual_seed(0))
        )
    decoding = Decoding(max_new_tokens=12)
    hook = ending.llm.network.model.register_forward_pre_hook(
        lambda module, given, named: read.append(len(named["inputs_embeds"])), with_kwargs=True
    )
    try:
        said = texts(answerer(ending, 256).answer(questions, decoding))
    finally:
        hook.remove()
    front, first, *later = read
    assert (front, first) == (IMAGES, QUESTIONS) and later == sorted(later, reverse=True)
    assert len(set(later)) > 2 and later[-1] < QUESTIONS / 2
    assert said == [alone(ending, encoder, question, decoding) for question in questions]


def test_images_are_encoded_the_same_in_any_batch(model: MultimodalModel, encoder: PromptEncoder) -> None:
    one, four = answerer(model, 1).seen, answerer(model, 4).seen
    assert list(one) == list(four) == [f"image {place}" for place in range(IMAGES)]
    assert one["image 0"].shape == (3, 32)
    for name in one:
        assert torch.allclose(one[name], four[name], atol=1e-5), name


def test_answers_end_in_time(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    made = answerer(model, 64)
    for longest in (1, 3):
        said = texts(made.answer(questions, Decoding(max_new_tokens=longest)))
        assert max(len(encoder.encode(text)) for text in said) == longest


def test_a_repetition_costs(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    made = answerer(model, 64)

    def repeated(penalty: float) -> int:
        said = made.answer(questions, Decoding(max_new_tokens=6, repetition_penalty=penalty))
        return sum(len(text.split()) - len(set(text.split())) for text in texts(said))

    assert repeated(1.0) > 3
    assert repeated(50.0) < repeated(1.0)


def test_beams_find_other_answers(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    made = answerer(model, 64)
    assert texts(made.answer(questions, BEAMS)) != texts(made.answer(questions, GREEDY))


def test_no_questions_have_no_answers(model: MultimodalModel, encoder: PromptEncoder) -> None:
    made = SeeingAnswerer(model, batch=4)
    made.look(iter(()))
    assert made.answer([], GREEDY) == []
    assert made.seen == {}


def test_special_words_are_not_said(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    said = answerer(model, 64).answer(questions, GREEDY)
    assert not any(mark in text for text in texts(said) for mark in ("</s>", "<s>", "<Img>"))
    assert all(text == text.strip() for text in texts(said))


def test_an_answering_model_is_in_use(model: MultimodalModel, encoder: PromptEncoder) -> None:
    model.train()
    made = answerer(model, 4)
    assert not made.model.connector.training
    assert not made.seen["image 0"].requires_grad


def test_a_blind_answer_is_what_the_language_model_says_with_no_token_in_the_place_of_the_image(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    said = texts(BlindAnswerer(model.llm, batch=7).answer(questions[:20], GREEDY))
    for question, text in zip(questions[:20], said, strict=True):
        ids = torch.tensor([[*encoder.before_image, *encoder.encode(f"</Img>{question.prompt}")]])
        whole = model.llm.network.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            generation_config=GenerationConfig(
                max_new_tokens=6, do_sample=False, eos_token_id=encoder.end, pad_token_id=encoder.end
            ),
        )
        assert text == encoder.tokenizer.decode(whole[0, ids.shape[1] :], skip_special_tokens=True).strip()


def test_a_blind_answer_does_not_hang_on_the_image(
    model: MultimodalModel, encoder: PromptEncoder, questions: list[Question]
) -> None:
    made = BlindAnswerer(model.llm, batch=7)
    elsewhere = [Question(question.id, "an image never seen", question.prompt) for question in questions]
    assert texts(made.answer(questions, GREEDY)) == texts(made.answer(elsewhere, GREEDY))
    assert len(set(texts(made.answer(questions, GREEDY)))) > QUESTIONS / 3
