"""k-fold: every row is tested once, classes are alike in all parts, and sizes are known before the data are read."""

import numpy as np
import pytest
import torch

from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare
from study.engine.pack import Run, train


@pytest.fixture
def folds(recipe, tmp_path):
    """The data of every fold."""

    def of(name, count, **changes):
        found = []
        for fold in range(count):
            chosen = recipe(dataset={"name": name, "folds": count, "fold": fold, **changes})
            prepare(chosen.dataset, tmp_path / f"{fold}.npz")
            data = load(tmp_path / f"{fold}.npz")
            assert chosen.dataset.sizes == tuple(part.rows for part in data[3:6])
            found.append(data)
        return found

    return of


@pytest.mark.parametrize("count", [2, 3, 5, 7])
@pytest.mark.parametrize("name", ["wine", "digits", "diabetes"])
def test_every_row_is_tested_once(name, count, folds):
    found = folds(name, count)
    rows = sum(part.rows for part in found[0][3:6])
    sizes = [data.test.rows for data in found]
    assert sum(sizes) == rows
    assert max(sizes) - min(sizes) <= 1
    assert all(data.train.rows + data.val.rows + data.test.rows == rows for data in found)
    assert all(data.val.rows == -(-(rows - data.test.rows) // 5) for data in found)
    if name == "digits":  # scaled alike in every fold, so that a row can be known again
        seen = np.concatenate([data.test.x.flatten(1).numpy() for data in found])
        assert len(np.unique(seen, axis=0)) == rows


def test_classes_are_alike_in_all_parts(folds):
    counts = np.array([np.bincount(data.test.y) for data in folds("digits", 5)])
    assert (counts.max(0) - counts.min(0)).max() <= 1


def test_a_seed_of_the_split_draws_other_folds(folds):
    first, again, other = (folds("wine", 3, **more)[0].test.x for more in ({}, {}, {"split_seed": 1}))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_seeds_may_draw_their_folds(folds, recipe):
    data = folds("wine", 3, split="by_seed")[1]
    of_seeds = data.of([0, 1])
    parts = [of_seeds.test.part(0, of_seeds.test.rows, 2)[0][i] for i in range(2)]
    assert not torch.equal(*parts)
    chosen = recipe(dataset={"name": "wine", "folds": 3, "fold": 1, "split": "by_seed"})
    pair = train([Run(chosen, 0), Run(chosen, 1)], data)
    assert train([Run(chosen, 1)], data)[0] == pair[1]
