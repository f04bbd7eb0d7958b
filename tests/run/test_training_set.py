"""A share of the training rows, and wrong labels: how many, of which classes, and what stays as it was."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare
from study.engine.inputs.training_set import stratified, training_set
from study.engine.pack import Run, train
from study.run.job import run
from study.store.layout import Block
from tests.run.conftest import block_job


@pytest.fixture
def whole(recipe, tmp_path):
    """Data with all their training rows."""

    def of(name, **changes):
        chosen = recipe(dataset={"name": name, **changes})
        prepare(chosen.dataset, tmp_path / "data.npz")
        return load(tmp_path / "data.npz")

    return of


def rows_of(data, recipe, seed):
    """The rows that a run is trained on, as tuples of their features."""
    train = training_set(data.of([seed]), [Run(recipe, seed)]).train
    return {tuple(row.flatten().tolist()) for row in train.take(torch.arange(train.rows).unsqueeze(0))[0][0]}


@pytest.mark.parametrize("split", ["fixed", "by_seed"])
@pytest.mark.parametrize("name", ["wine", "digits", "diabetes"])
def test_smaller_shares_are_part_of_larger_ones(name, split, whole, recipe):
    changes = {"name": name, "split": split}
    data, sizes = whole(**changes), []
    for seed in (0, 3):
        parts = [rows_of(data, recipe(dataset=changes, train_share=share), seed) for share in (0.1, 0.2, 0.7, 1.0)]
        assert all(small < large for small, large in pairwise(parts))
        sizes.append([len(part) for part in parts])
    assert sizes[0] == sizes[1] == [round(share * data.train.rows) for share in (0.1, 0.2, 0.7, 1.0)]


def test_every_class_has_its_share(whole, recipe):
    data = whole("digits")
    train = training_set(data, [Run(recipe(dataset="digits", train_share=0.1), 0)]).train
    expected = np.bincount(data.train.y) / 10
    assert np.abs(np.bincount(train.y) - expected).max() < 1


def test_an_order_is_stratified_at_every_beginning():
    strata = np.repeat([0, 1, 2], [60, 30, 10])
    order = stratified(np.random.default_rng(0).permutation(100), strata)
    assert sorted(order) == list(range(100))
    for size in range(1, 101):
        counts = np.bincount(strata[order[:size]], minlength=3)
        assert np.abs(counts - size * np.array([0.6, 0.3, 0.1])).max() <= 1


@pytest.mark.parametrize(("split", "same"), [("fixed", True), ("by_seed", False)])
def test_a_share_is_drawn_as_the_split_is(split, same, whole, recipe):
    changes = {"name": "wine", "split": split}
    data, chosen = whole(**changes), recipe(dataset=changes, train_share=0.3)
    assert (rows_of(data, chosen, 0) == rows_of(data, chosen, 1)) is same
    other = recipe(dataset=changes | {"split_seed": 1}, train_share=0.3)
    assert rows_of(data, chosen, 0) != rows_of(data, other, 0)


def test_wrong_labels_are_so_many_and_stay_wrong_at_larger_shares(whole, recipe):
    data, found = whole("digits"), {}
    for share in (0.1, 0.3):
        runs = [Run(recipe(dataset="digits", label_noise=share), seed) for seed in (0, 1)] + [Run(recipe(), 0)]
        noisy = training_set(data, runs)
        assert noisy.val is data.val
        labels = found[share] = noisy.train.labels
        wrong = labels != data.train.y
        assert wrong.sum(1).tolist() == [round(share * data.train.rows)] * 2 + [0]
        assert set(labels[0][wrong[0]].tolist()) == set(range(10))
        assert not torch.equal(labels[0], labels[1])
    wrong = found[0.1] != data.train.y
    assert torch.equal(found[0.1][wrong], found[0.3][wrong])
    assert training_set(data, [Run(recipe(), 0)]) is data


def test_training_losses_are_of_the_labels_that_were_trained_on(whole, recipe):
    """A network that has learned by heart is right of its training labels, and wrong of so many others."""
    chosen = recipe(
        dataset="wine", label_noise=0.3, epochs=200, optimizer="adam", network={"name": "mlp", "hidden": [64]}
    )
    [record] = train([Run(chosen, 0)], whole("wine"))
    assert record.curve[-1]["train_accuracy"] > 0.95
    assert record.curve[-1]["val_accuracy"] < 0.9


def test_labels_of_a_table_that_turns_out_to_be_a_regression(recipe, data):
    for axis in ("label_noise", "label_smoothing"):
        chosen = recipe(**{axis: 0.1})
        with pytest.raises(ValueError, match=f"a regression has no labels.*; use {axis} 0"):
            train([Run(chosen, 0)], data(recipe(dataset="diabetes")))


def test_records_say_how_many_rows_were_trained_on(ready):
    store, arm = ready(train_share=0.5)
    assert run(block_job(Block(0, 1), arm), store) == []
    [path] = store.arm(arm.id).glob("runs-*.parquet")
    rows = pd.read_parquet(path)
    assert rows["train_rows"].tolist() == [53] * 2
    assert rows["steps"].tolist() == [2 * 11] * 2
