"""Tables as values: our cells next to the paper's."""
