"""Exact resume: all that a pack needs to go on as if it had never stopped, written while it trains."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch

from study.engine.shard import ALONE, Shard

SIGNALS = (signal.SIGUSR1, signal.SIGTERM)  # SLURM's warning before a time limit, and the end itself


@contextmanager
def handling(action: Callable[[int, FrameType | None], object] | signal.Handlers) -> Iterator[None]:
    """While the block runs, ``action`` is what a signal of ``SIGNALS`` does."""
    before = {number: signal.signal(number, action) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interrupted(SystemExit):
    """A signal asked the job to stop; its checkpoint is written."""


class Resumable(Protocol):
    """What a checkpoint can be made of."""

    @property
    def identity(self) -> list[Any]:
        """What a checkpoint must agree with, of plain values."""

    @property
    def done(self) -> int:
        """Steps taken."""

    @property
    def budget(self) -> int:
        """Steps to take in all."""

    def state_dict(self) -> dict[str, Any]:
        """All that changes from step to step, of tensors and plain values."""

    def load_state_dict(self, saved: dict[str, Any]) -> None: ...


class Checkpoints:
    """The checkpoints of one job, ``{stem}-{name}.pt``, one per pack that it trains.

    One is written every ``every`` of the budget, ``seconds`` apart at least, and when a signal asks to stop;
    of several workers by the first.
    """

    def __init__(self, stem: Path, every: float = 0.05, seconds: float = 5.0, shard: Shard = ALONE) -> None:
        self.stem, self.every, self.seconds = stem, every, seconds
        self.writing = shard.rank == 0  # all workers are in the same state
        self.stopping: int | None = None

    def of(self, name: str) -> Checkpoint:
        return Checkpoint(self, self.stem.with_name(f"{self.stem.name}-{name}.pt"))

    def remove(self) -> None:
        for path in self.stem.parent.glob(f"{self.stem.name}-*.pt"):
            path.unlink(missing_ok=True)

    def listening(self) -> AbstractContextManager[None]:
        """While the block runs, a signal of ``SIGNALS`` ends training after the step in hand.

        Workers that do not write ignore it: they end when the one that writes has ended.
        """
        return handling(self._stop if self.writing else signal.SIG_IGN)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = number


class Checkpoint:
    """The checkpoint of one pack."""

    def __init__(self, job: Checkpoints, path: Path) -> None:
        self.job, self.path = job, path
        self.saved, self.time = 0, time.monotonic()

    def tick(self, pack: Resumable) -> None:
        """Called after every step. Raises Interrupted once a signal asked for the end."""
        if not self.job.writing:
            return
        if self.job.stopping is not None:
            self.save(pack)
            name = signal.Signals(self.job.stopping).name
            raise Interrupted(f"{name} after step {pack.done} of {pack.budget}; the next start goes on from there")
        due = pack.done - self.saved >= self.job.every * pack.budget
        if due and time.monotonic() - self.time >= self.job.seconds:
            self.save(pack)

    def save(self, pack: Resumable) -> None:
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        torch.save({"of": pack.identity, "state": pack.state_dict()}, beside)
        os.replace(beside, self.path)
        self.saved, self.time = pack.done, time.monotonic()

    def restore(self, pack: Resumable) -> bool:
        """Whether ``pack`` now goes on from here. One that is torn, or of other runs, is ignored with a line."""
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return False
        except Exception as error:  # whatever a torn file makes torch raise
            print(f"{self.path}: ignored, it cannot be read ({type(error).__name__})", flush=True)
            return False
        if content["of"] != pack.identity:
            print(f"{self.path}: ignored, it is of other runs or another recipe version", flush=True)
            return False
        pack.load_state_dict(content["state"])
        self.saved = pack.done
        print(f"{self.path}: going on after step {pack.done} of {pack.budget}", flush=True)
        return True
