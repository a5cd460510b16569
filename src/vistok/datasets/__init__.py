"""Readers of the official dataset formats, image shards, and the training mixture."""
