"""Pretraining objectives, one per file; the file's name is the objective's id."""
