"""Answers questions with a model: the only part of evaluation that imports torch."""
