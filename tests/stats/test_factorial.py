"""Effects of a factorial design against a design by hand and a linear model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from study.stats.factorial import effects

SEEDS = np.arange(8)[:, None, None]


def test_effects_are_those_that_the_design_was_made_with() -> None:
    a, b = np.array([0.0, 0.02, 0.05])[:, None], np.array([0.0, -0.01])[None, :]
    together = np.array([[0, 0], [0, 0.004], [0, 0.008]])
    wobble = np.array([1, -1, 2, -2, 3, -3, 1, -1])[:, None, None] / 1000
    values = 0.8 + 0.01 * SEEDS + a + b + together + wobble * (np.arange(3)[:, None] > 0)
    found = {(effect.factors, effect.levels): effect for effect in effects("test_accuracy", values, ["lr", "batch"])}
    assert len(found) == 2 + 1 + 2
    assert found[("lr",), (1,)].estimate == pytest.approx(0.02 + 0.004 / 2)
    assert found[("lr",), (2,)].estimate == pytest.approx(0.05 + 0.008 / 2)
    assert found[("batch",), (1,)].estimate == pytest.approx(-0.01 + (0.004 + 0.008) / 3)
    assert found[("lr", "batch"), (2, 1)].estimate == pytest.approx(0.008)
    contrast = 0.022 + wobble.ravel()  # the differences between seeds cancel
    interval = stats.ttest_1samp(contrast, 0).confidence_interval()
    assert (found[("lr",), (1,)].low, found[("lr",), (1,)].high) == pytest.approx((interval.low, interval.high))
    assert found[("lr",), (1,)].p == pytest.approx(2 / 2**8)


def test_three_factors_are_averaged_over_the_third() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2, 3, 2))
    found = {(e.factors, e.levels): e.estimate for e in effects("test_accuracy", values, "abc")}
    assert len(found) == (1 + 2 + 1) + (2 + 1 + 2)
    cells = values.mean(axis=0)
    by_hand = (cells[1, 2, :] - cells[0, 2, :] - cells[1, 0, :] + cells[0, 0, :]).mean()
    assert found[("a", "b"), (1, 2)] == pytest.approx(by_hand)
    assert found[("c",), (1,)] == pytest.approx((cells[:, :, 1] - cells[:, :, 0]).mean())


def test_losses_have_factors_and_lower_is_better() -> None:
    values = np.array([[1.0, 0.5], [3.0, 1.5]])
    [found] = effects("test_loss", values, ["dropout"])
    assert found.estimate == pytest.approx(2.0)
    assert found.low is None


def test_a_cell_with_a_diverged_run_makes_its_contrasts_not_estimable() -> None:
    values = np.random.default_rng(1).normal(size=(6, 3, 2))
    values[2, 1, 0] = np.nan
    found = {(e.factors, e.levels): e for e in effects("test_accuracy", values, ["lr", "batch"])}
    estimable = {key for key, effect in found.items() if effect.estimate is not None}
    # Only level 1 of lr is concerned, and everything averaged over it.
    assert estimable == {(("lr",), (2,)), (("lr", "batch"), (2, 1))}
    assert found[("lr",), (1,)].p is None


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="3 dimensions"):
        effects("test_accuracy", np.zeros((4, 2)), ["lr", "batch"])
