"""How a language model draws: what of an image's codes one position of it predicts."""
