"""Scores answers without a model or torch: one module per kind of answer, each returns a `Scored`."""
