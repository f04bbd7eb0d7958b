"""Evenhand: fair, reproducible studies of how neural networks are optimized."""

__version__ = "0.1.0"
