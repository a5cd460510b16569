"""Multimodal models: tokenizer, LayerNorm, Perceiver Resampler, projection, frozen language model."""
