"""The timing job: every arm measured alone on its devices, in interleaved rounds, while nothing else runs."""

from __future__ import annotations

import os
import random
from collections.abc import Hashable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from study.axes.recipe import Recipe
from study.engine.precision import quiet
from study.engine.shard import ALONE
from study.plan.arm import Arm
from study.plan.limits import nvidia_smi
from study.plan.plan import Plan
from study.run import devices
from study.run.attempt import noting, said
from study.run.job import settings_of
from study.run.provenance import provenance
from study.run.stopwatch import Stopwatch, Stopwatches
from study.store.files import write_parquet
from study.store.layout import Store
from study.store.schemas import TIMING


def time_study(plan: Plan, store: Store, path: Path) -> None:
    """Write the timing of ``plan`` to ``path``: one row per arm and round."""
    if plan.timing is None:
        raise ValueError(f"{plan.study}: no comparison shows a time or a memory; there is nothing to time")
    recipes = {arm: timed_recipe(plan.arms[arm], store) for arm in plan.timing.arms}
    datasets = {recipe.dataset_id: store.dataset(recipe.dataset_id) for recipe in recipes.values()}
    with noting(store.failed_timing(plan.timing.id), store.log("time", plan.timing.id)):
        with devices.leased(f"timing of {plan.study}", count=None) as device, quiet():
            rows = measure(recipes, datasets, plan.timing.rounds, device)
        write_parquet(pa.Table.from_pylist(rows, TIMING), path)


def timed_recipe(arm: Arm, store: Store) -> Recipe:
    """What is timed of an arm: as it was chosen, where candidates differ in how long a step takes."""
    chosen = settings_of(arm, store) if arm.search and arm.search.changes_steps else None
    return arm.outline if chosen is None else arm.settled(chosen)


def measure(
    recipes: Mapping[str, Recipe], datasets: Mapping[str, Path], rounds: int, device: torch.device
) -> list[dict[str, Any]]:
    """Rows of ``TIMING`` for every arm and round. In each round the measurements come in a new random order.

    ``recipes``: by arm; ``datasets``: the prepared file by dataset id.
    """
    groups: dict[Hashable, list[str]] = {}
    for arm, recipe in recipes.items():
        groups.setdefault(recipe.operations(), []).append(arm)
    about = {name: value for name, value in provenance(device).items() if name in TIMING.names}
    about |= {"threads": torch.get_num_threads(), "cores": devices.cores()}
    busy = gpu_utilization(device)  # before our own work begins
    shuffle = random.Random(0)
    rows = []
    state: dict[Hashable, dict[str, Any]] = {key: {"memory_bytes": None, "reason": None} for key in groups}
    with ExitStack() as held:
        watches: dict[int, Stopwatch | Stopwatches] = {1: Stopwatch(ALONE, device)}
        for key, arms in groups.items():
            recipe = recipes[arms[0]]
            try:
                if recipe.gpus not in watches:
                    watches[recipe.gpus] = held.enter_context(closing(Stopwatches(recipe.gpus, device)))
                state[key]["memory_bytes"] = watches[recipe.gpus].add(key, recipe, datasets[recipe.dataset_id])
            except (RuntimeError, ValueError) as error:
                state[key]["reason"] = said(error)
        for number in range(rounds):
            quietness = {"load_average": os.getloadavg()[0], "gpu_utilization": busy}
            for key in shuffle.sample(list(groups), len(groups)):
                seconds = None
                if state[key]["reason"] is None:
                    try:
                        seconds = watches[recipes[groups[key][0]].gpus].read(key)
                    except RuntimeError as error:  # out of memory, say: it is not tried again; others are
                        state[key]["reason"] = said(error)
                found = {"round": number, "step_seconds": seconds} | state[key] | quietness | about
                rows += [{"arm": arm} | found for arm in groups[key]]
    return sorted(rows, key=lambda row: (row["arm"], row["round"]))


def gpu_utilization(device: torch.device) -> float | None:
    """Percent of the last sampling period in which the busiest GPU was; None on the CPU or without nvidia-smi."""
    if device.type != "cuda":
        return None
    # nvidia-smi knows nothing of CUDA_VISIBLE_DEVICES, which the lease has set to UUIDs.
    found = nvidia_smi("utilization.gpu", "-i", os.environ.get("CUDA_VISIBLE_DEVICES", "0"))
    return max((float(percent) for percent in found if percent.isdigit()), default=None)
