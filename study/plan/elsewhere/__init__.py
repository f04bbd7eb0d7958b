"""Comparisons that rest on runs which were not trained here: a CSV or Parquet file, and what its columns mean."""
