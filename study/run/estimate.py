"""How long what is left of a study takes here: a pack of each kind is stepped for a moment, and all are added up."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from study.axes.dataset import Dataset
from study.axes.recipe import Recipe
from study.engine.data import Data, OwnSplit, Split, load, read, tensors
from study.engine.pack import Pack, Run
from study.engine.precision import quiet
from study.plan.cost import mean_steps, steps_of
from study.plan.jobs import Job, SearchUnit
from study.plan.limits import Limits, visible
from study.plan.plan import Plan
from study.run import devices
from study.run.search import PACK
from study.run.stopwatch import MAX_STEPS, WARM_UP, synchronize
from study.store.layout import Store

SECONDS = 1.5  # for timing packs; the kinds that are left are judged by those that were timed
STEPS = 5  # of one kind
STACKED = 64  # runs timed together, at most: beyond, the time of a step grows as their number does
BESIDE = 10  # runs: what a step costs beside its runs, as measured on two CPU cores
START = 1.5  # seconds that a process takes before it trains or draws, at least
LARGEST = 2**26  # bytes of files that are read for this


class Packs(NamedTuple):
    """``times`` packs of one kind, trained one after the other."""

    recipe: Recipe
    runs: int  # stacked
    recipes: int = 1  # different ones among the runs, each with an optimizer of its own
    times: float = 1
    timed: bool = False  # by the timing job: an epoch at most

    @property
    def kind(self) -> Hashable:
        """Packs of one kind are taken to need equally long for a step."""
        return self.recipe.shared(), self.runs

    def steps(self, rows: int) -> int:
        """Of each pack, over so many training rows."""
        epoch = -(-rows // self.recipe.batch_size)
        return WARM_UP + min(MAX_STEPS, epoch) if self.timed else epoch * self.recipe.epochs


def estimate(plan: Plan, store: Store, to_do: Sequence[Job], began: float, gpu: int | None = None) -> str:
    """What is left to do, in one line: ``Time: about 4 minutes on 2 cores (CPU)``.

    ``began``: when this process began to load torch, on ``perf_counter``. ``gpu``: Snakemake's ``--resources gpu=``.
    """
    device = torch.device("cuda" if visible() and torch.cuda.is_available() else "cpu")
    packs = {job.id: [*packs_of(job)] for job in to_do}
    timing = list(timing_packs(plan, store))
    reading = time.perf_counter()
    try:
        data = {i: data_of(dataset, store.dataset(i)) for i, dataset in plan.datasets.items()}
        began += time.perf_counter() - reading  # a job finds its data prepared
        with quiet():
            clock = Clock([pack for listed in (*packs.values(), timing) for pack in listed], data, device, began)
    except (RuntimeError, ValueError, OSError) as error:
        return f"Time: not known here: {str(error).strip().splitlines()[0]}"
    timed = [plan.arms[arm].gpus for arm in plan.timing.arms] if plan.timing and timing else []
    cores = devices.cores()
    at_once = Limits(cores, gpu).devices(max([job.gpus for job in to_do] + timed))
    at_once = at_once if device.type == "cuda" else min(at_once, cores)
    show = 2 * len(plan.comparisons) + 2  # jobs that collect and draw
    each = [(job.gpus, clock.start + sum(map(clock.seconds, packs[job.id]))) for job in to_do]
    alone = clock.start + sum(map(clock.seconds, timing)) if timing else 0.0
    seconds = total(each, at_once) + alone + show * clock.start / cores
    where = f"{_count(at_once, 'core')} (CPU)" if device.type == "cpu" else _count(at_once, "GPU")
    some = f"; {len(clock.step)} of {len(clock.kinds)} kinds of packs were timed, the others judged by these"
    return f"Time: about {duration(seconds)} on {where}" + some * (len(clock.step) < len(clock.kinds))


def packs_of(job: Job) -> Iterator[Packs]:
    """What a job trains, one pack after another."""
    for unit in job.searches:
        yield from _search(unit)
    for block in job.blocks:
        packs = _stacked(block.arm.outline, len(block.block.seeds))
        # Where the batch size is still to be chosen: as often as the mean over the candidates has more steps.
        mean, first = block.arm.search and mean_steps(block.arm.search), steps_of(block.arm.outline)
        yield packs._replace(times=packs.times * mean / first) if mean and first else packs


def timing_packs(plan: Plan, store: Store) -> Iterator[Packs]:
    """What the timing job steps, where it is still to be done."""
    if plan.timing and not store.timing(plan.timing.id).exists():
        recipes = [plan.arms[arm].outline for arm in plan.timing.arms]
        for recipe in {recipe.operations(): recipe for recipe in recipes}.values():
            yield Packs(recipe, 1, times=plan.timing.rounds, timed=True)


def _search(unit: SearchUnit) -> Iterator[Packs]:
    """First the grid; then, for each selection, further trials, mostly two at a time."""
    search = unit.search
    points = list(search.grid()) if search.method == "grid" else []
    ends = {search.at(point).shared() for point in (*points[:1], *points[-1:])}
    first = [search.at(point) for point in points] if len(ends) > 1 else [search.first_recipe] * search.first
    kinds: dict[Hashable, list[Recipe]] = {}
    for recipe in first:
        kinds.setdefault(recipe.shared(), []).append(recipe)
    most = max(1, PACK // search.seeds)
    for same in kinds.values():
        for start in range(0, len(same), most):
            part = same[start : start + most]
            yield _stacked(part[0], len(part) * search.seeds, len(part))
    together = search.extend if search.method == "sobol" else min(2, search.extend)
    if together:
        packs = _stacked(search.first_recipe, together * search.seeds, together)
        yield packs._replace(times=packs.times * -(-search.extend // together) * len(unit.selections))


def _stacked(recipe: Recipe, runs: int, recipes: int = 1) -> Packs:
    """A lone run is trained beside a copy of itself; without stacking, runs are trained in turn."""
    return Packs(recipe, max(2, runs), recipes) if recipe.stack else Packs(recipe, 1, times=runs)


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
        work: dict[Hashable, float] = {}  # steps of so many runs
        first: dict[Hashable, Packs] = {}
        for each in packs:
            first.setdefault(each.kind, each)
            work[each.kind] = work.get(each.kind, 0) + self._steps(each) * (BESIDE + each.runs)
        self.kinds = sorted(work, key=lambda kind: -work[kind])
        end, spent = 0.0, 0.0
        for kind in self.kinds:
            if not self.step or time.perf_counter() < end:
                self.step[kind] = step_seconds(first[kind], data[first[kind].recipe.dataset_id], device)
                spent += work[kind] / (BESIDE + first[kind].runs) * self.step[kind]
            if not end:
                self.start = max(START, time.perf_counter() - began)
                end = time.perf_counter() + SECONDS
        self.run = spent / sum(work[kind] for kind in self.step)  # of a step, for each run and for ``BESIDE`` more

    def seconds(self, packs: Packs) -> float:
        return self._steps(packs) * self.step.get(packs.kind, self.run * (BESIDE + packs.runs))

    def _steps(self, packs: Packs) -> float:
        return packs.times * packs.steps(self.data[packs.recipe.dataset_id].train.rows)


def step_seconds(packs: Packs, data: Data, device: torch.device) -> float:
    """Of one step of a pack: by an epoch of a few batches, and its evaluation, on the same share of every split."""
    recipe, runs = packs.recipe, min(packs.runs, STACKED)
    optimizer = recipe.optimizer
    rates = [optimizer.lr * (1 + 1e-9 * i) for i in range(min(packs.recipes, runs))]
    recipes = [recipe.model_copy(update={"optimizer": optimizer.model_copy(update={"lr": lr})}) for lr in rates]
    share = min(1.0, STEPS * recipe.batch_size / data.train.rows)
    train, val, test = (_cut(split, share, device) for split in (data.train, data.val, data.test))
    small = Data(data.task, data.shape, data.outputs, train, val, test)
    pack = Pack([Run(recipes[i * len(recipes) // runs], 0) for i in range(runs)], small, device)
    pack.step(torch.arange(min(recipe.batch_size, train.rows), device=device).expand(runs, -1), 0.0)
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


def total(jobs: Sequence[tuple[int, float]], at_once: int) -> float:
    """Seconds until all ``jobs`` (devices, seconds) are done, where so many devices work at a time."""
    area = sum(min(devices, at_once) * seconds for devices, seconds in jobs)
    return max([area / at_once, *(seconds for _, seconds in jobs)])


def duration(seconds: float) -> str:
    """``40 seconds``, ``4 minutes``, ``2.5 hours``, ``3 days``."""
    if seconds < 100:
        return f"{max(5, 5 * round(seconds / 5))} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.2g} hours" if seconds < 48 * 3600 else f"{seconds / 86400:,.0f} days"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
