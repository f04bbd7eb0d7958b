"""How numbers are computed: one CPU thread, and float32 or TF32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def quiet() -> Iterator[None]:
    """One CPU thread and no TF32 until ``use_tf32`` says otherwise; both are restored at the end.

    With one thread no sum is split by the number of threads, so a run's numbers do not depend on it.
    """
    threads = torch.get_num_threads()
    matmul, convolution = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.set_num_threads(1)
    use_tf32(False)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, convolution


def use_tf32(on: bool) -> None:
    """Whether GPUs round factors of products to TF32, 10 bits of mantissa; torch itself lets convolutions do so."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = on
