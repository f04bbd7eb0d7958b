"""The timing job: every arm measured alone on its devices, in interleaved rounds, while nothing else runs."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Hashable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import torch

from study.engine.precision import quiet
from study.engine.shard import ALONE
from study.plan.arm import Arm
from study.plan.plan import Plan
from study.plan.searches.chosen import settled
from study.run import devices
from study.run.attempt import note_failure, said
from study.run.provenance import provenance
from study.run.stopwatch import Stopwatch, Stopwatches
from study.store.files import write_parquet
from study.store.layout import Store
from study.store.schemas import TIMING


def operations(arm: Arm) -> Hashable:
    """Equal for arms that differ only in numbers that change no shape and no operation: they share a measurement."""
    settings = arm.optimizer.settings().items()
    optimizer = [(name, bool(value) if isinstance(value, int | float) else None) for name, value in settings]
    penalty = bool(arm.regularizer.l1), bool(arm.regularizer.l2)
    shape = (arm.gpus, arm.dataset_id, arm.network, arm.activation, arm.batch_size, arm.tf32)
    return (*shape, arm.dropout > 0, arm.optimizer.name, repr(optimizer), penalty)


def time_study(plan: Plan, store: Store, path: Path) -> None:
    """Write the timing of ``plan`` to ``path``: one row per arm and round."""
    if plan.timing is None:
        raise ValueError(f"{plan.study}: no comparison shows a time or a memory; there is nothing to time")
    arms = {arm: plan.arms[arm] for arm in plan.timing.arms}
    arms |= {arm: settled(arms[arm], store) or arms[arm] for arm in plan.timed_tunings}
    datasets = {arm.dataset_id: store.dataset(arm.dataset_id) for arm in arms.values()}
    failed = store.failed_timing(plan.timing.id)
    try:
        print(devices.given(), flush=True)
        with devices.leased(f"timing of {plan.study}", count=None) as device, quiet():
            rows = measure(arms, datasets, plan.timing.rounds, device)
    except BaseException as error:
        note_failure(failed, error, store.log("time", plan.timing.id))
        raise
    write_parquet(pa.Table.from_pylist(rows, TIMING), path)
    failed.unlink(missing_ok=True)


class Timed(NamedTuple):
    """Arms that share a measurement, and what was found out before the first round."""

    members: list[str]
    watch: Stopwatch | Stopwatches | None
    memory: int | None
    reason: str | None = None  # why it cannot be timed


def measure(
    arms: Mapping[str, Arm], datasets: Mapping[str, Path], rounds: int, device: torch.device
) -> list[dict[str, Any]]:
    """Rows of ``TIMING`` for every arm and round. In each round the measurements come in a new random order.

    ``datasets``: the prepared file by dataset id.
    """
    groups: dict[Hashable, list[str]] = {}
    for arm_id, arm in arms.items():
        groups.setdefault(operations(arm), []).append(arm_id)
    about = {name: value for name, value in provenance(device).items() if name in TIMING.names}
    about |= {"threads": torch.get_num_threads(), "cores": devices.cores()}
    busy = gpu_utilization(device)  # before our own work begins
    shuffle = random.Random(0)
    rows = []
    with ExitStack() as held:
        watches: dict[int, Stopwatch | Stopwatches] = {1: Stopwatch(ALONE, device)}
        timed = {}
        for key, members in groups.items():
            arm = arms[members[0]]
            try:
                if arm.gpus not in watches:
                    watches[arm.gpus] = held.enter_context(Stopwatches(devices.enough(arm.gpus, device), device))
                memory = watches[arm.gpus].add(key, arm, datasets[arm.dataset_id])
                timed[key] = Timed(members, watches[arm.gpus], memory)
            except (RuntimeError, ValueError) as error:
                timed[key] = Timed(members, None, None, said(error))
        for number in range(rounds):
            quietness = {"load_average": os.getloadavg()[0], "gpu_utilization": busy}
            for key in shuffle.sample(list(timed), len(timed)):
                found = read(key, timed)
                rows += [{"arm": arm, "round": number} | found | quietness | about for arm in timed[key].members]
    return sorted(rows, key=lambda row: (row["arm"], row["round"]))


def read(key: Hashable, timed: dict[Hashable, Timed]) -> dict[str, Any]:
    """One round of one measurement. One that fails (out of memory, say) is not tried again; others are."""
    seconds, group = None, timed[key]
    if group.watch:
        try:
            seconds = group.watch.read(key)
        except RuntimeError as error:
            group = timed[key] = group._replace(watch=None, reason=said(error))
    return {"step_seconds": seconds, "memory_bytes": group.memory, "reason": group.reason}


def gpu_utilization(device: torch.device) -> float | None:
    """Percent of the last sampling period in which the busiest GPU was; None on the CPU or without nvidia-smi."""
    if device.type != "cuda":
        return None
    # nvidia-smi knows nothing of CUDA_VISIBLE_DEVICES, which the lease has set to UUIDs.
    mine = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    query = ["nvidia-smi", "-i", mine, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
        return max(map(float, lines))
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
