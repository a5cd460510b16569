"""What DVC is told of a study's experiments, and what Snakemake is told of results that DVC brought."""
