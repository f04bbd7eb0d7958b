"""What makes a run's numbers follow from its recipe and seed: streams of its own, one thread, float32 unless asked.

Randomness is handed in: one generator per (seed, purpose), nothing global is seeded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive(seed: int, purpose: str) -> int:
    """A 63-bit seed for ``purpose``: the first 8 bytes of SHA-256 of both."""
    content = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(content[:8], "big") >> 1


def stream(seed: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    return torch.Generator(device=device).manual_seed(derive(seed, purpose))


@contextmanager
def quiet() -> Iterator[None]:
    """One CPU thread, deterministic convolutions, no TF32 until ``use_tf32`` says otherwise; restored at the end.

    With one thread no sum is split by the number of threads, so a run's numbers do not depend on it. Of its algorithms
    cuDNN may else choose one that adds in whatever order threads come by: the same run twice, or resumed, would differ.
    """
    threads, deterministic = torch.get_num_threads(), torch.backends.cudnn.deterministic
    matmul, convolution = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True
    use_tf32(False)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cudnn.deterministic = deterministic
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, convolution


def use_tf32(on: bool) -> None:
    """Whether GPUs round factors of products to TF32, 10 bits of mantissa; torch itself lets convolutions do so."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = on
