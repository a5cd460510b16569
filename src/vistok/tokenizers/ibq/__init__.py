"""The discrete tokenizer of ETT: IBQ (index backpropagation quantisation, arXiv 2412.02692), with its decoder."""
