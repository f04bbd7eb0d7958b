"""What networks are trained on: prepared rows, as the runs of a pack read them."""
