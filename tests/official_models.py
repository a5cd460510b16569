"""Stand-ins of published language models: their files, names and settings, with a few thousand random weights."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import sentencepiece
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXT = (
    "How many dogs are there in the image? There are 3 dogs, 2 cats and 10 horses.",
    "Question: what does the image describe? Answer: a man rides a horse on a beach at noon.",
    "Does a zebra exist in the image? Yes. No. Quick foxes jump over the lazy vixen: 4567 89",
)
MARKS = "<Img> I I I </Img>"


def vicuna(folder: Path) -> LlamaForCausalLM:
    """Writes a repository as `lmsys/vicuna-7b-v1.1` was released, and returns its network.

    Two files of PyTorch's old form in half precision, with their index and the buffers that older versions saved;
    `tokenizer.model` alone; the configuration of transformers 4.28.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _sentencepiece(
        folder / "tokenizer.model", [*TEXT, MARKS],
        model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        split_digits=True, allow_whitespace_only_pieces=True, vocab_size=340, unk_id=0, bos_id=1, eos_id=2, pad_id=-1,
    )  # fmt: skip
    config = {
        "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 64,
        "max_position_embeddings": 2048, "num_attention_heads": 2, "num_hidden_layers": 3, "rms_norm_eps": 1e-6,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": False, "use_cache": True,
        "vocab_size": vocabulary,
    }  # fmt: skip
    network = LlamaForCausalLM(LlamaConfig(**config)).half()
    _config(folder, {**config, "architectures": ["LlamaForCausalLM"], "model_type": "llama"}, "float16")
    special = {
        name: _added(text)
        for name, text in (("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>"))
    }
    _json(folder / "special_tokens_map.json", special)
    _json(
        folder / "tokenizer_config.json",
        {
            "add_bos_token": True, "add_eos_token": False, "clean_up_tokenization_spaces": False,
            "model_max_length": 10**30, "pad_token": None, "sp_model_kwargs": {}, "tokenizer_class": "LlamaTokenizer",
            **{name: {"__type": "AddedToken", **token} for name, token in special.items()},
        },
    )  # fmt: skip
    buffers = {f"model.layers.{layer}.self_attn.rotary_emb.inv_freq": torch.ones(8) for layer in range(3)}
    save_old(folder, {**network.state_dict(), **buffers}, files=2)
    return network


def flan_t5(folder: Path) -> T5ForConditionalGeneration:
    """Writes a repository as `google/t5-xxl-lm-adapt` was released, and returns its network.

    One file of PyTorch's old form; `spiece.model` alone, which knows no '<'; more embeddings than the tokenizer has
    tokens, a hundred of which are no words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = _sentencepiece(
        folder / "spiece.model", [*TEXT], model_type="unigram", normalization_rule_name="nmt_nfkc",
        vocab_size=90, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
    )  # fmt: skip
    config = {
        "d_ff": 64, "d_kv": 16, "d_model": 32, "decoder_start_token_id": 0, "dropout_rate": 0.1, "eos_token_id": 1,
        "feed_forward_proj": "gated-gelu", "is_encoder_decoder": True, "num_decoder_layers": 2, "num_heads": 2,
        "num_layers": 2, "pad_token_id": 0, "relative_attention_num_buckets": 32, "tie_word_embeddings": False,
        "vocab_size": words + 100 + 28,
    }  # fmt: skip
    network = T5ForConditionalGeneration(T5Config(**config))
    _config(
        folder, {**config, "architectures": ["T5ForConditionalGeneration"], "model_type": "t5"}, "float32"
    )
    extra = [f"<extra_id_{number}>" for number in range(100)]
    special = {
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "additional_special_tokens": extra,
    }
    _json(folder / "special_tokens_map.json", special)
    own = {"extra_ids": 100, "model_max_length": 512, "sp_model_kwargs": {}, "tokenizer_class": "T5Tokenizer"}
    _json(folder / "tokenizer_config.json", {**special, **own})
    save_old(folder, network.state_dict(), files=1)
    return network


def qwen(folder: Path) -> Qwen2ForCausalLM:
    """Writes a repository as `Qwen/Qwen2.5-1.5B` was released, and returns its network.

    One safetensors file in bfloat16 without the output layer, which is the embeddings; queries, keys and values with
    biases; tokens of bytes, none of which starts a text; more embeddings than the tokenizer has tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end, marks = "<|endoftext|>", ("<|im_start|>", "<|im_end|>")
    tokens = _bytes_tokenizer((end, *marks))
    tokens.save(str(folder / "tokenizer.json"))
    tokens.model.save(str(folder))  # vocab.json and merges.txt
    special = {
        str(tokens.token_to_id(mark)): {**_added(mark), "normalized": False, "special": True}
        for mark in (end, *marks)
    }
    _json(
        folder / "tokenizer_config.json",
        {
            "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": special, "bos_token": None,
            "additional_special_tokens": [*marks], "clean_up_tokenization_spaces": False, "eos_token": end,
            "errors": "replace", "model_max_length": 131072, "pad_token": end, "split_special_tokens": False,
            "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
        },
    )  # fmt: skip
    config = {
        "attention_dropout": 0.0, "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02,
        "intermediate_size": 64, "max_position_embeddings": 131072, "max_window_layers": 2, "num_attention_heads": 4,
        "num_hidden_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "rope_theta": 1e6,
        "sliding_window": 131072, "tie_word_embeddings": True, "use_cache": True, "use_sliding_window": False,
        "bos_token_id": tokens.token_to_id(end), "eos_token_id": tokens.token_to_id(end),
        "vocab_size": tokens.get_vocab_size() + 5,
    }  # fmt: skip
    network = Qwen2ForCausalLM(Qwen2Config(**config)).bfloat16()
    _config(folder, {**config, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}, "bfloat16")
    stored = {name: tensor for name, tensor in network.state_dict().items() if name != "lm_head.weight"}
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    return network


def _bytes_tokenizer(special: tuple[str, ...]) -> Tokenizer:
    """Returns a tokenizer of merged bytes, which splits words and single digits first."""
    tokens = Tokenizer(models.BPE())
    tokens.normalizer = normalizers.NFC()
    words = pre_tokenizers.Split(Regex(r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"), "isolated")
    tokens.pre_tokenizer = pre_tokenizers.Sequence(
        [words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokens.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens.train_from_iterator(
        [*TEXT, MARKS], trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    )
    tokens.add_special_tokens([*special])
    return tokens


def gguf_llama(path: Path) -> LlamaForCausalLM:
    """Writes a file as llama.cpp's converter makes them, in blocks of four bits, and returns its network.

    Norms stay in single precision; of each head's rows, halves are interleaved; the tokenizer is GPT-2's kind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = ["Ġ d", "Ġd o", "Ġdo g", "Ġ a", "m a", "ma g", "mag e"]
    tokens = ["<unk>", "<s>", "</s>", *letters, *(merge.replace(" ", "") for merge in merges)]
    config = LlamaConfig(
        vocab_size=len(tokens), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, initializer_range=0.2,
    )  # fmt: skip
    network = LlamaForCausalLM(config)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("small")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * (len(tokens) - 3))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name != "lm_head.weight":
                _add_to_gguf(writer, config, name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return network


_GGUF_NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "model.layers": "blk",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def _add_to_gguf(writer: gguf.GGUFWriter, config: LlamaConfig, name: str, tensor: Tensor) -> None:
    """Adds a tensor, and gives it in the network the value that its blocks of four bits have."""
    kind = gguf.GGMLQuantizationType.Q4_1
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for ours, theirs in _GGUF_NAMES.items():
        name = name.replace(ours, theirs)
    if tensor.ndim == 1:
        writer.add_tensor(name, tensor.numpy())
        return
    rows = next((heads[f"{part[-1]}_proj"] for part in ("attn_q", "attn_k") if part in name), 1)
    halves = tensor.view(rows, 2, -1, tensor.shape[1]) if rows > 1 else tensor[None, None]
    blocks = gguf.quantize(halves.transpose(1, 2).reshape(tensor.shape).numpy(), kind)
    writer.add_tensor(name, blocks, raw_dtype=kind)
    kept = torch.from_numpy(gguf.dequantize(blocks, kind)).view(rows, -1, halves.shape[1], tensor.shape[1])
    tensor.copy_(kept.transpose(1, 2).reshape(tensor.shape))


def save_old(folder: Path, tensors: Mapping[str, Tensor], files: int) -> None:
    """Writes weights in PyTorch's old form, shared out over some files as transformers does."""
    if files == 1:
        torch.save(dict(tensors), folder / "pytorch_model.bin")
        return
    of, names = {}, [f"pytorch_model-{number:05}-of-{files:05}.bin" for number in range(1, files + 1)]
    for index, name in enumerate(names):
        part = {key: tensors[key].clone() for key in [*tensors][index::files]}
        torch.save(part, folder / name)
        of |= dict.fromkeys(part, name)
    size = sum(tensor.nbytes for tensor in tensors.values())
    _json(folder / "pytorch_model.bin.index.json", {"metadata": {"total_size": size}, "weight_map": of})


def cached(cache: Path, repository: str, name: str = "") -> Path:
    """Returns where a hub's file stands in its cache, at one commit; without a name, their folder."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs/main").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True, exist_ok=True)
    return folder / "snapshots" / ("0" * 40) / name


def millions(network: PreTrainedModel) -> float:
    """Returns what `parameters_m` of a network's entry is."""
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6


def _sentencepiece(path: Path, texts: list[str], **settings: Any) -> int:
    """Trains a sentencepiece model, and returns the number of its pieces."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts * 20), model_writer=model, minloglevel=2, num_threads=1,
        hard_vocab_limit=False, character_coverage=1.0, **settings,
    )  # fmt: skip
    path.write_bytes(model.getvalue())
    return int(sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).vocab_size())


def _config(folder: Path, config: Mapping[str, Any], dtype: str) -> None:
    _json(folder / "config.json", {**config, "torch_dtype": dtype, "transformers_version": "4.28.0.dev0"})


def _added(text: str) -> dict[str, Any]:
    return {"content": text, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}


def _json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value))
