"""Optimizers beside those in ``study.axes.optimizer``."""
