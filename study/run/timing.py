"""The timing job: every arm measured alone on its devices, in interleaved rounds, while nothing else runs.

Rounds come in blocks, each in processes of its own: where memory lies and what threads share differ from process to
process, so that a difference that only one of them has is in the spread of the rounds.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import lru_cache
from itertools import pairwise
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from study.axes.recipe import Recipe
from study.engine.determinism import quiet
from study.engine.inputs.data import load
from study.engine.pack import Pack, Run
from study.engine.shard import Shard
from study.plan.arm import Arm
from study.plan.limits import nvidia_smi
from study.plan.plan import Plan
from study.plan.trials import from_json, settings_text
from study.run import devices
from study.run.attempt import noting
from study.run.block import settings_of
from study.run.distributed import LOOK, Team, WorkerFailed
from study.run.provenance import provenance
from study.store.failures import said
from study.store.files import write_parquet
from study.store.layout import Store
from study.store.schemas import TIMING

MAX_STEPS = 20  # timed per arm and round, or an epoch of fewer: more tell no more on a CPU (benchmarks/README.md)
BLOCKS = 4  # of rounds, at most: benchmarks/README.md has what processes differ by
WARM_UP = 3  # untimed steps before each measurement, the first of which are slower after another arm's
State = dict[str, Any]  # of what is timed: its memory_bytes, and the reason where it failed
T = TypeVar("T")


def time_study(plan: Plan, store: Store) -> None:
    """Write the timing of ``plan``, one row per arm and round; nothing where no comparison shows a time or memory."""
    if plan.timing is None:
        return
    recipes = {arm: timed_recipe(plan.arms[arm], store, plan.seeds[arm]) for arm in plan.timing.arms}
    datasets = {recipe.dataset_id: store.dataset(recipe.dataset_id) for recipe in recipes.values()}
    with noting(store.failed_timing(plan.timing.id), store.log("time", plan.timing.id)):
        with devices.leased(f"timing of {plan.study}", count=None) as device, quiet():
            rows = measure(recipes, datasets, plan.timing.rounds, device)
        timing = plan.timing.id
        write_parquet(pa.Table.from_pylist(rows, TIMING), store.timing(timing))


def timed_recipe(arm: Arm, store: Store, seeds: int) -> Recipe:
    """What is timed of an arm: as was chosen for most of its runs, where candidates differ in how long a step takes."""
    chosen = settings_of(arm, store, range(seeds)).values() if arm.changes_steps else []
    known = Counter(settings_text(settings) for settings in chosen if settings is not None)
    return arm.settled(from_json(json.loads(known.most_common(1)[0][0]))) if known else arm.outline


def measure(
    recipes: Mapping[str, Recipe], datasets: Mapping[str, Path], rounds: int, device: torch.device
) -> list[dict[str, Any]]:
    """A row for every arm and round, with the columns of ``TIMING``; each round measures in a new random order.

    Every block of rounds is measured in processes of its own.

    ``recipes``: by arm; ``datasets``: the prepared file by dataset id.
    """
    groups: dict[Hashable, list[str]] = {}
    for arm, recipe in recipes.items():
        groups.setdefault(recipe.operations(), []).append(arm)
    first = {key: recipes[arms[0]] for key, arms in groups.items()}
    about = provenance(device) | {"gpu_utilization": gpu_utilization(device)}  # before our own work begins
    state: dict[Hashable, State] = {key: {"memory_bytes": None, "reason": None} for key in groups}
    shuffle = random.Random(0)
    rows = []
    for block, numbers in enumerate(blocks(rounds)):
        for key, found in measured(first, datasets, numbers, device, state, shuffle):
            rows += [{"arm": arm, "block": block} | found | about for arm in groups[key]]
    return sorted(rows, key=lambda row: (row["arm"], row["round"]))


def measured(
    recipes: Mapping[Hashable, Recipe], datasets: Mapping[str, Path], rounds: range, device: torch.device,
    state: Mapping[Hashable, State], shuffle: random.Random,
) -> Iterator[tuple[Hashable, dict[str, Any]]]:  # fmt: skip
    """One block, in new processes: what was found of each recipe in each round. ``state`` is as it was left before."""
    with ExitStack() as held:
        watches: dict[int, Stopwatches] = {}

        def read(key: Hashable) -> tuple[float, int]:
            recipe = recipes[key]
            if recipe.gpus not in watches:
                watches[recipe.gpus] = held.enter_context(closing(Stopwatches(recipe.gpus, device)))
            return watches[recipe.gpus].read(recipe, datasets[recipe.dataset_id])

        for key in recipes:  # the first round of a process takes 6 % longer
            if found := tried(state[key], read, key):
                state[key]["memory_bytes"] = found[1]
        for number in rounds:
            load = os.getloadavg()[0]
            for key in shuffle.sample(list(recipes), len(recipes)):
                found = tried(state[key], read, key)
                yield key, {"round": number, "step_seconds": found and found[0], "load_average": load} | state[key]


def tried(state: State, work: Callable[[Hashable], T], key: Hashable) -> T | None:
    """What ``work`` gives. Where it fails, out of memory, say, the reason stays, and it is not tried again."""
    if state["reason"] is None:
        try:
            return work(key)
        except (RuntimeError, ValueError) as error:
            state["reason"] = str(error) if isinstance(error, WorkerFailed) else said(error)
    return None


def blocks(rounds: int) -> list[range]:
    """The numbers of the rounds of each block, about as many in each."""
    number = min(BLOCKS, rounds)
    ends = [rounds * i // number for i in range(number + 1)]
    return [range(first, end) for first, end in pairwise(ends)]


def gpu_utilization(device: torch.device) -> float | None:
    """Percent of the last sampling period in which the busiest GPU was; None on the CPU or without nvidia-smi."""
    if device.type != "cuda":
        return None
    # nvidia-smi knows nothing of CUDA_VISIBLE_DEVICES, which the lease has set to UUIDs.
    found = nvidia_smi("utilization.gpu", "-i", os.environ.get("CUDA_VISIBLE_DEVICES", "0"))
    return max((float(percent) for percent in found if percent.strip().isdigit()), default=None)


class Stopwatch:
    """One worker, and the arms that it times."""

    def __init__(self, shard: Shard, device: torch.device) -> None:
        self.shard, self.device = shard, device
        self.packs: dict[str, tuple[Pack, int]] = {}  # by id of the recipe
        self.load = lru_cache(maxsize=None)(lambda path: load(path, device).of([0]))  # before memory is measured

    def read(self, recipe: Recipe, dataset: Path) -> tuple[float, int]:
        """Seconds of a step, and the peak memory of one run in bytes.

        The seconds are the mean over an epoch of the arm, or ``MAX_STEPS`` of it.
        """
        if recipe.id not in self.packs:
            self.packs[recipe.id] = self._ready(recipe, dataset)
        pack, memory = self.packs[recipe.id]
        order = torch.randperm(pack.data.train.rows, generator=pack.streams("order")[0]).to(self.device).unsqueeze(0)
        batches = torch.split(order, pack.batch_size, dim=1)[:MAX_STEPS]
        pack.stack.train(True)
        for batch in batches[:WARM_UP]:
            pack.step(batch, 0.0)
        seconds = seconds_of(self.device, lambda: [pack.step(batch, 0.0) for batch in batches])
        return seconds / len(batches), memory

    def _ready(self, recipe: Recipe, dataset: Path) -> tuple[Pack, int]:
        data = self.load(dataset)
        before = 0
        if self.device.type == "cuda":
            # A first time, since cuBLAS keeps memory from its first use on.
            peak_memory(Pack([Run(recipe, 0)], data, self.device, self.shard))
            before = torch.cuda.memory_allocated(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
        pack = Pack([Run(recipe, 0)], data, self.device, self.shard)
        return pack, peak_memory(pack) - before


class Stopwatches:
    """A ``Stopwatch`` in each of ``world`` workers, all of which do what is asked; the first answers.

    Raises WorkerFailed where one cannot. Then new workers begin.
    """

    def __init__(self, world: int, device: torch.device) -> None:
        self.world, self.device = world, device
        self._begin()

    def read(self, recipe: Recipe, dataset: Path) -> tuple[float, int]:
        """As a ``Stopwatch`` does."""
        try:
            return self._answer(recipe, dataset)
        except WorkerFailed:
            self.close()
            self._begin()
            raise

    def close(self) -> None:
        self.team.close()

    def _begin(self) -> None:
        pairs = [Pipe() for _ in range(self.world)]
        self.lines = [ours for ours, _ in pairs]
        self.team = Team(self.world, self.device, serve, [theirs for _, theirs in pairs])
        for _, theirs in pairs:
            theirs.close()

    def _answer(self, recipe: Recipe, dataset: Path) -> tuple[float, int]:
        with suppress(BrokenPipeError, EOFError, ConnectionResetError):  # a worker died; ``join`` says which
            for line in self.lines:
                line.send((recipe, dataset))
            while not self.lines[0].poll(LOOK):
                self.team.join(0)
            seconds, memory = self.lines[0].recv()
            return float(seconds), int(memory)
        self.team.join()
        raise RuntimeError("a worker ended without an answer")


def serve(shard: Shard, device: torch.device, lines: Sequence[Connection]) -> None:
    """A worker's life: do what it is asked, until it is ended."""
    watch = Stopwatch(shard, device)
    with quiet():
        while True:
            answer = watch.read(*lines[shard.rank].recv())
            if shard.rank == 0:
                lines[0].send(answer)


def peak_memory(pack: Pack) -> int:
    """Bytes at the peak of one step of one run, with all that the device holds.

    On CUDA the allocator's peak over two steps. On the CPU the sum of parameters, gradients, optimizer
    state and the tensors that autograd saves for the backward pass, each storage once.
    """
    device, rows = torch.device(pack.device), min(pack.batch_size, pack.data.train.rows)
    batch = torch.arange(rows, device=device).unsqueeze(0)
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() != pack.stack.flat.untyped_storage().data_ptr():
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    pack.stack.train(True)
    with saved_tensors_hooks(note, lambda tensor: tensor):
        pack.step(batch, 0.0)
    if device.type == "cuda":
        pack.step(batch, 0.0)
        return torch.cuda.max_memory_allocated(device)
    tensors = [pack.stack.flat, pack.stack.grad, *pack.optimizer.state()]
    tensors += [pack.average.values] if pack.average else []
    return sum(t.numel() * t.element_size() for t in tensors) + sum(saved.values())


def seconds_of(device: torch.device, work: Callable[[], object]) -> float:
    """How long ``work`` takes, from the end of what was asked of the device before to the end of it there."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
