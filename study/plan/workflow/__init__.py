"""What Snakemake asks, and what it tells."""
