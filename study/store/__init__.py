"""Where everything lies: paths, Parquet schemas, atomic writing, checksums, failures."""
