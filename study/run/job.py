"""A job: searches, then blocks of seeds, on the devices that the process leases; their runs are stacked in packs."""

from __future__ import annotations

import json
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch._dynamo  # the first step would load it, within the seconds of its pack

from study.axes.base import digest
from study.axes.custom import make_ready
from study.engine.checkpoint import Checkpoints
from study.engine.pack import Slice
from study.engine.record import Record
from study.engine.signals import Interrupted, handling
from study.plan.jobs import BlockUnit, Job, SearchUnit
from study.run import devices
from study.run.attempt import Attempt, Busy
from study.run.block import Block, is_searched
from study.run.distributed import WorkerFailed
from study.run.packs import MOST, packs, train_pack
from study.run.progress import Progress
from study.run.provenance import provenance
from study.run.script import ScriptError, Scripts
from study.run.search import Tuning
from study.store.checksums import file_sum
from study.store.failures import note_failure, of_machine, said
from study.store.layout import Store
from study.store.notes import now, write_note
from study.wording import counted

Unit = SearchUnit | BlockUnit


class Asked(NamedTuple):
    """A slice that a unit wants to have trained, and its place among all that it wants in this round."""

    making: Tuning | Block
    place: int
    slice: Slice


def run(job: Job, store: Store, tell: int | None = None) -> list[str]:
    """Do all of ``job``. A unit that fails leaves the others alone; returns a line for each that did.

    Where none failed, a receipt says what was made, in which packs, how long each took, when, and on what. ``tell``: a
    file descriptor to say how far it is, besides the log. Raises Interrupted where a signal asked for the end: the next
    start goes on from there.
    """
    began, started_at = time.monotonic(), now()
    with devices.leased(f"job {job.id}", job.gpus) as device:
        work = Work(job, store, device, Progress(job, tell))
        with work.interruptible():
            work.make(job.searches)
            work.make(job.blocks)
        about = provenance(device)
    if not work.failed:
        about |= {"started_at": started_at, "seconds": round(time.monotonic() - began, 3), "packs": work.packs}
        write_note(store.receipt(job.id), json.dumps(about, indent=1))
    return work.failed


class Work:
    """A job under way. ``failed``: a line for each unit that did; ``packs``: what was trained, for the receipt."""

    def __init__(self, job: Job, store: Store, device: torch.device, progress: Progress) -> None:
        self.progress = progress
        self.store, self.device, self.log = store, device, store.log("job", job.id)
        self.began, self.minutes, self.folder = time.monotonic(), job.minutes, job.folder
        self._signals: list[int] = []
        self.checkpoints = Checkpoints(store.checkpoints)
        self.scripts = Scripts(store, job.folder, device, self._signals)
        self.failed: list[str] = []
        self.packs: list[dict[str, Any]] = []
        self._making: dict[str, Tuning | Block] = {}  # by the name of the unit, as is the next
        self._held: dict[str, Attempt] = {}  # at the units that were begun

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A signal that asks for the end waits for the step, or the file, in hand."""
        try:
            with handling(lambda number, _: self._signals.append(number)):
                yield
        except BaseException as error:
            for attempt in self._held.values():
                attempt.end(error)
            raise

    def make(self, units: Sequence[SearchUnit | BlockUnit]) -> None:
        """Train what ``units`` ask for, round by round, runs of one kind together, until none asks for more."""
        for unit in units:
            if isinstance(unit, BlockUnit) and not is_searched(unit.arm, self.store, unit.block.seeds):
                self.failed.append(f"{unit.name}: not trained, since its search failed")
                continue
            with self._trying(unit):
                recipe = unit.search.first_recipe if isinstance(unit, SearchUnit) else unit.arm.outline
                make_ready(recipe.choices, self.folder)
                recipe.trainer.check(Path(self.folder), file_sum)
                given = self.store, self.device
                made = Tuning(unit, *given) if isinstance(unit, SearchUnit) else Block(unit, *given)
                self._making[unit.name] = made
        while True:
            for making in [each for each in self._making.values() if not each.slices]:
                self._end(making)
            asked = [Asked(making, i, each) for making in self._making.values() for i, each in enumerate(making.slices)]
            if not asked:
                return
            for together in packs([each.slice for each in asked], MOST[self.device.type]):
                self._stop_if_asked()
                self._train([asked[i] for i in together if self._begin(asked[i].making)])
            self.checkpoints.remove(key for each in asked for key in each.slice.keys(self.device))

    def _stop_if_asked(self) -> None:
        """Between packs."""
        if self._signals:
            raise Interrupted(f"{signal.Signals(self._signals[0]).name}; the next start goes on from there")
        minutes = (time.monotonic() - self.began) / 60
        if self.minutes is not None and self.packs and minutes > 2 * self.minutes:
            words = f"{minutes:.3g} minutes have passed, about {self.minutes:g} were planned"
            raise Interrupted(f"{words}; the next start goes on with what is left")

    def _train(self, asked: Sequence[Asked]) -> None:
        """Train a pack, and hand out its records."""
        if not asked:
            return
        slices, names = [each.slice for each in asked], dict.fromkeys(each.making.unit.name for each in asked)
        pack = digest(" ".join(each.key(self.device) for each in slices))
        about: dict[str, Any] = {"pack": pack, "started_at": now()}
        # An earlier start took some of its steps then, and not in the seconds below.
        resumed = self.checkpoints.has(key for each in slices for key in each.keys(self.device))
        began = time.monotonic()
        runs, gpus = sum(len(each.seeds) for each in slices), slices[0].recipe.gpus
        where = f"{gpus} workers on " * (gpus > 1) + devices.describe(self.device)
        print(f"{counted(runs, 'run')}, {where}: {'; '.join(names)}", flush=True)
        steps = 0
        found: Iterator[list[Record] | Exception]
        if slices[0].recipe.trainer.free:
            found = iter([self.scripts.train(asked[0].making.unit.name, slices[0])])
        else:
            watch = partial(self.progress.within, runs)
            found = train_pack(slices, self.store, self.device, self._signals, watch)
        for each, records in zip(asked, found, strict=True):
            steps += 0 if isinstance(records, Exception) else sum(m.steps + m.steps_before for m in records)
            if each.making.unit.name in self._making:  # else another of its slices failed
                with self._trying(each.making.unit):
                    each.making.add(each.place, records, about)
                    if not each.making.slices:
                        self._end(each.making)
        seconds = round(time.monotonic() - began, 3)
        self.progress.add(runs)
        about |= {"pace": slices[0].recipe.pace, "runs": runs, "steps": steps, "seconds": seconds}
        self.packs.append(about | {"resumed": resumed, "units": [*names]})

    def _begin(self, making: Tuning | Block) -> bool:
        """Whether its slices are to be trained: not where another process is at it, or it is there by now."""
        name = making.unit.name
        if name in self._making and name not in self._held:
            with self._trying(making.unit):
                self._held[name] = Attempt(*making.unit.marks(self.store), self.log)
                if making.is_there:
                    self._end(making)
        return name in self._held

    def _end(self, making: Tuning | Block) -> None:
        """Its records are there."""
        name = making.unit.name
        del self._making[name]
        self.scripts.remove(name)
        if attempt := self._held.pop(name, None):
            attempt.end()
        print(f"{name}: {making.outcome}", flush=True)

    @contextmanager
    def _trying(self, unit: Unit) -> Iterator[None]:
        """What the block raises is noted as the failure of ``unit``, and ends it."""
        try:
            yield
        except Exception as error:
            self.failed.append(f"{unit.name}: {said(error)}")
            self._making.pop(unit.name, None)
            if isinstance(error, Busy):
                return
            if not (isinstance(error, ScriptError | WorkerFailed) or of_machine(error)):  # which say all
                traceback.print_exception(error)
            self.scripts.remove(unit.name)
            if attempt := self._held.pop(unit.name, None):
                attempt.end(error)
            else:
                note_failure(unit.marks(self.store)[1], error, self.log)
