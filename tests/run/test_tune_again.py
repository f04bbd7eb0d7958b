"""The tuning job: what it does not do twice."""

import itertools
import signal

import pandas as pd
import pytest

from study.__main__ import main
from study.engine.checkpoint import Checkpoint
from study.engine.pack import train
from study.run import search as job
from study.run.search import tune_arm


def rows(store, arm):
    return pd.read_parquet(store.tuning(arm.id))


def test_a_job_that_was_ended_goes_on_and_leaves_the_same_bytes(tuned, monkeypatch, capsys):
    store, arm = tuned()
    tune_arm(store, arm.id)
    whole = store.tuning(arm.id).read_bytes()
    store.tuning(arm.id).unlink()
    tick, ticks = Checkpoint.tick, itertools.count()

    def ended(self, pack):
        if next(ticks) == 30:
            self.job.stopping = signal.SIGTERM
        tick(self, pack)

    monkeypatch.setattr(Checkpoint, "tick", ended)
    with pytest.raises(SystemExit):
        tune_arm(store, arm.id)
    assert not store.tuning(arm.id).exists()
    capsys.readouterr()
    tune_arm(store, arm.id)
    assert "going on after step 31" in capsys.readouterr().out
    assert store.tuning(arm.id).read_bytes() == whole
    assert sorted(path.name for path in store.arm(arm.id).iterdir()) == ["recipe.json", "tuning.parquet"]


def test_trials_of_the_same_search_by_another_metric_are_taken_over(tuned, monkeypatch):
    """They leave the very bytes of a search that made them itself, further trials included."""
    trained = []

    def noted(runs, *arguments, **keywords):
        trained.extend((run.arm.optimizer.lr, run.seed) for run in runs)
        return train(runs, *arguments, **keywords)

    store, first = tuned(select="steps_to_target", target={"metric": "val_loss", "value": 0.8})
    store, second = tuned(select="val_loss")
    assert first.trials == second.trials
    assert first.id != second.id
    tune_arm(store, second.id)
    alone = store.tuning(second.id).read_bytes()
    tune_arm(store, first.id)
    there = set(rows(store, first)["optimizer.lr"])
    monkeypatch.setattr(job, "train", noted)
    tune_arm(store, second.id, store.tuning(first.id))
    assert store.tuning(second.id).read_bytes() == alone
    assert {0.01, 0.1, 1.0} <= there
    assert sorted(trained) == [
        (lr, 1_000_000 + k) for lr in sorted({*rows(store, second)["optimizer.lr"]} - there) for k in (0, 1)
    ]


@pytest.mark.parametrize("column", ["device", "torch_version", "recipe_version"])
def test_trials_made_elsewhere_are_not_taken_over(tuned, column):
    store, first = tuned()
    store, second = tuned(select="val_loss")
    tune_arm(store, second.id)
    alone = store.tuning(second.id).read_bytes()
    tune_arm(store, first.id)
    elsewhere = rows(store, first).assign(val_loss=0.0)
    elsewhere[column] = 0 if column == "recipe_version" else "other"
    elsewhere.to_parquet(store.tuning(first.id))
    tune_arm(store, second.id, store.tuning(first.id))
    assert store.tuning(second.id).read_bytes() == alone


@pytest.mark.parametrize("gone", ["tuning.parquet", "recipe.json"])
def test_trials_that_are_not_there_are_refused(tuned, capsys, gone):
    store, first = tuned()
    store, second = tuned(select="val_loss")
    tune_arm(store, first.id)
    (store.arm(first.id) / gone).unlink()
    assert main(["tune", str(store.root), second.id, str(store.tuning(first.id))]) == 2
    assert f"{gone}: there is no such file" in capsys.readouterr().err


def test_a_search_of_something_else_is_refused(tuned, capsys):
    store, first = tuned()
    store, second = tuned(seeds=3)
    tune_arm(store, first.id)
    before = sorted(store.root.rglob("*"))
    assert main(["tune", str(store.root), second.id, str(store.tuning(first.id))]) == 2
    assert "its trials are others than those" in capsys.readouterr().err
    assert sorted(store.root.rglob("*")) == before
