"""Answering, scoring, blind baselines and statistics."""
