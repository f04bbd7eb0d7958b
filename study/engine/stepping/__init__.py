"""What steps the runs of a pack: optimizers, clipped gradients, averages."""
