"""Training: runs of the same shapes, stacked and stepped together."""
