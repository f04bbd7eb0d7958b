"""Exact resume: however often a job dies, what it leaves is bitwise what it would have left."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from study.axes.recipe import Recipe
from study.engine.checkpoint import Checkpoints
from study.engine.inputs.data import Data
from study.engine.inputs.prepare import prepare
from study.engine.pack import Run, Slice, train
from study.engine.signals import Interrupted
from study.plan.file.keys import CHOICES
from study.plan.jobs import Job
from study.plan.workflow.dag import Dag
from study.run import forks, job, packs
from study.store.layout import Store
from tests.run.conftest import make_recipe

CASES = [(axis, name) for axis in ("optimizer", "schedule", "network") for name in CHOICES[axis].choices()]
CASES += [("grad_clip", 0.1), ("label_smoothing", 0.2), ("label_noise", 0.2), ("train_share", 0.7)]
CASES += [("ema", 0.9), ("early_stopping", {"name": "patience", "patience": 1})]
CASES += [("augmentation", "flip_crop"), ("precision", "bfloat16")]
CASES += [("steps", 10), ("evaluate", {"name": "steps", "steps": 3})]


class Killed(Exception):
    """Stands for SIGKILL: whatever was not on the disk is gone."""


def dying(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """From now on the process dies after ``steps`` more steps."""
    left, tick = [steps], Checkpoints.tick

    def counted(self: Checkpoints, *state: Any) -> None:
        tick(self, *state)
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    monkeypatch.setattr(Checkpoints, "tick", counted)


@pytest.mark.parametrize(("axis", "name"), CASES)
def test_five_deaths_change_no_bit(
    axis: str, name: Any, data: Callable[[Recipe], Data], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {axis: name, "batch_size": 16} | (
        {"dataset": "digits"} if name in ("convnet", "resnet", "flip_crop") else {}
    )
    recipe = make_recipe(**changes, **({} if name == "linear" else {"dropout": 0.3}))
    slower = recipe.model_copy(
        update={"optimizer": recipe.optimizer.model_copy(update={"lr": recipe.optimizer.lr / 2})}
    )  # stepped by the same torch optimizer
    runs = [Run(each, seed) for each in (recipe, slower) for seed in range(2)]
    whole = train(runs, data(recipe))
    checkpoints = Checkpoints(tmp_path, every=0.1, seconds=0)
    shuffled = random.Random(str(name))
    for _ in range(5):
        with monkeypatch.context() as patch:
            dying(patch, shuffled.randint(1, 5))
            with suppress(Killed):  # or it gets to the end before its time has come
                train(runs, data(recipe), checkpoints=checkpoints)
    assert train(runs, data(recipe), checkpoints=checkpoints) == whole


def test_runs_that_are_trained_alone_go_on_too(data: Callable[[Recipe], Data], tmp_path: Path) -> None:
    recipe = make_recipe(stack=False, optimizer="adam")
    runs = [Run(recipe, seed) for seed in range(3)]
    checkpoints = Checkpoints(tmp_path, every=0, seconds=0)
    whole = train(runs, data(recipe))
    first = train(runs[:2], data(recipe), checkpoints=checkpoints)
    assert train(runs, data(recipe), checkpoints=checkpoints) == whole
    assert first == whole[:2]
    keys = Slice(recipe, (0, 1, 2)).keys("cpu")
    (tmp_path / f".host.17.{keys[0]}.pt").touch()  # as a kill leaves it
    checkpoints.remove(keys)
    assert not list(tmp_path.iterdir())


def test_arms_that_are_trained_alone_keep_a_checkpoint_each(
    data: Callable[[Recipe], Data], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the candidates of a search with ``stack: false``, which share their seeds."""
    recipes = [make_recipe(stack=False, optimizer={"name": "adam", "lr": lr}) for lr in (0.01, 0.02, 0.03)]
    runs = [Run(recipe, seed) for recipe in recipes for seed in range(2)]
    whole, checkpoints = train(runs, data(recipes[0])), Checkpoints(tmp_path, every=0, seconds=0)
    with monkeypatch.context() as patch:
        dying(patch, steps=44 * 5 + 7)
        with pytest.raises(Killed):
            train(runs, data(recipes[0]), checkpoints=checkpoints)
    assert train(runs, data(recipes[0]), checkpoints=checkpoints) == whole
    steps = [int(step) for step in re.findall(r"going on after step (\d+)", capsys.readouterr().out)]
    assert steps == [44] * 5 + [8]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_ends_training_with_a_checkpoint(
    number: signal.Signals, data: Callable[[Recipe], Data], tmp_path: Path
) -> None:
    recipe = make_recipe()
    runs = [Run(recipe, seed) for seed in range(2)]
    checkpoints = Checkpoints(tmp_path)
    before = signal.getsignal(number)
    with checkpoints.listening():
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted, match=f"{number.name} after step 1 of"):
            train(runs, data(recipe), checkpoints=checkpoints)
    assert signal.getsignal(number) == before
    assert train(runs, data(recipe), checkpoints=Checkpoints(tmp_path)) == train(runs, data(recipe))


@pytest.mark.parametrize("spoil", ["torn", "one byte", "another's"])
def test_one_that_is_damaged_is_ignored_with_a_line(
    spoil: str, data: Callable[[Recipe], Data], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = make_recipe()
    runs = [Run(recipe, seed) for seed in range(2)]
    checkpoints = Checkpoints(tmp_path, every=0, seconds=0)
    whole = train(runs, data(recipe), checkpoints=checkpoints)
    [path] = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    if spoil == "another's":
        others = [Run(make_recipe(optimizer="adam"), seed) for seed in range(2)]
        train(others, data(recipe), checkpoints=checkpoints)
        [other] = (each for each in tmp_path.iterdir() if each != path)
        content = bytearray(other.read_bytes())
    content[len(content) // 2] ^= spoil == "one byte"
    path.write_bytes(content[:100] if spoil == "torn" else content)
    assert train(runs, data(recipe), checkpoints=checkpoints) == whole
    assert f"{path}: ignored" in capsys.readouterr().out


@pytest.mark.parametrize("other", ["recipe version", "runs", "recipe"])
def test_one_of_something_else_is_not_gone_on_from(
    other: str, data: Callable[[Recipe], Data], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    recipe = make_recipe()
    runs = [Run(recipe, seed) for seed in range(2)]
    checkpoints = Checkpoints(tmp_path, every=0, seconds=0)
    train(runs, data(recipe), checkpoints=checkpoints)
    if other == "recipe version":
        monkeypatch.setattr("study.engine.slices.RECIPE", -1)
    elif other == "runs":
        runs = [Run(recipe, seed) for seed in (0, 2)]
    else:
        runs = [Run(make_recipe(optimizer={"name": "sgd", "lr": 0.06}), seed) for seed in range(2)]
    assert train(runs, data(recipe), checkpoints=checkpoints) == train(runs, data(recipe))
    assert "going on" not in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 2


STUDY = """
study: long
baseline: {dataset: wine, network: mlp, optimizer: {name: adam, lr: 0.01}, batch_size: 4, epochs: 150}
seeds: 2
comparisons: {one: {vary: {dropout: [0.2]}, metrics: [test_accuracy]}}
"""


def work(path: Path, store: Path) -> None:
    """A process's life: do a job, which writes checkpoints all the time."""
    packs.Checkpoints = partial(Checkpoints, every=0.01, seconds=0)
    assert job.run(Job.load(path), Store(store)) == []


def test_a_job_that_is_really_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "long.yaml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    dag = Dag.build({"study": "long.yaml"})
    [(arm_id, arm)] = dag.plan.arms.items()
    [job_id] = dag.jobs
    prepare(arm.dataset, dag.store.dataset(arm.dataset_id))
    results, delay = tmp_path / "results", random.Random(0)
    folder, checkpoints = results / "arms" / arm_id, results / "checkpoints"

    def started() -> ForkServerProcess:
        """Forked from a process that has loaded torch already."""
        forks.ensure_running()
        process = get_context("forkserver").Process(target=work, args=(dag.store.job(job_id).absolute(), results))
        process.start()
        return process

    def run(deaths: int) -> dict[str, pd.DataFrame]:
        """Kill the job so often, each time a random while after it has written a checkpoint; return its records."""
        for _ in range(deaths):
            marks = {path: path.stat().st_mtime_ns for path in checkpoints.glob("[!.]*.pt")}
            process = started()
            while marks == {p: p.stat().st_mtime_ns for p in checkpoints.glob("[!.]*.pt")}:
                assert process.is_alive()
            time.sleep(delay.uniform(0, 0.1))
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
        last = started()
        last.join()
        assert last.exitcode == 0
        assert not [*checkpoints.iterdir(), *folder.glob("started-*")]
        assert [pack["resumed"] for pack in json.loads(dag.store.receipt(job_id).read_text())["packs"]] == [deaths > 0]
        records = {name: pd.read_parquet(folder / f"{name}-0-1.parquet") for name in ("runs", "curves")}
        for name in records:
            (folder / f"{name}-0-1.parquet").unlink()
        return records

    killed, whole = run(deaths=5), run(deaths=0)
    pd.testing.assert_frame_equal(killed["curves"], whole["curves"], check_exact=True)
    left, right = (records["runs"].drop(columns="started_at") for records in (killed, whole))
    pd.testing.assert_frame_equal(left, right, check_exact=True)
