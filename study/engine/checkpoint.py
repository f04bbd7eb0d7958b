"""Exact resume: all that a pack needs to go on as if it had never stopped, written while it trains."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from study.engine.record import Curve
from study.engine.shard import ALONE, Shard
from study.engine.signals import Interrupted, handling
from study.store.files import replacing

Watch = Callable[[int, int, Sequence[Curve]], None]  # told of the steps done and to do, and of all curves so far


def _sum(key: str, content: bytes) -> bytes:
    """SHA-256 of a checkpoint, and whose it is."""
    return hashlib.sha256(key.encode() + content).digest()


class Checkpoints:
    """A folder of checkpoints: a file for each slice of the packs that are trained, named by its key.

    They are written every ``every`` of the budget, ``seconds`` apart at least, and when a signal asks to stop;
    of several workers by the first. Whatever else is in its next pack, a slice goes on from where it stopped.
    """

    def __init__(
        self,
        folder: Path,
        every: float = 0.05,
        seconds: float = 5.0,
        shard: Shard = ALONE,
        signals: list[int] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """``signals``: a list of those that ask to stop, to which whoever hears them adds; ``watch``: see there."""
        self.folder, self.every, self.seconds = folder, every, seconds
        self.writing = shard.rank == 0  # all workers are in the same state
        self.signals, self.watch = [] if signals is None else signals, watch

    def has(self, keys: Iterable[str]) -> bool:
        """Whether training one of these slices would go on from somewhere."""
        return any(self._path(key).exists() for key in keys)

    def read(self, key: str) -> dict[str, Any] | None:
        """The state in which training a slice stopped; None where it begins. A damaged one is ignored with a line."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        body = content[: -len(_sum(key, b""))]
        if content[len(body) :] != _sum(key, body):  # torch does not look at the checksums of its archive
            print(f"{path}: ignored, it is not what was written there; its runs begin again", flush=True)
            return None
        state: dict[str, Any] = torch.load(BytesIO(body), map_location="cpu", weights_only=True)
        return state

    def _write(self, key: str, state: dict[str, Any]) -> None:
        """What torch writes, then its sum."""
        content = BytesIO()
        torch.save(state, content)
        with replacing(self._path(key)) as beside:
            beside.write_bytes(content.getvalue() + _sum(key, content.getvalue()))

    def restore(self, keys: Sequence[str]) -> list[dict[str, Any]] | None:
        """The states of all slices of a pack, by their ``keys``; None unless all stopped in the same place."""
        self.keys, self.saved, self.time = keys, 0, time.monotonic()
        states = [state for key in keys if (state := self.read(key))]
        if len(states) < len(keys) or len({state["place"] for state in states}) > 1:
            return None
        self.saved, budget = states[0]["steps"]
        print(f"{self._path(keys[0])}: going on after step {self.saved} of {budget}", flush=True)
        return states

    def tick(
        self, done: int, budget: int, states: Callable[[], list[dict[str, Any]]], curves: Sequence[Curve] = ()
    ) -> None:
        """Called after every step, with the steps done and to do in all, what gives the states of all slices, and the
        curves of all runs.

        States are of tensors and plain values. Raises Interrupted once a signal asked for the end.
        """
        if not self.writing:
            return
        if self.watch:
            self.watch(done, budget, curves)
        due = done - self.saved >= self.every * budget and time.monotonic() - self.time >= self.seconds
        if due or self.signals:
            for key, state in zip(self.keys, states(), strict=True):
                self._write(key, state | {"steps": (done, budget)})
            self.saved, self.time = done, time.monotonic()
        if self.signals:
            name = signal.Signals(self.signals[0]).name
            raise Interrupted(f"{name} after step {done} of {budget}; the next start goes on from there")

    def remove(self, keys: Iterable[str]) -> None:
        """Of slices whose records are written, with what was left of those that a kill cut short."""
        for key in keys:
            for path in (self._path(key), *self.folder.glob(f".*.{key}.pt")):
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.pt"

    def listening(self) -> AbstractContextManager[None]:
        """While the block runs, a signal of ``SIGNALS`` ends training after the step in hand.

        Workers that do not write ignore it: they end when the one that writes has ended.
        """
        return handling((lambda number, _: self.signals.append(number)) if self.writing else signal.SIG_IGN)
