"""Kinds of released models: one file per way of loading and asking a model that somebody else trained whole."""
