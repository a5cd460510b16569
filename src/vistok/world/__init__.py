"""The procedural image world: small scenes, written in the official formats of the study's datasets."""
