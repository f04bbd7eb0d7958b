"""Torch objects behind choices; each is imported only when one is built."""
