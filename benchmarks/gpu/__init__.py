"""What only a GPU can run, checked and timed: ``benchmarks/gpu.sh``."""
