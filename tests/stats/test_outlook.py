"""How many seeds are said to decide a claim, against simulated ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from study.stats.exact import fewest_seeds
from study.stats.outlook import PRIOR, Outlook, chances, outlook
from study.stats.paired import Evidence

METRIC = "generalization_gap"  # compared by a difference, without a margin of its own


def evidence(mean: float, sd: float, pairs: int, **more: Any) -> Evidence:
    return Evidence(more.pop("margin", 0.0), "sign-flip", 0.1, mean > 0, mean=mean, sd=sd, pairs=pairs, **more)


@pytest.mark.parametrize("claims", [1, 28])
def test_as_many_studies_are_decided_as_is_said(claims: int) -> None:
    """Differences drawn from the prior; of 16 seeds those are kept that leave the claim open."""
    rng, level, decided = np.random.default_rng(claims), 0.05 / claims, {0.5: [], 0.8: []}
    for _ in range(900):
        true = rng.normal(0, PRIOR)
        x = rng.normal(true, 1, 16)
        if stats.ttest_1samp(x, 0).pvalue <= level:
            continue
        found = outlook(METRIC, "better", evidence(x.mean(), x.std(ddof=1), 16), level)
        for share, n in zip(decided, found, strict=False):
            if n:
                all_of_them = np.concatenate([x, rng.normal(true, 1, n - 16)])
                decided[share].append(stats.ttest_1samp(all_of_them, 0).pvalue <= level)
    for share, those in decided.items():
        assert np.mean(those) == pytest.approx(share, abs=0.1)


def test_the_chance_is_that_of_the_predictive_distribution() -> None:
    """Of differences between two bounds, drawn: from the posterior, then seeds of that difference."""
    found, level, n = evidence(0.1, 1.0, 16, margin=0.6), 0.05 / 3, 60
    rng, weight = np.random.default_rng(0), PRIOR**2 / (PRIOR**2 + 1 / 16)
    distance = 0.1 - 0.6
    true = rng.normal(weight * distance, np.sqrt(weight / 16), 40_000)
    mean = (16 * distance + (n - 16) * rng.normal(true, 1 / np.sqrt(n - 16))) / n + 0.6
    two, one = (stats.t.isf(part, n - 1) / np.sqrt(n) for part in (level / 2, level))
    wanted = np.mean((mean > 0.6 + two) | ((mean < 0.6 - one) & (mean > one - 0.6)))
    assert chances(METRIC, "equal", found, distance, level, paired=True)[n - 17] == pytest.approx(wanted, abs=0.01)


def test_nothing_is_said_where_arms_look_equal() -> None:
    assert outlook(METRIC, "better", evidence(0.24, 1.0, 16), 0.05) == Outlook(equal=True)
    assert outlook(METRIC, "better", evidence(0.24, 1.0, 16, margin=0.25), 0.05) == Outlook(equal=True)
    assert outlook(METRIC, "better", evidence(0.26, 1.0, 16), 0.05).even is not None
    assert outlook(METRIC, "better", evidence(0.1, 0.0, 1), 0.05) == Outlook()


def test_a_large_difference_still_needs_the_seeds_that_the_floor_needs() -> None:
    found = outlook(METRIC, "better", evidence(1.0, 0.0, 8), 0.05 / 31)
    assert found.even == found.likely == fewest_seeds(31) == 11
    tied = outlook(METRIC, "better", evidence(0.5, 0.5, 16, ties=9), 0.05 / 31)
    n = np.arange(17, 60)
    enough = stats.binom.sf(10 - 7, n - 16, 7 / 16)  # of those to come, so that eleven differ
    assert tied.likely is not None
    assert tied.likely >= n[np.argmax(enough >= 0.8)]


def test_wins_are_as_far_from_a_half_as_their_p_says() -> None:
    ranks = Evidence(0.0, "signed-rank", 0.1, True, pairs=12, wins=9, losses=3)
    z = stats.norm.isf(0.05)
    same = outlook(METRIC, "better", evidence(z / np.sqrt(12), 1.0, 12), 0.05)
    assert outlook(METRIC, "better", ranks, 0.05) == same
    assert outlook(METRIC, "better", Evidence(0.0, "signed-rank", 1.0, None, pairs=9, ties=9), 0.05).equal
