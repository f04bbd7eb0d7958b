"""Exact resume: all that a pack needs to go on as if it had never stopped, written while it trains."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from study.axes.recipe import digest
from study.engine.shard import ALONE, Shard
from study.store.files import replacing

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


class Checkpoints:
    """The checkpoints of one job: a file for each pack that it trains in turn, named by what the pack trains.

    One is written every ``every`` of the budget, ``seconds`` apart at least, and when a signal asks to stop;
    of several workers by the first.
    """

    def __init__(self, stem: Path, every: float = 0.05, seconds: float = 5.0, shard: Shard = ALONE) -> None:
        self.stem, self.every, self.seconds = stem, every, seconds
        self.writing = shard.rank == 0  # all workers are in the same state
        self.stopping: int | None = None

    def restore(self, identity: list[Any]) -> dict[str, Any] | None:
        """The state in which training the pack of this ``identity`` (plain values) stopped; None where it begins.

        A checkpoint that is torn is ignored with a line.
        """
        self.path = self.stem.with_name(f"{self.stem.name}-{digest(str(identity))}.pt")
        self.saved, self.time = 0, time.monotonic()
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever a torn file makes torch raise
            print(f"{self.path}: ignored, it cannot be read ({type(error).__name__})", flush=True)
            return None
        self.saved, budget = content["steps"]
        print(f"{self.path}: going on after step {self.saved} of {budget}", flush=True)
        state: dict[str, Any] = content["state"]
        return state

    def tick(self, done: int, budget: int, state: Callable[[], dict[str, Any]]) -> None:
        """Called after every step, with the steps done and to do in all, and what gives all that changes with them.

        ``state`` is of tensors and plain values. Raises Interrupted once a signal asked for the end.
        """
        if not self.writing:
            return
        due = done - self.saved >= self.every * budget and time.monotonic() - self.time >= self.seconds
        if due or self.stopping is not None:
            with replacing(self.path) as beside:
                torch.save({"steps": [done, budget], "state": state()}, beside)
            self.saved, self.time = done, time.monotonic()
        if self.stopping is not None:
            name = signal.Signals(self.stopping).name
            raise Interrupted(f"{name} after step {done} of {budget}; the next start goes on from there")

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
