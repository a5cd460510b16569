"""One training loop, its optimiser and schedule, and what it trains: language models and MLLMs."""
