"""Causal language models, such as LLaMA: conditioning and text form one sequence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RepetitionPenaltyLogitsProcessor,
)

from vistok.grid.tasks import Decoding
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.language_models.base import Conditioning, LanguageModel
from vistok.mllm.language_models.greedy import generate_greedily
from vistok.mllm.language_models.inserted import InsertedLayers
from vistok.mllm.language_models.packed import attend_packed, packed, packing_of, read_packed
from vistok.mllm.prompt import Tokens


class CausalLanguageModel(LanguageModel):
    """A decoder: each token is predicted from the front and from the words before it.

    Args:
        states: the name of the argument that takes what the network's cross-attention layers read, such as
            Mllama's `cross_attention_states`; None for a network without such layers.
    """

    auto = "AutoModelForCausalLM"

    def __init__(
        self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, states: str | None = None
    ) -> None:
        tokenizer.pad_token = tokenizer.eos_token  # as in the released code
        super().__init__(network, tokenizer)
        self.states = states
        self.packs = states is None and attend_packed(network)
        self._inserted = InsertedLayers()

    def insert(self, layers: Sequence[nn.Module]) -> None:
        self._inserted.put(layers, self._decoder.layers)

    def logits(
        self,
        conditioning: Conditioning,
        ids: Int[Tensor, "batch length"],
        learnt: Bool[Tensor, "batch length"],
        mask: Int[Tensor, "batch length"],
    ) -> Float[Tensor, "tokens vocabulary"]:
        embedded, front = self._joined(conditioning, ids), conditioning.front.shape[1]
        if not front and bool(learnt[:, 0].any()):
            raise ValueError("the first token of a text has nothing before it: it cannot be learnt")
        # The logits of a token come from the position before it.
        predicting = functional.pad(learnt, (front, 0))[:, 1:]
        if self.packs and not self._inserted:  # whose rows read each its own image
            packing = packing_of(functional.pad(mask, (front, 0), value=1))
            selected = functional.pad(predicting, (0, 1)).flatten()[packing.indices].nonzero()[:, 0]
            read = read_packed(self._decoder, packed(embedded, packing), packing, selected)
            return self._words(read[packing.indices[selected].argsort()])
        # No mask: padding follows all words of its row, and causal attention never reads ahead.
        with self._reading(conditioning) as states:
            hidden = self._decoder(inputs_embeds=embedded, use_cache=False, **states)[0]
        return self._words(hidden[:, :-1][predicting])

    @classmethod
    def build(cls, size: LanguageModelSize, tokenizer: PreTrainedTokenizerBase) -> Self:
        """Builds a Llama-type model of a scale that trains its own.

        The initial weights are drawn with a deviation of 1/sqrt(width): with the usual 0.02 a model this small
        never learns to look things up in its prefix.
        """
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=size.width,
            intermediate_size=size.feedforward,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            max_position_embeddings=size.context,
            initializer_range=size.width**-0.5,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=2,
            tie_word_embeddings=True,
        )
        return cls(LlamaForCausalLM(config), tokenizer)

    @torch.no_grad()
    def generate(
        self,
        conditioning: Conditioning,
        prompts: Sequence[str],
        decoding: Decoding,
        owner: Int[Tensor, "prompts"] | None = None,
    ) -> list[str]:
        tokens = self.words.pad_texts(prompts, left=True).to(self.device)
        owner = torch.arange(len(prompts), device=self.device) if owner is None else owner
        write = self._write_greedily if self._is_plain(conditioning, decoding) else self._write
        output = write(conditioning, owner, tokens, decoding)
        decoded = self.words.tokenizer.batch_decode(output, skip_special_tokens=True)
        return [text.strip() for text in decoded]

    def _is_plain(self, conditioning: Conditioning, decoding: Decoding) -> bool:
        """Returns whether everything that decides an answer is in one sequence, and one answer is sought."""
        layers = getattr(self.network.config, "layer_types", None) or ()
        alike = set(layers) <= {"full_attention"}  # and no layer forgets what is far behind
        plain = alike and self.packs and not self._inserted and conditioning.states is None
        return plain and decoding.beams == 1 and conditioning.front.shape[1] > 0

    def _write_greedily(
        self, conditioning: Conditioning, owner: Tensor, tokens: Tokens, decoding: Decoding
    ) -> Tensor:
        return generate_greedily(
            self._decoder, self._words, self.embed, conditioning.front.to(self.dtype), owner, tokens.ids, tokens.mask,
            most=decoding.max_new_tokens, end=self.words.end, penalties=_penalties(decoding),
        )  # fmt: skip

    def _write(self, conditioning: Conditioning, owner: Tensor, tokens: Tokens, decoding: Decoding) -> Tensor:
        conditioning = conditioning.rows(owner)
        embedded, mask = self._left_padded(conditioning, tokens.ids, tokens.mask)
        config = GenerationConfig(
            num_beams=decoding.beams,
            max_new_tokens=decoding.max_new_tokens,
            repetition_penalty=1.0,
            length_penalty=decoding.length_penalty,
            do_sample=False,
            bos_token_id=self.words.tokenizer.bos_token_id,
            eos_token_id=self.words.end,
            pad_token_id=self.words.end,
        )
        with self._reading(conditioning) as states:
            output: Tensor = cast(Any, self.network).generate(
                inputs_embeds=embedded,
                attention_mask=mask,
                logits_processor=_penalties(decoding),
                generation_config=config,
                **states,
            )
        return output

    def _option_logits(
        self,
        conditioning: Conditioning,
        prompts: Sequence[str],
        owner: Int[Tensor, "options"],
        ids: Int[Tensor, "options length"],
        option_mask: Bool[Tensor, "options length"],
    ) -> Float[Tensor, "tokens vocabulary"]:
        tokens = self.words.pad_texts(prompts).to(self.device)
        mask = functional.pad(tokens.mask, (conditioning.front.shape[1], 0), value=1)
        ends = mask.sum(1)
        embedded = self._joined(conditioning, tokens.ids)
        with self._reading(conditioning) as states:
            prefix = self._decoder(inputs_embeds=embedded, attention_mask=mask, use_cache=True, **states)
        hidden = prefix[0][torch.arange(len(ends), device=ends.device), ends - 1][owner, None]
        if ids.shape[1] > 1:
            cache = prefix.past_key_values
            cache.batch_select_indices(owner)
            rest = ids[:, :-1]
            # Padding of a prompt stands between it and its options: positions go on from the prompt's own end.
            with self._reading(conditioning.rows(owner)):  # a network's own layers have theirs in the cache
                following = self._decoder(
                    inputs_embeds=self.embed(rest),
                    attention_mask=torch.cat([mask[owner], torch.ones_like(rest)], dim=1),
                    position_ids=ends[owner, None] + torch.arange(rest.shape[1], device=ends.device),
                    past_key_values=cache,
                    use_cache=True,
                )[0]
            hidden = torch.cat([hidden, following], dim=1)
        return self._words(hidden[option_mask])

    @property
    def _decoder(self) -> Any:
        """The network without its output layer; Mllama names itself as its base model."""
        return getattr(self.network, "model", self.network.base_model)

    def _joined(self, conditioning: Conditioning, ids: Tensor) -> Tensor:
        """Returns the embeddings of the front and of the text after it."""
        words = self.embed(ids)
        return torch.cat([conditioning.front.to(words.dtype), words], dim=1)

    def _left_padded(self, conditioning: Conditioning, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Puts padding before the front: rows of one batch end together and start apart."""
        embedded = self._joined(conditioning, ids)
        full_mask = functional.pad(mask, (conditioning.front.shape[1], 0), value=1)
        # Padding is between front and prompt here; a stable sort by the mask moves it before both.
        order = full_mask.argsort(dim=1, stable=True)
        return embedded.gather(1, order[..., None].expand_as(embedded)), full_mask.gather(1, order)

    def _words(self, hidden: Tensor) -> Tensor:
        return cast(Tensor, cast(Any, self.network.get_output_embeddings())(hidden))

    @contextmanager
    def _reading(self, conditioning: Conditioning) -> Iterator[dict[str, Tensor]]:
        """Lets inserted layers read the states; yields them as the network's argument, if its own layers read them."""
        own: dict[str, Tensor] = {}
        if conditioning.states is not None and not self._inserted:
            if self.states is None:
                raise ValueError(
                    f"{type(self.network).__name__} has no cross-attention layers to read states"
                )
            own = {self.states: conditioning.states.to(self.network.dtype)}
        with self._inserted.reading(conditioning.states):
            yield own


def _penalties(decoding: Decoding) -> LogitsProcessorList:
    """Returns the repetition penalty on what was generated so far.

    Left to itself, `generate` spares as many of a row's first words as the row has padding in front: it takes
    them for padded words of a prompt, which embeddings do not have. A batch would then change an answer.
    """
    if decoding.repetition_penalty == 1.0:
        return LogitsProcessorList()
    return LogitsProcessorList([RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty)])


KIND = CausalLanguageModel
