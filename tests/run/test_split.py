"""``split: by_seed``: each run is trained, validated and tested on the rows that its own seed drew."""

import signal

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from study.axes.dataset import Wine
from study.engine.checkpoint import Checkpoints
from study.engine.inputs.data import SPLITS, load
from study.engine.inputs.prepare import prepare
from study.engine.pack import Run, train
from study.engine.shard import ALONE
from study.engine.signals import Interrupted
from study.run.timing import Stopwatch
from study.store.layout import Block
from tests.run.conftest import train_block
from tests.run.splits import by_hand


def own(name):
    return {"name": name, "split": "by_seed"}


def rows_of(split, run, runs):
    """All rows of one run: features and target."""
    x, y = split.take(torch.arange(split.rows).expand(runs, -1))
    return table(x[run], y.view(runs, -1)[run])


def table(x, y):
    return np.column_stack([x.flatten(1).numpy(), y.numpy()])


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes", "digits"])
def test_the_rows_of_each_run_are_those_that_scikit_learn_draws_for_its_seed(name, recipe, data):
    seeds = [1, 1_000_002, 0, 1]
    drawn = data(recipe(dataset=own(name))).of(seeds)
    for split in SPLITS:
        each = [rows_of(getattr(drawn, split), run, len(seeds)) for run in range(len(seeds))]
        for found, seed in zip(each, seeds, strict=True):
            np.testing.assert_allclose(found, table(*getattr(by_hand(name, seed), split)[:2]), atol=1e-5)
        assert not np.array_equal(each[0], each[2])


def test_runs_of_one_seed_share_a_copy(recipe, data):
    assert len(data(recipe(dataset=own("wine"))).of([3, 4, 3, 3]).train.x) == 2 * 106


def test_the_split_seed_draws_other_splits_for_the_same_seeds(tmp_path):
    prepare(Wine(split="by_seed", split_seed=7), tmp_path / "wine.npz")
    drawn = load(tmp_path / "wine.npz").of([2])
    np.testing.assert_allclose(rows_of(drawn.test, 0, 1), table(*by_hand("wine", 2, split_seed=7).test[:2]), atol=1e-5)


def test_what_is_recorded_of_a_seed_is_what_scikit_learn_finds_on_its_split(ready):
    """A linear network trained until it stands still is the one logistic regression there is."""
    strength, block = 0.05, Block(3, 6)
    store, arm = ready(
        dataset=own("wine"), network="linear", batch_size=106, epochs=400, optimizer={"name": "momentum", "lr": 0.1},
        regularizer={"name": "l2", "strength": strength},
    )  # fmt: skip
    train_block(store, arm, block)
    runs = pd.read_parquet(store.runs(arm.id, block)).set_index("seed")
    assert runs["test_rows"].tolist() == [36] * 4
    for seed in block.seeds:
        drawn = by_hand("wine", seed)
        model = LogisticRegression(C=1 / (strength * 106), tol=1e-8, max_iter=1000).fit(
            *map(np.asarray, drawn.train[:2])
        )
        for name in SPLITS:
            x, y = map(np.asarray, getattr(drawn, name)[:2])
            assert runs.loc[seed, f"{name}_accuracy"] == pytest.approx(accuracy_score(y, model.predict(x)))
            assert runs.loc[seed, f"{name}_loss"] == pytest.approx(log_loss(y, model.predict_proba(x)), rel=1e-3)
    assert runs["test_accuracy"].nunique() > 1  # else a seed's could be another's
    assert runs["test_loss"].nunique() == 4


def test_a_run_that_was_stopped_goes_on_with_its_split(recipe, data, tmp_path):
    chosen = recipe(dataset=own("wine"), dropout=0.3)
    runs = [Run(chosen, 3), Run(chosen, 1)]
    checkpoints = Checkpoints(tmp_path)
    checkpoints.signals.append(signal.SIGUSR1)
    with pytest.raises(Interrupted):
        train(runs, data(chosen), checkpoints=checkpoints)
    assert train(runs, data(chosen), checkpoints=Checkpoints(tmp_path)) == train(runs, data(chosen))


def test_the_split_of_seed_0_is_timed_and_is_no_memory_of_training(ready, recipe):
    store, arm = ready(dataset=own("wine"))
    chosen = arm.recipe
    prepare(recipe().dataset, store.dataset(recipe().dataset_id))
    watch = Stopwatch(ALONE, torch.device("cpu"))
    (seconds, memory), (_, other) = (watch.read(a, store.dataset(a.dataset_id)) for a in (chosen, recipe()))
    assert memory == other
    np.testing.assert_allclose(
        rows_of(watch.packs[chosen.id][0].data.train, 0, 1), table(*by_hand("wine", 0).train[:2]), atol=1e-5
    )
    assert seconds > 0
