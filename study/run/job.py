"""A job: searches and blocks of seeds, one after another on the devices that the process leases, and their records."""

from __future__ import annotations

import json
import time
import traceback
from pathlib import Path

import torch

from study.engine import data, record
from study.engine.checkpoint import Checkpoints
from study.engine.pack import Run, train
from study.engine.record import Record
from study.engine.shard import Shard
from study.plan.jobs import BlockUnit, Job, SearchUnit
from study.plan.plan import Arm
from study.plan.search import Candidate
from study.plan.trials import NOTHING_CHOSEN, Trials, settings_text
from study.run import devices
from study.run.attempt import Busy, attempt, said
from study.run.distributed import spread
from study.run.provenance import now, provenance
from study.run.search import run_search
from study.store.files import write_if_changed
from study.store.layout import Store


def run(job: Job, store: Store) -> list[str]:
    """Do all of ``job``. A unit that fails leaves the others alone; returns a line for each that did.

    Where none failed, a receipt says what was made, when, and on what. Raises Interrupted where a signal asked for the
    end: the next start goes on from there.
    """
    began, started_at = time.monotonic(), now()
    seconds: dict[str, float] = {}
    failed: list[str] = []
    units: list[SearchUnit | BlockUnit] = [*job.searches, *job.blocks]
    log = store.log("job", job.id)
    with devices.leased(f"job {job.id}", job.gpus) as device:
        for unit in units:
            start = time.monotonic()
            try:
                if isinstance(unit, SearchUnit):
                    extend_search(unit, store, device, log)
                elif is_searched(unit.arm, store):
                    train_block(unit, store, device, log)
                else:
                    failed.append(f"{unit.name}: not trained, since its search failed")
            except Exception as error:
                if not isinstance(error, Busy):
                    traceback.print_exc()
                failed.append(f"{unit.name}: {said(error)}")
            seconds[unit.name] = round(time.monotonic() - start, 3)
        about = provenance(device)
    if not failed:
        about |= {"started_at": started_at, "seconds": round(time.monotonic() - began, 3), "units": seconds}
        write_if_changed(store.receipt(job.id), json.dumps(about, indent=1) + "\n")
    return failed


def extend_search(unit: SearchUnit, store: Store, device: torch.device, log: Path) -> None:
    """Extend the trials of a search for each selection of ``unit``."""
    search = unit.search
    with attempt(store.started_search(search.id), store.failed_search(search.id), log):
        rows = data.load(store.dataset(search.first_recipe.dataset_id), device)
        print(f"{unit.name}: {search.candidates} candidates on {devices.describe(device)}", flush=True)
        trials = run_search(search, unit.selections, rows, device, store.search(search.id))
        for selection in unit.selections:
            chosen = trials.chosen(selection)
            print(f"{unit.name}: {selection.name} chose {chosen and settings_text(chosen.settings)}", flush=True)


def train_block(unit: BlockUnit, store: Store, device: torch.device, log: Path) -> None:
    """Make the records of a block of seeds, on as many devices as its arm takes."""
    arm = unit.arm
    with attempt(store.started(arm.id, unit.block), store.failed(arm.id, unit.block), log):
        if unit.block in store.present([arm.id])[arm.id]:
            print(f"{unit.name}: there by now; nothing to train", flush=True)
        else:
            spread(arm.gpus, device, train_seeds, store, unit)


def train_seeds(shard: Shard, device: torch.device, store: Store, unit: BlockUnit) -> None:
    """One worker's part of a block of seeds; the first writes."""
    started_at, arm, block = now(), unit.arm, unit.block
    checkpoints = Checkpoints(store.arm(arm.id) / f"checkpoint-{block}", shard=shard)
    with checkpoints.listening():
        chosen = settings_of(arm, store)
        recipe = arm.outline if chosen is None else arm.settled(chosen)
        dataset = data.load(store.dataset(arm.dataset_id), device)
        if shard.rank == 0:
            workers = f"{shard.world} workers on " * (shard.world > 1)
            print(f"{unit.name}: {len(block.seeds)} runs, {workers}{devices.describe(device)}", flush=True)
        if chosen is None:
            records = [Record(seed, NOTHING_CHOSEN) for seed in block.seeds]
        else:
            records = train([Run(recipe, seed) for seed in block.seeds], dataset, device, shard, checkpoints)
    if shard.rank > 0:
        return
    about = provenance(device) | {
        "pack": f"{arm.id}/{block}" if recipe.stack else "alone",
        "started_at": started_at,
        "settings": settings_text(chosen) if arm.search and chosen is not None else None,
        **{f"{name}_rows": getattr(dataset, name).rows for name in data.SPLITS},
    }
    record.write(records, arm.id, about, store.runs(arm.id, block), store.curves(arm.id, block))
    checkpoints.remove()
    diverged = sum(not made.finished for made in records)
    print(f"{unit.name}: {len(records) - diverged} finished, {diverged} diverged", flush=True)


def is_searched(arm: Arm, store: Store) -> bool:
    """Whether an arm's settings are known, or can be chosen."""
    return arm.search is None or (arm.selection is not None and arm.selection.name in store.selections(arm.search.id))


def settings_of(arm: Arm, store: Store) -> Candidate | None:
    """What was chosen for an arm, nothing where nothing is searched; None where every candidate diverged.

    Raises FileNotFoundError before it is searched.
    """
    if arm.search is None or arm.selection is None:
        return {}
    if not is_searched(arm, store):
        lacking = f"{store.search(arm.search.id)}: has no trials for {arm.selection.name}"
        raise FileNotFoundError(f"{lacking}; first run the job of search {arm.search.id}")
    chosen = Trials.read(arm.search, store.search(arm.search.id)).chosen(arm.selection)
    return None if chosen is None else chosen.settings
