"""How long what is left of a study takes here: a pack of each kind is stepped for a moment, and all are added up."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from study.axes.dataset import Dataset
from study.engine.data import Data, OwnSplit, Split, load, read, tensors
from study.engine.pack import Pack, Run, shared
from study.engine.precision import quiet
from study.plan.arm import Arm
from study.plan.limits import Limits, visible
from study.plan.plan import Plan
from study.run import devices
from study.run.search import PACK
from study.run.stopwatch import MAX_STEPS, WARM_UP, synchronize
from study.run.timing import operations
from study.store.layout import Block, Store

SECONDS = 1.5  # for timing packs; the kinds that are left are judged by those that were timed
STEPS = 5  # of one kind
STACKED = 64  # runs timed together, at most: beyond, the time of a step grows as their number does
BESIDE = 10  # runs: what a step costs beside its runs, as measured on two CPU cores
START = 1.5  # seconds that a process takes before it trains or draws, at least
LARGEST = 2**26  # bytes of files that are read for this


class Packs(NamedTuple):
    """``times`` packs of one kind, trained one after the other."""

    arm: Arm
    runs: int  # stacked
    arms: int = 1  # different ones among the runs, each with an optimizer of its own
    times: int = 1
    timed: bool = False  # by the timing job: an epoch at most

    @property
    def kind(self) -> Hashable:
        """Packs of one kind are taken to need equally long for a step."""
        return shared(self.arm), self.runs

    def steps(self, rows: int) -> int:
        """Of each pack, over so many training rows."""
        epoch = -(-rows // self.arm.batch_size)
        return WARM_UP + min(MAX_STEPS, epoch) if self.timed else epoch * self.arm.epochs


class Job(NamedTuple):
    arm: str  # id; empty for the timing job
    devices: int
    packs: Sequence[Packs]


def estimate(plan: Plan, store: Store, gaps: dict[str, list[Block]], began: float, gpu: int | None = None) -> str:
    """What is left to do, in one line: ``Time: about 4 minutes on 2 cores (CPU)``.

    ``began``: when this process began to load torch, on ``perf_counter``. ``gpu``: Snakemake's ``--resources gpu=``.
    """
    device = torch.device("cuda" if visible() and torch.cuda.is_available() else "cpu")
    jobs = list(to_do(plan, store, gaps))
    reading = time.perf_counter()
    try:
        data = {i: data_of(dataset, store.dataset(i)) for i, dataset in plan.datasets.items()}
        began += time.perf_counter() - reading  # a job finds its data prepared
        with quiet():
            clock = Clock([packs for job in jobs for packs in job.packs], data, device, began)
    except (RuntimeError, ValueError, OSError) as error:
        return f"Time: not known here: {str(error).strip().splitlines()[0]}"
    largest = max(plan.arms[arm].gpus for arm in {*gaps, *(plan.timing.arms if plan.timing else ())})
    cores = devices.cores()
    at_once = Limits(cores, gpu).devices(largest)
    at_once = at_once if device.type == "cuda" else min(at_once, cores)
    show = 2 * len(plan.comparisons) + 2  # jobs that collect and draw
    each = [(job, clock.start + sum(map(clock.seconds, job.packs))) for job in jobs]
    seconds = total(each, at_once) + show * clock.start / cores
    where = f"{_count(at_once, 'core')} (CPU)" if device.type == "cpu" else _count(at_once, "GPU")
    some = f"; {len(clock.step)} of {len(clock.kinds)} kinds of packs were timed, the others judged by these"
    return f"Time: about {duration(seconds)} on {where}" + some * (len(clock.step) < len(clock.kinds))


def to_do(plan: Plan, store: Store, gaps: dict[str, list[Block]]) -> Iterator[Job]:
    """The jobs of tuning, training and timing that are left."""
    to_tune = plan.to_tune(store, gaps)
    taken = {arm for arm, source in plan.sources.items() if source in to_tune or store.tuning(source).exists()}
    for arm_id in to_tune:
        yield Job(arm_id, 1, list(_search(plan.arms[arm_id], arm_id in taken)))
    for arm_id, blocks in gaps.items():
        arm = plan.arms[arm_id]
        for block in blocks:
            yield Job(arm_id, arm.gpus, [_stacked(arm, len(block.seeds))])
    if plan.timing and not store.timing(plan.timing.id).exists():
        timed = {operations(plan.arms[arm]): plan.arms[arm] for arm in plan.timing.arms}
        yield Job("", 1, [Packs(arm, 1, times=plan.timing.rounds, timed=True) for arm in timed.values()])


def _search(arm: Arm, taken_over: bool) -> Iterator[Packs]:
    """First the grid, unless it is taken over; then further trials, mostly two at a time."""
    tune = arm.tune
    assert tune is not None
    points = tune.grid() if tune.search == "grid" else []
    ends = {shared(arm.settled(point)) for point in (*points[:1], *points[-1:])}
    grid = [arm.settled(point) for point in points] if len(ends) > 1 else [arm] * tune.first
    kinds: dict[Hashable, list[Arm]] = {}
    for candidate in [] if taken_over else grid:
        kinds.setdefault(shared(candidate), []).append(candidate)
    most = max(1, PACK // tune.seeds)
    for same in kinds.values():
        for start in range(0, len(same), most):
            part = same[start : start + most]
            yield _stacked(part[0], len(part) * tune.seeds, len(part))
    together = tune.extend if tune.search == "sobol" else min(2, tune.extend)
    if together:
        packs = _stacked(arm, together * tune.seeds, together)
        yield packs._replace(times=packs.times * -(-tune.extend // together))


def _stacked(arm: Arm, runs: int, arms: int = 1) -> Packs:
    """A lone run is trained beside a copy of itself; without stacking, runs are trained in turn."""
    return Packs(arm, max(2, runs), arms) if arm.stack else Packs(arm, 1, times=runs)


def data_of(dataset: Dataset, prepared: Path) -> Data:
    """The prepared data, or the dataset as it will be. Raises ValueError where it is too large to be read for this."""
    if prepared.exists():
        return load(prepared)
    if sum(Path(source).stat().st_size for source in dataset.sources) > LARGEST:
        raise ValueError(f"{dataset.name} is large, and read when it is prepared")
    return tensors(read(dataset))


class Clock:
    """Seconds of a step by kind, with its share of evaluation: those with the most work first, for ``SECONDS``."""

    def __init__(self, packs: Iterable[Packs], data: Mapping[str, Data], device: torch.device, began: float) -> None:
        self.data = data
        self.step: dict[Hashable, float] = {}
        self.start = START  # of a job: it loads torch, and what its first step needs
        work: dict[Hashable, int] = {}  # steps of so many runs
        first: dict[Hashable, Packs] = {}
        for each in packs:
            first.setdefault(each.kind, each)
            work[each.kind] = work.get(each.kind, 0) + self._steps(each) * (BESIDE + each.runs)
        self.kinds = sorted(work, key=lambda kind: -work[kind])
        end, spent = 0.0, 0.0
        for kind in self.kinds:
            if not self.step or time.perf_counter() < end:
                self.step[kind] = step_seconds(first[kind], data[first[kind].arm.dataset_id], device)
                spent += work[kind] / (BESIDE + first[kind].runs) * self.step[kind]
            if not end:
                self.start = max(START, time.perf_counter() - began)
                end = time.perf_counter() + SECONDS
        self.run = spent / sum(work[kind] for kind in self.step)  # of a step, for each run and for ``BESIDE`` more

    def seconds(self, packs: Packs) -> float:
        return self._steps(packs) * self.step.get(packs.kind, self.run * (BESIDE + packs.runs))

    def _steps(self, packs: Packs) -> int:
        return packs.times * packs.steps(self.data[packs.arm.dataset_id].train.rows)


def step_seconds(packs: Packs, data: Data, device: torch.device) -> float:
    """Of one step of a pack: by an epoch of a few batches, and its evaluation, on the same share of every split."""
    arm, runs = packs.arm, min(packs.runs, STACKED)
    rates = [{"optimizer.lr": arm.optimizer.lr * (1 + 1e-9 * i)} for i in range(min(packs.arms, runs))]
    arms = [arm.settled(rate) for rate in rates]
    share = min(1.0, STEPS * arm.batch_size / data.train.rows)
    train, val, test = (_cut(split, share, device) for split in (data.train, data.val, data.test))
    small = Data(data.task, data.shape, data.outputs, train, val, test)
    pack = Pack([Run(arms[i * len(arms) // runs], 0) for i in range(runs)], small, device)
    pack.step(torch.arange(min(arm.batch_size, train.rows), device=device).expand(runs, -1), 0.0)
    synchronize(device)
    begin = time.perf_counter()
    pack.train_epoch(None)
    pack.evaluate(0, None)
    synchronize(device)
    return (time.perf_counter() - begin) / pack.steps_per_epoch * packs.runs / runs


def _cut(split: Split | OwnSplit, share: float, device: torch.device) -> Split:
    """The first rows, of the first run."""
    x, y = split.take(torch.arange(max(1, round(share * split.rows))).unsqueeze(0))
    return Split(x[0].to(device), y.to(device))


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
