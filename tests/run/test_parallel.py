"""Several workers give the numbers of one device, up to rounding; whatever happens to one ends the job at once."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from study.axes.recipe import Recipe
from study.engine.inputs import data as datasets
from study.engine.pack import Run, train
from study.engine.signals import Interrupted
from study.run import forks
from study.run.distributed import WorkerFailed, spread
from study.store.layout import Block
from tests.run.conftest import block_job, train_block

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
BLOCK = Block(0, 1)
# 106 training rows: batches of 15 divide neither by 2 nor by 4, and the last one has a single row.
UNEVEN = {"batch_size": 15, "activation": "tanh"}
CHANGES = [
    {"dropout": 0.3},
    {"optimizer": {"name": "momentum", "lr": 0.05}, "regularizer": {"name": "l2", "strength": 0.01}, "dropout": 0.1},
    {"optimizer": {"name": "adam", "lr": 0.01}, "schedule": "plateau", "dropout": 0.2},
    {"grad_clip": 0.3, "label_smoothing": 0.1, "label_noise": 0.2, "ema": 0.8, "early_stopping": "patience"},
]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Workers import the functions of this file by name."""
    monkeypatch.syspath_prepend(ROOT)


@pytest.fixture(autouse=True)
def no_hang():
    """A job that hangs fails its test."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("hangs"))
    signal.alarm(120)
    yield
    signal.alarm(0)


def table(records):
    """Curves of records as one frame."""
    rows = [{"run": i} | row for i, record in enumerate(records) for row in record.curve]
    return pd.DataFrame(rows)


def close(found, expected):
    pd.testing.assert_frame_equal(found[expected.columns], expected, rtol=1e-4, atol=1e-6, check_dtype=False)


def train_and_note(shard, device, recipes, dataset, folder):
    runs = [Run(Recipe.model_validate_json(recipe), seed) for recipe in recipes for seed in range(2)]
    table(train(runs, datasets.load(dataset, device), device, shard)).to_pickle(folder / f"{shard.rank}.pickle")


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_agree_with_one_device(ready, recipe, tmp_path, workers):
    store, arm = ready()
    recipes = [recipe(**UNEVEN | changes) for changes in CHANGES]
    dataset = store.dataset(arm.dataset_id)
    spread(workers, CPU, train_and_note, [each.model_dump_json() for each in recipes], dataset, tmp_path)
    first, *others = [pd.read_pickle(tmp_path / f"{rank}.pickle") for rank in range(workers)]
    assert len(others) == workers - 1
    for other in others:
        pd.testing.assert_frame_equal(first, other)  # all workers hold the same parameters, to the bit
    close(first, table(train([Run(each, seed) for each in recipes for seed in range(2)], datasets.load(dataset))))


@pytest.mark.parametrize(("stack", "split"), [(True, "fixed"), (False, "fixed"), (True, "by_seed")])
def test_the_records_of_an_arm_of_two_devices(ready, recipe, stack, split):
    changes = UNEVEN | CHANGES[2] | {"dataset": {"name": "wine", "split": split}}
    store, two = ready(**changes, gpus=2, stack=stack)
    train_block(store, two, BLOCK)
    one = recipe(**changes)
    alone = train([Run(one, seed) for seed in BLOCK.seeds], datasets.load(store.dataset(one.dataset_id)))
    found = pd.read_parquet(store.curves(two.id, BLOCK)).rename(columns={"seed": "run"})
    close(found, table(alone).filter(found.columns))
    assert pd.read_parquet(store.runs(two.id, BLOCK))["status"].tolist() == ["finished", "finished"]


def die(shard, device):
    if shard.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    torch.distributed.all_reduce(torch.ones(1))


def trip(shard, device):
    if shard.rank == 0:
        raise ValueError("no such row")
    torch.distributed.barrier()


def stop(shard, device, error):
    if shard.rank == 0:
        raise error
    time.sleep(1000)  # as one that waits for the others on a GPU


def end_parent(shard, device, path):
    (path / str(shard.rank)).write_text(str(os.getpid()), encoding="utf-8")
    torch.distributed.barrier()
    if shard.rank == 0:
        os.kill(multiprocessing.parent_process().pid, signal.SIGKILL)
    time.sleep(1000)


def spread_there(path):
    spread(2, CPU, end_parent, path)


@pytest.mark.parametrize("error", [ValueError("no such row"), Interrupted("SIGUSR1 after step 3 of 9")], ids=repr)
def test_what_happened_first_is_told_though_another_worker_never_notices(error):
    kind = Interrupted if isinstance(error, Interrupted) else WorkerFailed
    with pytest.raises(kind, match=str(error)):
        spread(2, CPU, stop, error)
    assert not multiprocessing.active_children()


def test_workers_end_with_the_process_that_leased_their_devices(tmp_path):
    parent = multiprocessing.get_context("spawn").Process(target=spread_there, args=(tmp_path,))
    parent.start()
    parent.join()
    assert parent.exitcode == -signal.SIGKILL
    pids = [int(path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    while any(Path(f"/proc/{pid}").exists() and "Z" not in state(pid) for pid in pids):
        time.sleep(0.05)  # the alarm of `no_hang` ends this


def state(pid):
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return "Z"


def test_a_killed_worker_fails_the_job_and_says_so():
    with pytest.raises(WorkerFailed, match="worker 1 was killed by SIGKILL"):
        spread(2, CPU, die)
    assert not multiprocessing.active_children()


def visible(shard, device):
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def test_workers_see_the_lease_though_what_they_are_forked_from_is_older(monkeypatch):
    forks.ensure_running()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7")
    assert spread(2, CPU, visible) == "GPU-7"


def test_the_first_error_in_a_worker_is_told():
    with pytest.raises(WorkerFailed, match=r"^worker 0: ValueError: no such row$"):
        spread(2, CPU, trip)
    assert not multiprocessing.active_children()


def test_two_jobs_share_a_host_and_a_signal_to_one_leaves_a_checkpoint(ready):
    (store, slow), (_, other) = ready(**UNEVEN, gpus=2, epochs=30), ready(**UNEVEN, gpus=2)
    jobs = [block_job(BLOCK, arm) for arm in (slow, other)]
    for each in jobs:
        each.write(store)
    command = [sys.executable, "-m", "study", "job"]
    with (
        subprocess.Popen([*command, str(store.job(jobs[0].id))], stdout=subprocess.PIPE, text=True, cwd=ROOT) as job,
        subprocess.Popen([*command, str(store.job(jobs[1].id))], stdout=subprocess.DEVNULL, cwd=ROOT) as beside,
    ):
        for line in job.stdout:
            if "2 workers on CPU" in line:
                job.send_signal(signal.SIGUSR1)
    assert beside.returncode == 0
    assert job.returncode != 0
    [checkpoint] = store.checkpoints.glob("*.pt")
    reason = json.loads(store.failed(slow.id, BLOCK).read_text(encoding="utf-8"))["reason"]
    assert reason.startswith("Interrupted: SIGUSR1 after step")
    train_block(store, slow, BLOCK)
    assert not checkpoint.exists()
    resumed = pd.read_parquet(store.curves(slow.id, BLOCK))
    store.curves(slow.id, BLOCK).unlink()
    train_block(store, slow, BLOCK)
    pd.testing.assert_frame_equal(resumed, pd.read_parquet(store.curves(slow.id, BLOCK)))
