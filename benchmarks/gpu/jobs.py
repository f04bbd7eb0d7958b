"""What a study does with a GPU: a job, a pack too large for its memory, the timing job, several GPUs, whole studies."""

from __future__ import annotations

import gc
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq
import torch

from benchmarks.gpu.check import Bench, Broken, Skipped
from benchmarks.gpu.samples import CONVNET, difference, recipe, store
from study.engine.determinism import quiet
from study.engine.pack import Run, Slice, train
from study.engine.record import Record
from study.plan.arm import Arm
from study.plan.jobs import BlockUnit, Job
from study.run import packs
from study.run.devices import describe
from study.run.job import run
from study.run.timing import measure
from study.store.layout import Block, Store

ROOT = Path(__file__).parents[2]
CLOSE = 1e-3  # relative: how far records of two ways to train the same may be apart


def job(bench: Bench) -> str:
    """A job of two arms, as a rule of the workflow starts it: leased, trained, written."""
    arms = [Arm(recipe=recipe(optimizer)) for optimizer in ("adam", "momentum")]
    block = Block(0, 5)
    found = store(bench, *(arm.outline for arm in arms))
    began = time.monotonic()
    if failed := run(Job(blocks=tuple(BlockUnit(arm=arm, block=block) for arm in arms)), found):
        raise Broken("; ".join(failed))
    seconds = time.monotonic() - began
    rows = [row for arm in arms for row in pq.read_table(found.runs(arm.id, block)).to_pylist()]
    devices, ends = {row["device"] for row in rows}, [row["status"] for row in rows]
    bench.note(seconds=seconds, receipt=json.loads(found.receipts()[0].read_text()), runs=len(rows))
    if devices != {describe(bench.device)} or ends != ["finished"] * 12:
        raise Broken(f"of 12 runs there are {len(ends)}, {ends.count('finished')} finished, on {', '.join(devices)}")
    accuracy = statistics.fmean(row["test_accuracy"] for row in rows)
    return f"12 runs on {devices.pop()} in {seconds:.1f} s; mean test accuracy {accuracy:.3f}"


def memory(bench: Bench) -> str:
    """A pack too large for what this process may use of the GPU: halved until it fits, all records as if it had fit."""
    widths = [64, 64] if bench.quick else [1024, 1024]
    mine = [recipe(lr=lr, network={"name": "mlp", "hidden": widths}) for lr in (0.001, 0.0005, 0.002, 0.0002)]
    slices = [Slice(each, tuple(range(8))) for each in mine]
    found, device = store(bench, *mine), bench.device

    def made() -> list[Record]:
        parts = list(packs.train_pack(slices, found, device, []))
        for part in parts:
            if isinstance(part, Exception):
                raise Broken(f"a slice has no records: {part}")
        return [record for part in parts if not isinstance(part, Exception) for record in part]

    whole = made()
    with limited(device, 0.7) as about:
        began = time.monotonic()
        halved = made()
        seconds = time.monotonic() - began
    apart = difference(whole, halved)
    bench.note(**about, seconds=seconds, differences=apart)
    if not about["failures"]:
        raise Broken("nothing ran out of memory: the limit did nothing")
    if not max(apart.values()) < CLOSE:
        raise Broken(f"records of halved packs are apart by {max(apart.values()):.1g}")
    if about["kept_bytes"] > 2**20:
        raise Broken(f"{about['kept_bytes'] / 2**20:.0f} MiB of the GPU's memory are held afterwards")
    far = max(apart.values())
    return (
        f"a pack of 32 runs that needs {about['peak_bytes'] / 2**20:.0f} MiB and may use 70 % of it left all records "
        f"({f'apart by {far:.1g}' if far else 'same bits'}); out of memory: {about['failures']} of its packs; "
        "nothing is held afterwards"
    )


@contextmanager
def limited(device: torch.device, share: float) -> Iterator[dict[str, Any]]:
    """While the block runs this process gets ``share`` of the memory that it needed before; yields what came of it.

    On a CPU packs of more than 16 runs fail as if there was too little.
    """
    about: dict[str, Any] = {"failures": 0, "kept_bytes": 0, "peak_bytes": 0}
    if device.type == "cpu":

        def training(runs: list[Run], *more: Any) -> list[Record]:
            if len(runs) > 16:
                about["failures"] += 1
                raise torch.OutOfMemoryError("CUDA out of memory (pretended)")
            return train(runs, *more)

        with patch.object(packs, "train", training):
            yield about
        return
    gc.collect()
    torch.cuda.synchronize(device)
    about["peak_bytes"] = peak = torch.cuda.max_memory_reserved(device)
    torch.cuda.empty_cache()
    before, failures = torch.cuda.memory_allocated(device), torch.cuda.memory_stats(device)["num_ooms"]
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(share * peak / total, device)
    try:
        yield about
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    about["failures"] = torch.cuda.memory_stats(device)["num_ooms"] - failures
    about["kept_bytes_before_collection"] = torch.cuda.memory_allocated(device) - before
    gc.collect()
    about["kept_bytes"] = torch.cuda.memory_allocated(device) - before


def timing(bench: Bench) -> str:
    """The timing job's rows: peak memory of a run against what its tensors take, and the spread of step_seconds."""
    recipes = {
        "sgd": recipe("sgd"),
        "adam": recipe(),
        "wide": recipe(network={"name": "mlp", "hidden": [512, 512]}),
        "convnet": recipe(network=CONVNET),
        "dropout": recipe(dropout=0.2),
    }
    path = store(bench, *recipes.values())
    datasets = {each.dataset_id: path.dataset(each.dataset_id) for each in recipes.values()}
    with quiet():
        rows = measure(recipes, datasets, 3 if bench.quick else 8, bench.device)
        cpu = measure(recipes, datasets, 1, torch.device("cpu"))
    by_hand = {row["arm"]: row["memory_bytes"] for row in cpu}
    found, wrong = {}, []
    for arm in recipes:
        mine = [row for row in rows if row["arm"] == arm]
        if reason := mine[0]["reason"]:
            raise Broken(f"{arm} was not timed: {reason}")
        seconds, held = [row["step_seconds"] for row in mine], mine[0]["memory_bytes"]
        middle = statistics.median(seconds)
        spread = (max(seconds) - min(seconds)) / middle
        found[arm] = {"step_seconds": seconds, "spread": spread, "memory_bytes": held, "cpu_bytes": by_hand[arm]}
        if not 0.8 * by_hand[arm] < held < 10 * by_hand[arm] + 2**25:  # 32 MiB for what cuDNN works in
            wrong.append(f"{arm} takes {held:,} bytes, of which {by_hand[arm]:,} are known")
    bench.note(arms=found, gpu_utilization=rows[0]["gpu_utilization"])
    if found["adam"]["memory_bytes"] <= found["sgd"]["memory_bytes"]:
        wrong.append("adam takes no more than sgd")
    if wrong:
        raise Broken("; ".join(wrong))
    each = ", ".join(f"{arm} {about['memory_bytes'] / about['cpu_bytes']:.2g}" for arm, about in found.items())
    spreads = [about["spread"] for about in found.values()]
    ways = f"spread over rounds {100 * statistics.median(spreads):.0f} % (at most {100 * max(spreads):.0f} %)"
    return f"peak memory as a multiple of what tensors take on a CPU: {each}; step_seconds: {ways}"


def several(bench: Bench) -> str:
    """A pack whose batches are split over two GPUs, against the same on one."""
    if bench.kind == "cuda" and torch.cuda.device_count() < 2:
        raise Skipped("one GPU here, two are needed")
    seconds, records = {}, {}
    for gpus in (1, 2):
        mine = recipe(gpus=gpus)
        began = time.monotonic()
        [part] = packs.train_pack([Slice(mine, (0, 1, 2))], store(bench, mine), bench.device, [])
        if isinstance(part, Exception):
            raise Broken(f"{gpus} devices: {part}")
        records[gpus], seconds[gpus] = part, time.monotonic() - began
    apart = difference(records[1], records[2])
    bench.note(seconds=seconds, differences=apart)
    if not max(apart.values()) < CLOSE:
        raise Broken(f"records of two devices and of one are apart by {max(apart.values()):.1g}")
    far = max(apart.values())
    return f"three runs on two devices in {seconds[2]:.1f} s, on one in {seconds[1]:.1f} s; records apart by {far:.1g}"


def smoke(bench: Bench) -> str:
    """The first study, by Snakemake."""
    return _study(bench, ROOT / "config" / "smoke.yaml", 1)


def article(bench: Bench) -> str:
    """The default study, by Snakemake; without its comparison of numbers of GPUs where there are fewer than four."""
    if bench.quick:
        raise Skipped("left out of a quick try")
    from ruamel.yaml import YAML

    gpus = torch.cuda.device_count() if bench.kind == "cuda" else 1
    yaml, path = YAML(), bench.folder / "article.yaml"
    content = yaml.load((ROOT / "config" / "article.yaml").read_text(encoding="utf-8"))
    if gpus < 4:
        del content["comparisons"]["gpus"]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    return _study(bench, path, gpus)


def _study(bench: Bench, file: Path, gpus: int) -> str:
    """Its jobs in short. Raises Broken where Snakemake fails."""
    environment = os.environ | {"PATH": f"{os.environ['PATH']}{os.pathsep}{bench.folder}"}
    command = bench.folder / "evenhand"  # where it is not installed beside Snakemake
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m study "$@"\n')
    command.chmod(0o755)
    results = Store(bench.folder / "results")
    arguments = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "all", "--resources", f"gpu={gpus}"]
    arguments += ["--config", f"study={file}", f"results={results.root}"]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments], cwd=bench.folder, env=environment, check=False
    )
    seconds = time.monotonic() - began
    receipts = [json.loads(path.read_text()) for path in results.receipts()]
    made = [pack for receipt in receipts for pack in receipt["packs"]]
    bench.note(seconds=seconds, receipts=receipts)
    for path in sorted((results.root / "logs").rglob("*.log")) if done.returncode else ():
        print(f"--- {path}\n{path.read_text()}", flush=True)
    if done.returncode:
        raise Broken(f"snakemake ended with {done.returncode}; its log, and those of its jobs, are in gpu.log")
    devices = {receipt["device"] for receipt in receipts}
    if devices != {describe(bench.device)}:
        raise Broken(f"its jobs ran on {', '.join(devices)}")
    title = re.sub(r"\.yaml$", "", file.name)
    runs, training = sum(pack["runs"] for pack in made), sum(pack["seconds"] for pack in made)
    return (
        f"{title}: {runs} runs in {len(made)} packs and {len(receipts)} jobs on {devices.pop()}, "
        f"{training:.0f} s of training, {seconds:.0f} s in all"
    )
