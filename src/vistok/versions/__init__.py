"""A study's experiments as DVC sees them, and results pulled by DVC as Snakemake sees them."""
