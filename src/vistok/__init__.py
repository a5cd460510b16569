"""vistok rebuilds the tables of "What Makes for Good Visual Tokenizers for Large Language Models?"."""
