"""Seconds per step and peak memory of each arm, measured alone on one quiet device, in interleaved rounds."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from study.plan.arm import Arm
from study.plan.plan import Plan
from study.plan.store import Store
from study.run import devices
from study.run.chosen import settled
from study.run.data import Data, load
from study.run.job import note_failure, provenance, said
from study.run.record import TIMING, write_parquet
from study.run.train import Pack, Run

MAX_STEPS = 100  # steps timed per arm and round; an epoch where it has fewer
WARM_UP = 3  # untimed steps before each measurement


def operations(arm: Arm) -> Hashable:
    """Equal for arms that differ only in numbers that change no shape and no operation: they share a measurement."""
    settings = arm.optimizer.settings().items()
    optimizer = [(name, bool(value) if isinstance(value, int | float) else None) for name, value in settings]
    penalty = bool(arm.regularizer.l1), bool(arm.regularizer.l2)
    shape = (arm.dataset_id, arm.network, arm.activation, arm.batch_size, arm.gpus)
    return (*shape, arm.dropout > 0, arm.optimizer.name, repr(optimizer), penalty)


def time_study(plan: Plan, store: Store, path: Path) -> None:
    """Write the timing of ``plan`` to ``path``: one row per arm and round."""
    if plan.timing is None:
        raise ValueError(f"{plan.study}: no comparison shows a time or a memory; there is nothing to time")
    arms = {arm: plan.arms[arm] for arm in plan.timing.arms}
    arms |= {arm: settled(arms[arm], store) or arms[arm] for arm in plan.timed_tunings}
    failed = store.failed_timing(plan.timing.id)
    try:
        with devices.leased(f"timing of {plan.study}", count=None) as device, devices.quiet():
            data = {d: load(store.dataset(d), device) for d in {arm.dataset_id for arm in arms.values()}}
            rows = measure(arms, data, plan.timing.rounds, device)
    except BaseException as error:
        note_failure(failed, error, store.log("time", plan.timing.id))
        raise
    write_parquet(pa.Table.from_pylist(rows, TIMING), path)
    failed.unlink(missing_ok=True)


def measure(
    arms: Mapping[str, Arm], data: Mapping[str, Data], rounds: int, device: torch.device
) -> list[dict[str, Any]]:
    """Rows of ``TIMING`` for every arm and round. In each round the measurements come in a new random order."""
    groups: dict[Hashable, list[str]] = {}
    for arm_id, arm in arms.items():
        groups.setdefault(operations(arm), []).append(arm_id)
    packs: dict[Hashable, Pack | str] = {}
    memory: dict[Hashable, int | None] = {}
    for key, members in groups.items():
        arm = arms[members[0]]
        try:
            memory[key] = peak_memory(arm, data[arm.dataset_id], device)
            packs[key] = Pack([Run(arm, 0)], data[arm.dataset_id], device)
        except (RuntimeError, ValueError) as error:
            packs[key], memory[key] = said(error), None
    about = {name: value for name, value in provenance(device).items() if name in TIMING.names}
    shuffle = random.Random(0)
    rows = []
    for number in range(rounds):
        quietness = {"load_average": os.getloadavg()[0], "gpu_utilization": gpu_utilization(device)}
        for key in shuffle.sample(list(groups), len(groups)):
            pack, seconds = packs[key], None
            if isinstance(pack, Pack):
                try:
                    seconds = step_seconds(pack)
                except RuntimeError as error:  # out of memory, say: the other arms are timed all the same
                    pack = packs[key] = said(error)
            row = {
                "round": number,
                "step_seconds": seconds,
                "memory_bytes": memory[key],
                "threads": torch.get_num_threads(),
                "reason": pack if isinstance(pack, str) else None,
            }
            rows += [{"arm": arm_id} | row | quietness | about for arm_id in groups[key]]
    return sorted(rows, key=lambda row: (row["arm"], row["round"]))


def step_seconds(pack: Pack) -> float:
    """Mean seconds of a step over an epoch, or over ``MAX_STEPS`` of it."""
    rows = len(pack.data.train.x)
    order = torch.randperm(rows, generator=pack.orders[0]).to(pack.device).unsqueeze(0)
    batches = torch.split(order, pack.batch_size, dim=1)
    pack.stack.train(True)
    for batch in batches[:WARM_UP]:
        pack.step(batch, 0.0)
    timed = batches[:MAX_STEPS]
    synchronize(pack.device)
    start = time.perf_counter()
    for batch in timed:
        pack.step(batch, 0.0)
    synchronize(pack.device)
    return (time.perf_counter() - start) / len(timed)


def peak_memory(arm: Arm, data: Data, device: torch.device) -> int:
    """Bytes at the peak of one step of one run.

    On CUDA the allocator's peak over two steps. On the CPU the sum of parameters, gradients, optimizer
    state and the tensors that autograd saves for the backward pass, each storage once.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
    pack = Pack([Run(arm, 0)], data, device)
    batch = torch.arange(min(arm.batch_size, len(data.train.x)), device=device).unsqueeze(0)
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
        return torch.cuda.max_memory_allocated(device) - before
    state = [t for s in pack.steppers for values in s.optimizer.state.values() for t in values.values()]
    tensors = [pack.stack.flat, pack.stack.grad, *(t for t in state if isinstance(t, Tensor))]
    return sum(t.numel() * t.element_size() for t in tensors) + sum(saved.values())


def gpu_utilization(device: torch.device) -> float | None:
    """Percent of the last sampling period in which the GPU was busy; None on the CPU or without nvidia-smi."""
    if device.type != "cuda":
        return None
    # nvidia-smi knows nothing of CUDA_VISIBLE_DEVICES, which the lease has set to UUIDs.
    mine = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[device.index or 0]
    query = ["nvidia-smi", "-i", mine, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
        return float(lines[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None


def synchronize(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
