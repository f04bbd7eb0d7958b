"""How long what is left of a study takes here: a pack of each kind is stepped for a moment, and all are added up."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from study.axes.dataset import Dataset
from study.axes.recipe import Recipe
from study.axes.training import Afresh, EachEpoch
from study.engine.determinism import quiet
from study.engine.inputs.data import Data, Split, load, tensors
from study.engine.inputs.prepare import read
from study.engine.pack import Pack, Run, Slice
from study.plan.cost import mean_steps, steps_of
from study.plan.jobs import Costs, Job
from study.plan.limits import Limits, available_cores, visible
from study.plan.plan import Plan
from study.run.packs import MOST, packs
from study.run.timing import MAX_STEPS, WARM_UP, blocks, seconds_of
from study.store.failures import said
from study.store.layout import Store
from study.wording import counted, duration

SECONDS = 1.5  # for timing packs; the kinds that are left are judged by those that were timed
STEPS = 5  # of one kind
STACKED = 64  # runs timed together, at most: beyond, the time of a step grows as their number does
BESIDE = 10  # runs: what a step costs beside its runs, as measured on two CPU cores
START = 1.5  # seconds that a process takes before it trains or draws, at least
LARGEST = 2**26  # bytes of files that are read for this


class Packs(NamedTuple):
    """Packs of one kind, with all ``steps`` that they take one after the other."""

    recipe: Recipe
    runs: int  # stacked
    steps: float
    recipes: int = 1  # different ones among the runs, each with an optimizer of its own

    @property
    def kind(self) -> Hashable:
        """Packs of one kind are taken to need equally long for a step."""
        return self.recipe.shared(), self.runs


def estimate(plan: Plan, store: Store, to_do: Sequence[Job], began: float, gpu: int | None = None) -> str:
    """What is left to do, in one line: ``Time: about 4 minutes on 2 cores (CPU)``.

    ``began``: when this process began to load torch, on ``perf_counter``. ``gpu``: Snakemake's ``--resources gpu=``.
    """
    device = torch.device("cuda" if visible() and torch.cuda.is_available() else "cpu")
    reading = time.perf_counter()
    try:
        data = {i: data_of(dataset, store.dataset(i)) for i, dataset in plan.datasets.items()}
        costs = Costs(plan, store)
        scripts = [seconds_of_scripts(job, costs) for job in to_do]
        began += time.perf_counter() - reading  # a job finds its data prepared
        rows = {i: each.train.rows for i, each in data.items()}
        loads = [(job.gpus, list(packs_of(job, rows))) for job in to_do]
        timing = list(timing_packs(plan, store, rows))
        with quiet():
            clock = Clock([*timing, *(pack for _, packs in loads for pack in packs)], data, device, began)
    except (RuntimeError, ValueError, OSError) as error:
        return f"Time: not known here: {[*str(error).strip().splitlines(), type(error).__name__][0]}"
    except Exception as error:  # of a person's own code, which raises what it likes
        return f"Time: not known here: {said(error)}"
    cores = available_cores()
    at_once = Limits(cores, gpu).devices(max([gpus for gpus, _ in loads] + [pack.recipe.gpus for pack in timing]))
    at_once = at_once if device.type == "cuda" else min(at_once, cores)
    each = [(gpus, clock.seconds(packs) + more) for (gpus, packs), more in zip(loads, scripts, strict=True)]
    seconds = total(each, at_once)
    seconds += clock.seconds(timing) if timing else 0.0  # alone on the machine
    seconds += (2 + len(plan.comparisons) / cores) * clock.start  # to collect and to draw
    where = f"{counted(at_once, 'core')} (CPU)" if device.type == "cpu" else counted(at_once, "GPU")
    some = f"; {len(clock.step)} of {len(clock.kinds)} kinds of packs were timed, the others judged by these"
    return f"Time: about {duration(seconds)} on {where}" + some * (len(clock.step) < len(clock.kinds))


def packs_of(job: Job, rows: Mapping[str, int]) -> Iterator[Packs]:
    """What a job trains, over so many training ``rows`` by dataset id. Further trials are mostly made two at a time."""
    rounds: dict[int, list[tuple[Slice, float]]] = {}  # what is trained together, with the mean steps of a run
    for unit in job.searches:
        search, recipe = unit.search, unit.search.first_recipe
        if recipe.trainer.free:
            continue
        pair = search.extend if search.method == "sobol" else min(2, search.extend)
        points = [search.at(point) for point in search.grid()] if search.method == "grid" else [recipe] * search.first
        further = [[recipe] * pair] * (-(-search.extend // max(pair, 1)) * len(unit.selections))
        for number, recipes in enumerate([points, *further]):
            rounds.setdefault(number, []).extend(
                (Slice(each, tuple(search.seed_range)), steps_of(each, rows[each.dataset_id]) or 0) for each in recipes
            )
    for arm, block in ((unit.arm, unit.block) for unit in job.blocks if not unit.arm.outline.trainer.free):
        known = rows[arm.dataset_id]  # a batch size may still be to be chosen
        steps = (mean_steps(arm.search, known) if arm.search else steps_of(arm.outline, known)) or 0
        rounds.setdefault(-1, []).append((Slice(arm.outline, tuple(block.seeds)), steps))
    for made in rounds.values():
        for places in packs([each for each, _ in made], MOST["cpu"]):
            recipe, runs = made[places[0]][0].recipe, sum(len(made[i][0].seeds) for i in places)
            mean = sum(steps * len(each.seeds) for each, steps in (made[i] for i in places)) / runs
            yield Packs(recipe, max(2, runs), mean, len(places)) if recipe.stacked else Packs(recipe, 1, runs * mean)


def seconds_of_scripts(job: Job, costs: Costs) -> float:
    """Of those runs of a job that scripts make, as earlier ones took. Raises ValueError where there were none."""
    works = [(recipe, work) for recipe, work in costs.works(job) if recipe.trainer.free]
    if any(recipe.pace not in costs.speeds.by_run for recipe, _ in works):
        raise ValueError("how long the script takes is known once it was run")
    return sum(costs.speeds.seconds(*each) for each in works)


def timing_packs(plan: Plan, store: Store, rows: Mapping[str, int]) -> Iterator[Packs]:
    """What the timing job steps, where it is still to be done: an epoch a round, at most, and one more in a block."""
    if timing := plan.untimed(store):
        recipes = [plan.arms[arm].outline for arm in timing.arms]
        for recipe in {recipe.operations(): recipe for recipe in recipes}.values():
            timed = min(MAX_STEPS, -(-recipe.training_rows(rows[recipe.dataset_id]) // recipe.batch_size))
            rounds = timing.rounds + len(blocks(timing.rounds))
            yield Packs(recipe, 1, rounds * (WARM_UP + timed))


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
        work: dict[Hashable, float] = {}  # steps of so many runs
        first: dict[Hashable, Packs] = {}
        for each in packs:
            first.setdefault(each.kind, each)
            work[each.kind] = work.get(each.kind, 0) + each.steps * (BESIDE + each.runs)
        self.kinds = sorted(work, key=lambda kind: -work[kind])
        self.step: dict[Hashable, float] = {}
        self.start = START  # of a job: it loads torch, and what its first step needs
        end = 0.0
        for kind in self.kinds:
            if self.step and time.perf_counter() >= end:
                break
            self.step[kind] = step_seconds(first[kind], data[first[kind].recipe.dataset_id], device)
            if not end:
                self.start = max(START, time.perf_counter() - began)
                end = time.perf_counter() + SECONDS
        spent = sum(work[kind] / (BESIDE + first[kind].runs) * step for kind, step in self.step.items())
        self.run = spent / (
            sum(work[kind] for kind in self.step) or 1
        )  # of a step, for each run and for ``BESIDE`` more

    def seconds(self, packs: Iterable[Packs]) -> float:
        """Of a job that trains all of ``packs``."""
        return self.start + sum(p.steps * self.step.get(p.kind, self.run * (BESIDE + p.runs)) for p in packs)


def step_seconds(packs: Packs, data: Data, device: torch.device) -> float:
    """Of one step of a pack: by an epoch of a few batches, and an evaluation on the same share of every split."""
    recipe, runs = packs.recipe, min(packs.runs, STACKED)
    optimizer = recipe.optimizer
    rates = [optimizer.lr and optimizer.lr * (1 + 1e-9 * i) for i in range(min(packs.recipes, runs))]
    epoch = {"train_share": 1.0, "epochs": 1, "steps": None, "evaluate": EachEpoch(), "start": Afresh()}
    recipes = [recipe.but(**epoch, optimizer=optimizer.model_copy(update={"lr": lr})) for lr in rates]
    rows = recipe.training_rows(data.train.rows)
    share = min(1.0, STEPS * recipe.batch_size / rows)

    def cut(split: Split, rows: int) -> Split:
        """The first of so many rows, of the first run."""
        x, y = split.take(torch.arange(max(1, round(share * rows))).unsqueeze(0))
        return Split(x[0].to(device), y.to(device))

    val, test = (cut(split, split.rows) for split in (data.val, data.test))
    small = data._replace(train=cut(data.train, rows), val=val, test=test, draw=None)
    pack = Pack([Run(recipes[i * len(recipes) // runs], 0) for i in range(runs)], small, device)
    pack.step(torch.arange(min(recipe.batch_size, small.train.rows), device=device).expand(runs, -1), 0.0)
    step = seconds_of(device, pack.train_on) / pack.budget
    evaluation = seconds_of(device, lambda: pack.evaluate(None)) / share
    every = recipe.evaluate.every(-(-rows // recipe.batch_size))
    return (step + evaluation / every) * packs.runs / runs


def total(jobs: Sequence[tuple[int, float]], at_once: int) -> float:
    """Seconds until all ``jobs`` (devices, seconds) are done, where so many devices work at a time."""
    area = sum(min(devices, at_once) * seconds for devices, seconds in jobs)
    return max([area / at_once, *(seconds for _, seconds in jobs)])
