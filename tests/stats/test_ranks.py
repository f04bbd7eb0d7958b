"""Stability of orders, average ranks, performance profiles, many datasets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from study.stats.ranks import (
    all_tie,
    average_ranks,
    costs_of,
    critical_difference,
    indistinct,
    performance_profile,
    stability,
)

INF, NAN = float("inf"), float("nan")


def of(metric: str, values: list[list[float]]) -> float | None:
    array = np.array(values)
    worst = np.isposinf(array) if metric.endswith("target") else np.isnan(array)
    return stability(metric, array, worst)


def test_an_order_that_every_seed_has_always_repeats() -> None:
    assert of("test_accuracy", [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5]]) == 1.0
    assert of("test_loss", [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]) == 1.0


@pytest.mark.parametrize(
    ("metric", "values", "tie"),
    [
        ("test_accuracy", [[0.1, 0.2], [0.2, 0.1]], True),  # equal means
        ("test_accuracy", [[0.1, 0.2], [0.2, 0.2]], False),
        ("test_loss", [[NAN, 0.2], [0.2, NAN]], True),
        ("test_loss", [[NAN, 0.2], [0.3, 0.3]], False),
        ("epochs_to_target", [[INF, INF], [INF, INF]], True),
        ("epochs_to_target", [[1, 3, INF], [2, 3, INF]], True),  # equal medians
        ("epochs_to_target", [[2, 6], [3, 4]], True),  # equal geometric means
        ("train_loss", [[0, 3, 9], [0, 3, 4]], True),  # a 0 has no logarithm
        ("epochs_to_target", [[1, 3, 9], [2, 4, 4]], False),
    ],
)
def test_arms_that_all_tie_have_no_order(metric: str, values: list[list[float]], tie: bool) -> None:
    array = np.array(values)
    assert all_tie(metric, array, ~np.isfinite(array)) == tie


def test_seeds_are_drawn_for_all_arms_together() -> None:
    """Arms that differ by less than seeds do: only joint draws keep the order."""
    seeds = np.linspace(0, 1, 10)
    assert of("test_accuracy", [list(seeds), list(seeds + 0.001)]) == 1.0


def test_with_two_seeds_that_disagree_the_share_is_known() -> None:
    # d = +3 and -1: the order repeats unless both draws are the second seed.
    assert of("test_accuracy", [[0.5, 0.5], [0.8, 0.4]]) == pytest.approx(3 / 4, abs=0.03)


def test_an_arm_with_a_diverged_run_goes_by_its_median() -> None:
    # The first arm is ahead unless three of the four draws are its diverged run.
    repeats = of("test_accuracy", [[0.9, 0.9, 0.9, NAN], [0.1, 0.1, 0.1, 0.1]])
    assert repeats == pytest.approx(stats.binom.cdf(2, 4, 1 / 4), abs=0.03)
    assert of("test_loss", [[NAN, NAN], [NAN, NAN]]) == 1.0


def test_times_to_target_are_ordered_by_medians_where_one_is_not_reached() -> None:
    assert of("epochs_to_target", [[3, 3, 3, 3, INF], [4, 4, 4, 4, 4]]) == pytest.approx(
        stats.binom.cdf(2, 5, 1 / 5), abs=0.03
    )


def test_losses_are_ordered_by_geometric_means() -> None:
    """By the mean the second arm would be ahead in most draws."""
    assert of("test_loss", [[0.01, 0.01, 0.01, 9.0], [1.0, 1.0, 1.0, 1.0]]) == pytest.approx(
        stats.binom.cdf(2, 4, 1 / 4), abs=0.03
    )


@pytest.mark.parametrize("values", [[[0.1, 0.2]], [[0.1], [0.2]]])
def test_too_little_has_no_order(values: list[list[float]]) -> None:
    assert of("test_accuracy", values) is None


def test_a_run_without_value_leaves_it_unknown() -> None:
    values = np.array([[0.1, NAN], [0.2, 0.3]])
    assert stability("test_accuracy", values, np.zeros((2, 2), dtype=bool)) is None


def test_average_ranks_by_hand() -> None:
    scores = np.array([[0.9, 0.8, 0.8], [0.5, 0.7, NAN]])
    assert average_ranks(-scores).tolist() == [1.5, 1.75, 2.75]
    assert average_ranks(scores).tolist() == [2.0, 1.75, 2.25]


def test_a_performance_profile_by_hand() -> None:
    costs = np.array([[1.0, 2.0], [4.0, 1.0], [3.0, INF], [NAN, INF]])
    profile = performance_profile(costs, np.array([1.0, 2.0, 4.0]))
    assert profile.tolist() == [[0.5, 0.5, 0.75], [0.25, 0.5, 0.5]]
    with pytest.raises(ValueError, match="above 0"):
        performance_profile(np.array([[0.0, 1.0]]), np.array([1.0]))


def test_many_datasets_are_compared_pair_by_pair() -> None:
    scores = np.random.default_rng(0).normal([0.0, 0.5, 2.0], 1, size=(9, 3))
    found = critical_difference(-scores)
    raw = [stats.wilcoxon(scores[:, i] - scores[:, j]).pvalue for i, j in ((0, 1), (0, 2), (1, 2))]
    holm = multipletests(raw, method="holm")[1]
    assert found is not None
    assert found[[0, 0, 1], [1, 2, 2]] == pytest.approx(holm)
    assert np.array_equal(found, found.T)
    assert np.diag(found).tolist() == [1, 1, 1]
    assert critical_difference(scores[:5]) is None


def test_costs_put_runs_that_were_lost_after_every_number() -> None:
    estimates = np.array([[0.1, 0.9, 0.8], [NAN, 0.2, 0.3]])
    lost = np.array([[0, 0, 2], [8, 1, 0]])
    cost = costs_of("test_accuracy", estimates, lost)
    assert stats.rankdata(cost, axis=1).tolist() == [[2, 1, 3], [3, 2, 1]]
    assert cost[0, 0] - cost[0, 1] == pytest.approx(0.8)
    # A run that was lost weighs more than the largest difference there is, whatever dataset it is on.
    assert np.abs(cost[0, 2] - cost[0, :2]).min() > 0.8
    assert cost[1, 1] - cost[1, 2] > 0.8


def test_costs_of_losses_differ_by_factors_and_zero_is_the_best() -> None:
    cost = costs_of("test_loss", np.array([[0.1, 0.2], [1.0, 2.0], [0.0, 1e-9]]), np.zeros((3, 2), dtype=int))
    assert cost[0, 1] - cost[0, 0] == pytest.approx(cost[1, 1] - cost[1, 0]) == pytest.approx(np.log(2))
    assert np.isfinite(cost).all()
    assert cost[2, 0] < cost[2, 1]
    speedup = costs_of("speedup", np.array([[2.0, 1.0]]), np.zeros((1, 2), dtype=int))
    assert speedup[0, 0] < speedup[0, 1]


def test_costs_of_what_is_not_known_are_refused() -> None:
    with pytest.raises(ValueError, match="neither an estimate nor"):
        costs_of("test_loss", np.array([[0.1, NAN]]), np.zeros((1, 2), dtype=int))


def test_groups_that_do_not_differ_are_as_large_as_can_be() -> None:
    """0–1–2 in a row, 0 and 2 apart; 3 differs from all; and by brute force."""
    p = np.full((4, 4), 0.01)
    p[[0, 1, 1, 2], [1, 0, 2, 1]] = 0.4
    assert sorted(indistinct(p)) == [(0, 1), (1, 2)]
    rng = np.random.default_rng(1)
    for _ in range(20):
        p = np.triu(rng.uniform(0, 0.1, size=(6, 6)), 1)
        p += p.T
        groups = [
            group
            for size in range(2, 7)
            for group in combinations(range(6), size)
            if all(p[i, j] > 0.05 for i, j in combinations(group, 2))
        ]
        largest = [group for group in groups if not any(set(group) < set(other) for other in groups)]
        assert sorted(indistinct(p)) == sorted(largest)


def test_differences_that_are_equal_tie() -> None:
    """Of accuracies with few decimals rounding would tell |0.8 - 0.7| from |0.3 - 0.2|, and make p too small."""
    scores = np.array([[0.8, 0.7], [0.3, 0.2], [0.6, 0.7], [0.9, 0.7], [0.5, 0.2], [0.4, 0.3], [0.95, 0.5]])
    whole = np.round(100 * (scores[:, 0] - scores[:, 1]))
    p = critical_difference(-scores)
    assert p is not None
    assert p[0, 1] == pytest.approx(stats.wilcoxon(whole).pvalue, rel=1e-12)
    assert p[0, 1] != pytest.approx(stats.wilcoxon(scores[:, 0] - scores[:, 1]).pvalue, rel=1e-3)
