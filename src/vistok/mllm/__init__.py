"""Multimodal models: connectors and language models by their kinds, and what joins them to a tokenizer."""
