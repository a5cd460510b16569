"""Probes: what an image encoder's tokens tell, measured without a language model."""
