"""What a run leaves of every test row, against plain modules, and against the means that its record has."""

import math

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from study.engine import row_results
from study.engine.networks.network import build
from study.engine.pack import Run, train
from study.store.equality import Run as Recorded
from study.store.equality import difference
from study.store.files import write_parquet
from study.store.layout import Block
from study.store.schemas import ARM_RUNS, RUNS
from study.store.seal import read_parquet
from tests.run.conftest import train_block

BLOCK = Block(0, 2)


def bits(row):
    return np.unpackbits(np.frombuffer(row["test_right"], "uint8"))[: len(row["test_losses"])]


@pytest.mark.parametrize("stack", [True, False])
def test_rows_against_a_plain_module(stack, recipe, data):
    """A rate so small that nothing moves: the final parameters are the initial ones."""
    chosen = recipe(optimizer={"name": "sgd", "lr": 1e-30}, activation="tanh", stack=stack)
    test = data(chosen).test
    for record in train([Run(chosen, seed) for seed in (0, 1)], data(chosen)):
        with torch.no_grad():
            outputs = build(chosen, record.seed, data(chosen))(test.x)
        row = record.row()
        assert bits(row).tolist() == (outputs.argmax(1) == test.y).int().tolist()
        expected = torch.nn.functional.cross_entropy(outputs, test.y, reduction="none")
        assert row["test_losses"].tolist() == pytest.approx(expected.tolist(), rel=1e-5)
        assert len(row["test_right"]) == math.ceil(test.rows / 8)


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}, {"dataset": {"name": "wine", "split": "by_seed"}}], ids=str)
def test_their_means_are_those_of_the_record(changes, recipe, data):
    chosen = recipe(**changes)
    for record in train([Run(chosen, seed) for seed in range(3)], data(chosen)):
        row = record.row()
        assert bits(row).mean() == pytest.approx(row["test_accuracy"], abs=1e-12)
        assert np.mean(row["test_losses"]) == pytest.approx(row["test_loss"], rel=1e-6)


def test_of_a_regression_there_are_losses_only(recipe, data):
    chosen = recipe(dataset="diabetes", batch_size=32)
    row = train([Run(chosen, 0)], data(chosen))[0].row()
    assert row["test_right"] is None
    assert np.mean(row["test_losses"]) == pytest.approx(row["test_loss"], rel=1e-6)


def test_of_many_rows_no_losses_are_kept(recipe, data, monkeypatch):
    monkeypatch.setattr(row_results, "MOST_LOSSES", 35)
    row = train([Run(recipe(), 0)], data(recipe()))[0].row()
    assert data(recipe()).test.rows == 36
    assert row["test_losses"] is None
    right = np.unpackbits(np.frombuffer(row["test_right"], "uint8"))[:36]
    assert right.sum() == round(36 * row["test_accuracy"])


def test_they_are_those_of_the_evaluation_that_is_reported(recipe, data):
    axes = {"optimizer": {"name": "adam", "lr": 0.1}, "batch_size": 25}
    stopped = recipe(**axes, epochs=12, early_stopping={"name": "patience", "patience": 3})
    runs = train([Run(stopped, seed) for seed in range(3)], data(recipe()))
    assert any(0 < run.best < len(run.curve) - 1 for run in runs)
    for run in runs:
        [short] = train([Run(recipe(**axes, epochs=max(run.best, 1)), run.seed)], data(recipe()))
        if run.best:
            assert run.by_row == short.by_row


def test_a_run_that_diverged_has_none(recipe, data):
    wild = recipe(optimizer={"name": "sgd", "lr": 1e30}, activation="relu")
    first, diverged = train([Run(recipe(), 0), Run(wild, 0)], data(wild))
    assert first.row()["test_right"]
    assert [diverged.row()[name] for name in ("test_right", "test_losses")] == [None, None]


@pytest.mark.parametrize("gpus", [1, 2])
def test_they_are_in_the_file_of_the_arm(gpus, ready):
    store, arm = ready(gpus=gpus)
    train_block(store, arm, BLOCK)
    runs = pd.read_parquet(store.runs(arm.id, BLOCK))
    for _, row in runs.iterrows():
        assert bits(row).sum() == round(row["test_rows"] * row["test_accuracy"])
        assert np.mean(row["test_losses"]) == pytest.approx(row["test_loss"], rel=1e-5)


def test_older_files_have_none_and_are_read(store, arm):
    train_block(store, arm, BLOCK)
    path = store.runs(arm.id, BLOCK)
    now = pq.read_table(path)
    write_parquet(now.select(RUNS.names), path)
    assert store.blocks(arm.id) == [BLOCK]
    before = read_parquet(path, ARM_RUNS)
    assert before["test_right"].null_count == 3
    for old, new in zip(before.to_pylist(), now.to_pylist(), strict=True):
        assert difference(Recorded(old, []), Recorded(new, [])) is None


def test_the_first_row_that_differs_is_said():
    one = Recorded({"test_right": b"\x80\x01", "test_losses": [1.0, 2.0]}, [])
    other = Recorded({"test_right": b"\x80\x03", "test_losses": [1.0, 2.0]}, [])
    assert str(difference(one, other)) == "at the end, test_right of row 14: False and True"
    lost = Recorded({**one.row, "test_losses": [1.0, 2.5]}, [])
    assert str(difference(one, lost)) == "at the end, test_losses of row 1: 2.0 and 2.5"
    assert difference(one, other, rounding=True) is None
