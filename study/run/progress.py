"""How far a job is: a line now and then in its log, and for whoever started it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from statistics import median

from study.engine.record import Curve
from study.metrics import METRICS
from study.plan.cost import length, tuning
from study.plan.jobs import Job
from study.wording import counted

AGAIN = 20.0  # seconds between lines


class Progress:
    """``total``: runs to be made, at most: further trials of a search may be fewer.

    ``tell``: a file descriptor of whoever started the job; None where nobody asked.
    """

    def __init__(self, job: Job, tell: int | None) -> None:
        self.job, self.tell, self.done = job.id, tell, 0
        self.tunes = bool(job.searches)
        self.total = sum(tuning(unit.search, len(unit.selections)).runs for unit in job.searches)
        self.total += length(unit.block for unit in job.blocks)
        self._began = self._said = time.monotonic()

    def within(self, runs: int, done: int, budget: int, curves: Sequence[Curve]) -> None:
        """Called after every step of a pack of so many ``runs``, with steps done and to do, and the curves so far."""
        now = time.monotonic()
        if now - self._said >= AGAIN and done:
            share = self.done + runs * done / budget
            where = f"; {counted(runs, 'run')} at step {done:,} of {budget:,}{_last(curves)}"
            self._say(share, now, where)

    def add(self, runs: int) -> None:
        """So many more are made."""
        self.done += runs
        now = time.monotonic()
        if now - self._said >= AGAIN and self.done < self.total:
            self._say(self.done, now)

    def _say(self, share: float, now: float, more: str = "") -> None:
        """``share``: of all runs, with what is made of those in hand."""
        self._said = now
        left = (now - self._began) * max(0.0, self.total / share - 1)
        about = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min" if left < 5400 else f"{left / 3600:.1f} h"
        runs = f"{self.done} of {self.total} runs{', of tuning too' * self.tunes}"
        line = f"job {self.job}: {runs}, about {about} left{more}"
        print(line, flush=True)
        if self.tell is not None:
            with suppress(OSError):  # gone by now
                os.write(self.tell, f"{line}\n".encode())


def _last(curves: Sequence[Curve]) -> str:
    """``, median validation accuracy 0.953``: of all runs, at the last evaluation of each."""
    rows = [curve[-1] for curve in curves if curve]
    for metric in ("val_accuracy", "val_loss"):
        if values := [row[metric] for row in rows if row.get(metric) is not None]:
            return f", {'median ' * (len(values) > 1)}{METRICS[metric].title} {median(values):.3g}"
    return ""
