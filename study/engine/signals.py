"""Signals that ask a job to stop, and what becomes of them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGUSR1, signal.SIGTERM)  # SLURM's warning before a time limit, and the end itself


@contextmanager
def handling(action: Callable[[int, FrameType | None], object] | signal.Handlers) -> Iterator[None]:
    """While the block runs, ``action`` is what a signal of ``SIGNALS`` does."""
    before = {number: signal.signal(number, action) for number in SIGNALS}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # a worker begins deaf
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interrupted(SystemExit):
    """A signal asked the job to stop; its checkpoint is written."""
