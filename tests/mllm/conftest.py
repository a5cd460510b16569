"""A real MLLM of a few thousand weights: a ViT of ten tokens, a Llama of two layers, words of its own."""

from collections.abc import Callable

import pytest
import torch
from tests.small_models import small_encoder, small_language_model
from transformers import MllamaForCausalLM, PreTrainedTokenizerBase
from transformers.models.mllama.configuration_mllama import MllamaTextConfig

from vistok.grid.connectors import Resampler
from vistok.grid.fields import Part
from vistok.grid.tokenizers import Encoder
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.language_models.causal import CausalLanguageModel
from vistok.mllm.model import MultimodalModel
from vistok.mllm.words import make_word_tokenizer
from vistok.tokenizers.base import build_tokenizer

CORPUS = (
    "<Img>a red ring</Img>How many rings are in the image? 2",
    "Question: what is left of the box, the ring or the glasses? Answer: ring",
    "Does glass exist in the image? Yes. No.",
    "what does the image describe? two boxes, one glass: nothing else",
)
SIZE = small_language_model()
SMALL = Resampler(latents=3, depth=2, heads=2, head_width=8, feedforward_multiple=2)
ENCODER = small_encoder(pixels=24)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def corpus() -> tuple[str, ...]:
    return CORPUS


@pytest.fixture(scope="session")
def small() -> Resampler:
    return SMALL


@pytest.fixture(scope="session")
def encoder_entry() -> Encoder:
    return ENCODER


@pytest.fixture(scope="session")
def size() -> LanguageModelSize:
    return SIZE


@pytest.fixture(scope="session")
def words() -> PreTrainedTokenizerBase:
    return make_word_tokenizer(CORPUS)


@pytest.fixture
def llm(words: PreTrainedTokenizerBase) -> CausalLanguageModel:
    torch.manual_seed(0)
    return CausalLanguageModel.build(SIZE, words)


@pytest.fixture
def seeing(words: PreTrainedTokenizerBase) -> CausalLanguageModel:
    """A model with cross-attention layers: transformers' Mllama, of three layers, the second of which looks."""
    torch.manual_seed(0)
    config = MllamaTextConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=2,
        intermediate_size=64, cross_attention_layers=[1], initializer_range=0.4, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    config._attn_implementation = (
        "eager"  # without a mask, SDPA lets a token look at as many states as it has places
    )
    network = MllamaForCausalLM(config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("_gate"):
                parameter.fill_(2.0)  # a fresh gate is shut
    return CausalLanguageModel(network, words, states="cross_attention_states").eval()


@pytest.fixture
def make_model(llm: CausalLanguageModel) -> Callable[..., MultimodalModel]:
    """Builds an MLLM on the same language model; `connector` is another resampler's size."""

    def build(*, trains: tuple[Part, ...] = ("connector",), connector: Resampler = SMALL) -> MultimodalModel:
        torch.manual_seed(1)
        return MultimodalModel(build_tokenizer(ENCODER), llm, connector, trains=trains)

    return build
