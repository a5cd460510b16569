"""Encoder-decoder language models, such as Flan-T5: the encoder reads front and prompt, the decoder answers.

The paper does not say where a T5's visual tokens go (its code has no T5); chosen: into the encoder's input, as BLIP-2
has it. As in T5's own training, the encoder's input ends with the end token, and there is no token that starts a text.
"""

from collections.abc import Sequence
from typing import Any, Self, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional
from transformers import GenerationConfig, PreTrainedTokenizerBase, T5Config, T5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from vistok.grid.tasks import Decoding
from vistok.grid.training_sizes import LanguageModelSize
from vistok.mllm.language_models.base import Conditioning, LanguageModel


class EncoderDecoderLanguageModel(LanguageModel):
    """Each stretch of learnt tokens is one answer: all that stands before it is encoded, and it is decoded."""

    auto = "AutoModelForSeq2SeqLM"
    starts = False

    @classmethod
    def build(cls, size: LanguageModelSize, tokenizer: PreTrainedTokenizerBase) -> Self:
        """Builds a T5-type model of `size.layers` layers in encoder and decoder each.

        Layers are those of version 1.1, as in Flan-T5; output layer and embeddings are one, as in the first T5.
        """
        config = T5Config(
            vocab_size=len(tokenizer),
            d_model=size.width,
            d_kv=size.width // size.heads,
            d_ff=size.feedforward,
            num_layers=size.layers,
            num_decoder_layers=size.layers,
            num_heads=size.heads,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        config.decoder_start_token_id = tokenizer.pad_token_id
        return cls(T5ForConditionalGeneration(config), tokenizer)

    def logits(
        self,
        conditioning: Conditioning,
        ids: Int[Tensor, "batch length"],
        learnt: Bool[Tensor, "batch length"],
        mask: Int[Tensor, "batch length"],
    ) -> Float[Tensor, "tokens vocabulary"]:
        steps = functional.pad(learnt.long(), (1, 1)).diff(dim=1)
        rows, starts = (steps == 1).nonzero(as_tuple=True)
        lengths = (steps == -1).nonzero(as_tuple=True)[1] - starts
        longest = int(starts.max()) if len(starts) else 0
        before = torch.arange(longest, device=ids.device) < starts[:, None]
        encoded, read = self._encoded(conditioning.rows(rows), ids[rows, :longest], before)
        within = torch.arange(int(lengths.max()) if len(lengths) else 0, device=ids.device)
        answers = ids[rows[:, None], (starts[:, None] + within).clamp(max=ids.shape[1] - 1)]
        return self._decoded(encoded, read, answers)[within < lengths[:, None]]

    @torch.no_grad()
    def generate(
        self,
        conditioning: Conditioning,
        prompts: Sequence[str],
        decoding: Decoding,
        owner: Int[Tensor, "prompts"] | None = None,
    ) -> list[str]:
        tokens = self.words.pad_texts(prompts).to(self.device)
        each = conditioning if owner is None else conditioning.rows(owner)
        encoded, read = self._encoded(each, tokens.ids, tokens.mask > 0)
        config = self.network.config
        output = cast(Any, self.network).generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
            attention_mask=read,
            generation_config=GenerationConfig(
                num_beams=decoding.beams,
                max_new_tokens=decoding.max_new_tokens,
                repetition_penalty=decoding.repetition_penalty,
                length_penalty=decoding.length_penalty,
                do_sample=False,
                decoder_start_token_id=config.decoder_start_token_id,
                eos_token_id=self.words.end,
                pad_token_id=config.pad_token_id,
            ),
        )
        return [text.strip() for text in self.words.tokenizer.batch_decode(output, skip_special_tokens=True)]

    def _option_logits(
        self,
        conditioning: Conditioning,
        prompts: Sequence[str],
        owner: Int[Tensor, "options"],
        ids: Int[Tensor, "options length"],
        option_mask: Bool[Tensor, "options length"],
    ) -> Float[Tensor, "tokens vocabulary"]:
        tokens = self.words.pad_texts(prompts).to(self.device)
        encoded, read = self._encoded(conditioning, tokens.ids, tokens.mask > 0)
        return self._decoded(encoded[owner], read[owner], ids)[option_mask]

    def _encoded(self, conditioning: Conditioning, ids: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what the encoder makes of front, words and an end token, and which of it is not padding."""
        if conditioning.states is not None:
            raise ValueError(f"{type(self.network).__name__} reads its encoder's states, and no others")
        columns = torch.arange(ids.shape[1] + 1, device=ids.device)
        ends = text_mask.sum(1, keepdim=True)
        words = self.embed(functional.pad(ids, (0, 1)).where(columns < ends, self.words.end))
        front = conditioning.front
        mask = functional.pad((columns <= ends).long(), (front.shape[1], 0), value=1)
        embedded = torch.cat([front.to(words.dtype), words], dim=1)
        return self.network.get_encoder()(inputs_embeds=embedded, attention_mask=mask)[0], mask

    def _decoded(self, encoded: Tensor, read: Tensor, ids: Tensor) -> Tensor:
        """Returns the decoder's logits at each of `ids`, given those before it."""
        first = ids.new_full((len(ids), 1), self.network.config.decoder_start_token_id)
        output = self.network(
            encoder_outputs=(encoded,),
            attention_mask=read,
            decoder_input_ids=torch.cat([first, ids], dim=1)[:, :-1],
            use_cache=False,
        )
        return cast(Tensor, output.logits)


KIND = EncoderDecoderLanguageModel
