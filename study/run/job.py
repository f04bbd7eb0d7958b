"""The training job of one block of seeds: a start mark, the records, or the reason why there are none."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import socket
import subprocess
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import torch

from study.engine import data, record
from study.engine.checkpoint import Checkpoints, Interrupted
from study.engine.pack import Run, train
from study.engine.record import Record
from study.engine.shard import Shard
from study.plan.arm import RECIPE
from study.plan.plan import read_recipe
from study.plan.searches.chosen import NOTHING_CHOSEN, settled, used
from study.run import devices
from study.run.distributed import spread
from study.store.files import write_if_changed
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


class Busy(SystemExit):
    """Another process trains this block: one line, no traceback, and no failure of the block."""

    def __init__(self, mark: Path) -> None:
        try:
            about = json.loads(mark.read_text(encoding="utf-8"))
            who = f"process {about['pid']} on {about['host']}"
        except (OSError, ValueError):
            who = "another process"
        super().__init__(f"{mark.parent}: {who} is still training these seeds; wait for it, or end it, and run again")


@contextmanager
def attempt(store: Store, arm_id: str, block: Block | str) -> Iterator[None]:
    """Hold a locked start mark while the block is trained (or "tuning" done); without its lock it is a killed job's."""
    mark, failed = store.started(arm_id, block), store.failed(arm_id, block)
    log = store.log("train", f"{arm_id}-{block}") if isinstance(block, Block) else store.log("tune", arm_id)
    mark.parent.mkdir(parents=True, exist_ok=True)
    with _claimed(mark) as file:
        file.truncate(0)
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "log": str(log), "time": now()}, file)
        file.flush()
        try:
            yield
        except KeyboardInterrupt:
            raise  # somebody's wish, no failure: these runs are missing
        except BaseException as error:
            if not isinstance(error, Interrupted):  # it says all in its one line
                traceback.print_exc()
            note_failure(failed, error, log)
            raise
        else:
            failed.unlink(missing_ok=True)
        finally:
            mark.unlink(missing_ok=True)


def _claimed(mark: Path) -> IO[str]:
    """``mark``, open and locked. Raises Busy where another process trains this block."""
    for _ in range(20):  # `collect` holds a mark for an instant when it looks whether its process lives
        file = mark.open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if mark.exists() and os.path.samestat(os.fstat(file.fileno()), mark.stat()):
                return file
        except BlockingIOError:
            time.sleep(0.05)
        file.close()
    raise Busy(mark)


def note_failure(path: Path, error: BaseException, log: Path) -> None:
    """Write what was raised, where its log is, and when."""
    content = {"reason": said(error), "log": str(log), "time": now()}
    write_if_changed(path, json.dumps(content, indent=1) + "\n")


def said(error: BaseException) -> str:
    """An exception in one line."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


def provenance(device: torch.device) -> dict[str, Any]:
    """The columns that say where and with what a record was made."""
    return {
        "device": devices.describe(device),
        "torch_version": str(torch.__version__),
        "python_version": platform.python_version(),
        "host": socket.gethostname(),
        "commit": commit(),
        "recipe_version": RECIPE,
    }


def commit() -> str | None:
    """The commit of this code, with ``+`` where files differ from it; None outside a checkout of it."""
    package = Path(__file__).parents[1]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(package), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != package.resolve().parent:
            return None  # installed inside another repository
        return git("rev-parse", "HEAD") + "+" * bool(git("status", "--porcelain", "--", str(package)))
    except (OSError, subprocess.CalledProcessError):
        return None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
