"""An interval over seeds and rows: by hand, against plain loops, and how often it covers the truth."""

import math

import numpy as np
import pytest
from scipy import stats

from study.stats.crossed import carriers, crossed, row_effects


def test_by_hand():
    """Rows and seeds that add up: what is left of the rows' variance is all there is of it."""
    seeds, rows = np.array([0.0, 2.0, 4.0]), np.array([-1.0, 0.0, 0.0, 1.0])
    found = crossed(10 + seeds[:, None] + rows)
    assert found.mean == 12
    assert found.seeds_error**2 == pytest.approx(4 / 3)
    assert found.rows_error**2 == pytest.approx((2 / 3) / 4)
    assert found.error**2 == pytest.approx(4 / 3 + 1 / 6)
    assert found.freedom == pytest.approx((4 / 3 + 1 / 6) ** 2 / ((4 / 3) ** 2 / 2 + (1 / 6) ** 2 / 3))


def test_the_same_for_all_rows_is_the_interval_over_seeds():
    d = np.array([0.1, 0.3, 0.2, 0.7])
    low, high = crossed(np.repeat(d[:, None], 50, axis=1)).interval(0.9)
    assert (low, high) == pytest.approx(tuple(stats.ttest_1samp(d, 0).confidence_interval(0.9)))


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (4, 5)])
def test_where_nothing_varies_there_is_none(shape):
    assert crossed(np.ones(shape)) is None


def test_effects_have_the_differences_as_means():
    draw = np.random.default_rng(0)
    a, b = draw.exponential(1, (5, 40)), draw.exponential(2, (5, 40))
    assert row_effects("test_loss", a, b).mean(1) == pytest.approx(np.log(b.mean(1) / a.mean(1)))
    assert row_effects("test_accuracy", (a > 1) * 1.0, (b > 1) * 1.0).mean(1) == pytest.approx(
        (a > 1).mean(1) - (b > 1).mean(1)
    )
    assert row_effects("test_loss", a, 0 * b) is None


def test_losses_in_one_ratio_on_every_row_leave_no_doubt_about_rows():
    losses = np.random.default_rng(0).exponential(1, (6, 40)) * np.linspace(1, 2, 6)[:, None]
    assert crossed(row_effects("test_loss", losses, 3 * losses)) is None
    assert carriers("test_loss", losses, 3 * losses) < 20


def test_five_rows_that_carry_a_difference():
    """16 seeds: one arm is right on five of 360 rows that the other gets wrong, all else is alike but for chance."""
    draw = np.random.default_rng(1)
    right = np.broadcast_to(draw.random(360) < 0.95, (16, 360))
    better, than = (right ^ (draw.random((16, 360)) < 0.002) for _ in range(2))
    better[:, :5], than[:, :5] = True, draw.random((16, 5)) < 0.1
    found = crossed(row_effects("test_accuracy", better * 1.0, than * 1.0))
    d = better.mean(1) - than.mean(1)
    assert stats.ttest_1samp(d, 0).confidence_interval(0.99).low > 0
    low, high = found.interval(0.99)
    assert low < 0 < high
    assert carriers("test_accuracy", better * 1.0, than * 1.0) <= 3


def loop(better, than):
    """As ``carriers`` of accuracies, row by row."""
    shares = sorted((sum(better[:, r] - than[:, r]) / len(better) for r in range(better.shape[1])), reverse=True)
    total = sum(shares)
    if total < 0:
        shares, total = [-share for share in reversed(shares)], -total
    summed = 0.0
    for count, share in enumerate(shares, 1):
        summed += share
        if summed >= total / 2 - 1e-12:
            return count
    return None


@pytest.mark.parametrize("seed", range(5))
def test_carriers_against_a_loop(seed):
    draw = np.random.default_rng(seed)
    better, than = (draw.random((4, 30)) < share for share in (0.8, 0.6 + 0.1 * seed))
    assert carriers("test_accuracy", better * 1.0, than * 1.0) == loop(better * 1.0, than * 1.0)
    assert carriers("test_accuracy", better * 1.0, better * 1.0) is None


@pytest.mark.parametrize(("seeds", "rows"), [(6, 40), (16, 100)])
def test_coverage_of_new_rows_and_new_seeds(seeds, rows):
    """Rows differ between the arms, seeds too: the interval over seeds alone covers far less than it says."""
    draw = np.random.default_rng(seeds)
    covered = np.zeros(2)
    studies = 600
    for _ in range(studies):
        latent = 2 + draw.normal(0, 1.2, rows)
        sides = [
            latent + draw.normal(0, 0.6, rows) + draw.normal(0, 0.2, (seeds, 1)) + draw.normal(0, 0.4, (seeds, rows))
            > 0
            for _ in range(2)
        ]
        x = sides[0] * 1.0 - sides[1]
        d = stats.ttest_1samp(x.mean(1), 0).confidence_interval(0.95)
        low, high = crossed(x).interval()
        covered += [low <= 0 <= high, d.low <= 0 <= d.high]
    both, alone = covered / studies
    assert both > 0.95 - 3 * math.sqrt(0.05 * 0.95 / studies)
    assert alone < 0.9
