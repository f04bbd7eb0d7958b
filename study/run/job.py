"""The training job of one block of seeds, and its records."""

from __future__ import annotations

import torch

from study.engine import data, record
from study.engine.checkpoint import Checkpoints
from study.engine.pack import Run, train
from study.engine.record import Record
from study.engine.shard import Shard
from study.plan.plan import read_recipe
from study.plan.searches.chosen import NOTHING_CHOSEN, settled, used
from study.run import devices
from study.run.attempt import attempt
from study.run.distributed import spread
from study.run.provenance import now, provenance
from study.store.layout import Block, Store


def train_block(store: Store, arm_id: str, block: Block) -> None:
    """Train the seeds of ``block`` and write their records.

    Whatever is raised is recorded in failed-{block}.json and raised again.
    """
    with attempt(store, arm_id, block):
        if block in store.present([arm_id])[arm_id]:
            print(f"{arm_id}: seeds {block} are there by now; nothing to train", flush=True)
            return
        gpus = read_recipe(store.recipe(arm_id)).gpus
        print(devices.given(), flush=True)
        with devices.leased(f"training of {arm_id}", gpus) as device:
            spread(gpus, device, train_seeds, store, arm_id, block)


def train_seeds(shard: Shard, device: torch.device, store: Store, arm_id: str, block: Block) -> None:
    """One worker's part of ``train_block``; the first writes."""
    started_at = now()
    checkpoints = Checkpoints(store.arm(arm_id) / f"checkpoint-{block}", shard=shard)
    with checkpoints.listening():
        arm = read_recipe(store.recipe(arm_id))
        tuned = settled(arm, store)
        dataset = data.load(store.dataset(arm.dataset_id), device)
        if shard.rank == 0:
            workers = f"{shard.world} workers on " * (shard.world > 1)
            print(f"{arm_id}: {len(block.seeds)} seeds, {workers}{devices.describe(device)}", flush=True)
        if tuned is None:
            records = [Record.without_training(seed, NOTHING_CHOSEN) for seed in block.seeds]
        else:
            records = train([Run(tuned, seed) for seed in block.seeds], dataset, device, shard, checkpoints)
    if shard.rank > 0:
        return
    about = provenance(device) | {
        "pack": f"{arm_id}/{block}" if arm.stack else "alone",
        "started_at": started_at,
        "settings": used(arm, tuned),
        **{f"{name}_rows": getattr(dataset, name).rows for name in data.SPLITS},
    }
    record.write(records, arm_id, about, store.runs(arm_id, block), store.curves(arm_id, block))
    checkpoints.remove()
    diverged = sum(not r.finished for r in records)
    print(f"{arm_id}: {len(records) - diverged} finished, {diverged} diverged", flush=True)
