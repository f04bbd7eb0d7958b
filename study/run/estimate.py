"""How long a study would take on this machine: a few steps of each kind of pack are timed, and added up."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch

from study.engine.pack import Pack, Run
from study.engine.precision import quiet
from study.plan.arm import Arm
from study.plan.limits import Limits, visible
from study.plan.plan import Plan
from study.run import devices
from study.run.loads import Job, Kind, to_do
from study.run.mockup import Form
from study.run.stopwatch import synchronize
from study.store.layout import Block, Store

SECONDS = 1.5  # for timing packs; kinds that are left are judged by the nearest one that was timed
LONG = 0.05  # seconds of steps are enough for one kind,
STEPS = 5  # or so many
STACKED = 64  # runs timed together, at most: beyond, the time of a step grows as their number does
ALONE = 10  # runs: what a step costs beside its runs, as measured on two CPU cores
START = 1.5  # seconds that a process takes before it trains or draws, at least


class Cost(NamedTuple):
    step: float  # seconds
    row: float  # seconds to evaluate one row


def estimate(plan: Plan, store: Store, gaps: dict[str, list[Block]], began: float, gpu: int | None = None) -> str:
    """What is left to do, in one line: ``Time: about 4 minutes on 2 cores (CPU)``.

    ``began``: when this process began to load torch, on ``perf_counter``. ``gpu``: Snakemake's ``--resources gpu=``.
    """
    device = torch.device("cuda" if visible() and torch.cuda.is_available() else "cpu")
    try:
        forms = {i: Form.of(dataset, store.dataset(i)) for i, dataset in plan.datasets.items()}
        jobs = list(to_do(plan, store, gaps, forms))
        with quiet():
            clock = Clock(jobs, forms, device, began)
    except (RuntimeError, ValueError, OSError) as error:
        return f"Time: not known here: {str(error).strip().splitlines()[0]}"
    largest = max(plan.arms[arm].gpus for arm in {*gaps, *(plan.timing.arms if plan.timing else ())})
    cores = devices.cores()
    at_once = Limits(cores, gpu).devices(largest)
    at_once = at_once if device.type == "cuda" else min(at_once, cores)
    show = 2 * len(plan.comparisons) + 2  # jobs that collect and draw
    seconds = total([(job, clock.seconds(job)) for job in jobs], at_once) + show * clock.start / cores
    where = f"{_count(at_once, 'core')} (CPU)" if device.type == "cpu" else _count(at_once, "GPU")
    rest = len(clock.kinds) - len(clock.costs)
    some = f"; {len(clock.costs)} of {len(clock.kinds)} kinds of packs were timed, the others judged by these"
    return f"Time: about {duration(seconds)} on {where}" + some * (rest > 0)


class Clock:
    """What each kind of pack costs: timed, the largest first, for ``SECONDS``; else by the nearest that was timed."""

    def __init__(self, jobs: Iterable[Job], forms: Mapping[str, Form], device: torch.device, began: float) -> None:
        self.forms, self.device = forms, device
        self.costs: dict[Kind, Cost] = {}
        self.start = START
        arms: dict[Kind, Arm] = {}
        weights: dict[Kind, int] = {}
        for load in (load for job in jobs for load in job.loads):
            arms[load.kind] = load.arm
            weights[load.kind] = weights.get(load.kind, 0) + load.times * load.steps * (ALONE + load.kind.runs)
        self.kinds = sorted(weights, key=lambda kind: -weights[kind])
        end = math.inf
        for kind in self.kinds:
            if time.perf_counter() < end:
                self.costs[kind] = self._measure(kind, arms[kind])
            if len(self.costs) == 1 and end == math.inf:  # each job loads torch, and what its first step needs
                self.start = max(START, time.perf_counter() - began)
                end = time.perf_counter() + SECONDS
        self._nearest: dict[Kind, Cost] = {}

    def _measure(self, kind: Kind, arm: Arm) -> Cost:
        """A few steps and one evaluation of a pack of this kind, on made-up data."""
        data = self.forms[arm.dataset_id].mockup(arm.batch_size, self.device)
        runs = min(kind.runs, STACKED)
        share = -(-runs // min(runs, kind.settings))  # runs of one setting
        rates = [{"optimizer.lr": arm.optimizer.lr * (1 + 1e-9 * i)} for i in range(kind.settings)]
        arms = [arm.settled(rate) for rate in rates[: -(-runs // share)]]
        pack = Pack([Run(arms[i // share], i) for i in range(runs)], data, self.device)
        batch = torch.arange(min(arm.batch_size, data.train.rows), device=self.device).expand(runs, -1)
        pack.stack.train(True)
        pack.step(batch, 0.0)
        synchronize(self.device)
        begin, steps = time.perf_counter(), 0
        while steps < STEPS and (steps == 0 or time.perf_counter() - begin < LONG):
            pack.step(batch, 0.0)
            steps += 1
        synchronize(self.device)
        stepped = time.perf_counter()
        pack.evaluate(0, None)
        synchronize(self.device)
        evaluated = sum(part.rows for part in (data.train, data.val, data.test))
        grown = kind.runs / runs
        return Cost((stepped - begin) / steps * grown, (time.perf_counter() - stepped) / evaluated * grown)

    def cost(self, kind: Kind) -> Cost:
        """Of a pack of this kind; one that was not timed costs what the most similar one does, by its runs."""
        if kind in self.costs:
            return self.costs[kind]
        if kind not in self._nearest:
            like = max(self.costs, key=lambda timed: _likeness(kind, timed))
            share = (ALONE + kind.runs) / (ALONE + like.runs)
            self._nearest[kind] = Cost(*(share * cost for cost in self.costs[like]))
        return self._nearest[kind]

    def seconds(self, job: Job) -> float:
        """Of one job, its start included."""
        spent = self.start
        for load in job.loads:
            cost = self.cost(load.kind)
            spent += load.times * (load.steps * cost.step + load.evaluated * cost.row)
        return spent


def _likeness(kind: Kind, timed: Kind) -> tuple[int, float]:
    """How many operations are the same; then how close the numbers of runs are."""
    same = sum(a == b for a, b in zip(kind.operations, timed.operations, strict=True))  # type: ignore[call-overload]
    return same, -abs(math.log(kind.runs / timed.runs))


def total(jobs: Sequence[tuple[Job, float]], at_once: int) -> float:
    """Seconds until all jobs are done: an arm is trained once it is tuned, and nothing runs beside the timing."""
    timing = sum(seconds for job, seconds in jobs if not job.arm)
    chains: dict[str, float] = {}
    area = 0.0
    for job, seconds in jobs:
        if job.arm:
            chains[job.arm] = chains.get(job.arm, 0.0) + seconds
            area += seconds * min(job.devices, at_once)
    return timing + max(area / at_once, *chains.values(), 0.0)


def duration(seconds: float) -> str:
    """``40 seconds``, ``4 minutes``, ``2.5 hours``, ``3 days``."""
    if seconds < 100:
        return f"{max(5, 5 * round(seconds / 5))} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.2g} hours" if seconds < 48 * 3600 else f"{seconds / 86400:,.0f} days"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
