"""What trains an MLLM: one module a kind of training that a recipe can ask for, with its `make`."""
