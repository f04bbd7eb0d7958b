"""Randomness is handed in: one generator per (seed, purpose), nothing global is seeded."""

from __future__ import annotations

import hashlib
from typing import Literal

import torch

Purpose = Literal["init", "order", "dropout"]


def derive(seed: int, purpose: Purpose) -> int:
    """A 63-bit seed for ``purpose``: the first 8 bytes of SHA-256 of both."""
    content = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(content[:8], "big") >> 1


def stream(seed: int, purpose: Purpose, device: torch.device | str = "cpu") -> torch.Generator:
    return torch.Generator(device=device).manual_seed(derive(seed, purpose))
