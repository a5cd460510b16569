"""How the tokenizer of ETT is trained: its losses, its discriminator, and the step of its training."""
