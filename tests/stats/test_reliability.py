"""How often one arm beats the other, and whether one fails more often: against hand counts and other libraries."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from study.stats.paired import Side, Statement
from study.stats.reliability import ends, improvement


def claim(one, other, metric="test_accuracy", paired=True, lost=((), ())):
    sides = []
    for label, values, which in (("a", one, lost[0]), ("b", other, lost[1])):
        status = np.array(["diverged" if i in which else "finished" for i in range(len(values))])
        sides.append(Side(label, np.array(values, dtype=float), status))
    return Statement(metric, *sides, paired=paired)


def test_a_share_of_pairs_with_ties_for_half():
    found = improvement(claim([0.9, 0.8, 0.7, 0.6], [0.8, 0.8, 0.8, 0.5]))
    assert found.share == 2.5 / 4
    assert (found.low, found.high) == pytest.approx((stats.beta.ppf(0.025, 2.5, 2.5), stats.beta.ppf(0.975, 3.5, 1.5)))


def test_whole_wins_have_the_interval_of_a_binomial_test():
    found = improvement(claim(range(1, 11), [0] * 9 + [11], metric="weight_norm"))  # the lower the better
    interval = stats.binomtest(1, 10).proportion_ci(0.95, "exact")
    assert found == pytest.approx((0.1, interval.low, interval.high))


def test_a_diverged_run_loses_and_two_tie():
    nan = math.nan
    found = improvement(claim([nan, 0.5, nan, 0.5], [nan, nan, 0.1, 0.6], lost=((0, 2), (0, 1))))
    assert found.share == (0.5 + 1 + 0 + 0) / 4


def test_runs_that_nothing_pairs():
    one, other = [3.0, 4.0, 5.0], [1.0, 4.0, 2.0, 6.0]
    found = improvement(claim(one, other, metric="small_weights", paired=False))
    assert found.share == pytest.approx(stats.mannwhitneyu(one, other).statistic / 12)
    assert found.low == pytest.approx(stats.beta.ppf(0.025, 3 * found.share, 3 - 3 * found.share + 1))


def test_mcnemar_against_statsmodels():
    one, other = np.array([1, 1, 1, 1, 1, 0, 1, 1], bool), np.array([1, 0, 0, 0, 0, 1, 0, 1], bool)
    found = ends(one, other)
    assert found[:2] == (7, 3)
    table = [[2, 5], [1, 0]]  # both, one alone; other alone, neither
    assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_of_arms_that_end_alike_nothing_is_said():
    assert ends(np.ones(5, bool), np.ones(5, bool)) is None
    assert ends(np.zeros(5, bool), np.zeros(5, bool)) is None
    assert ends(np.ones(4, bool), np.zeros(4, bool)).p == 2 / 2**4
    assert ends(np.ones(3, bool), np.zeros(4, bool), paired=False).p == pytest.approx(1 / 35)
