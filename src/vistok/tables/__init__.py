"""Tables as values: every cell of ours beside the paper's."""
