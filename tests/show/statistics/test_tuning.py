"""Trials: ranks, edges, and what fewer would have found."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from study.show.statistics.tuning import beats, expected_best, rank
from tests.show.statistics.sides import INF, NAN

SETTINGS = [(0.1,), (0.2,), (0.3,), (0.4,)]
LOSS = np.ones((4, 2))


def test_the_best_mean_comes_first_in_the_direction_of_the_metric() -> None:
    values = np.array([[0.7, 0.9], [0.9, 0.9], [0.6, 0.6], [0.85, 0.8]])
    assert rank("val_accuracy", values, LOSS, SETTINGS) == [1, 3, 0, 2]
    assert rank("val_loss", values, LOSS, SETTINGS) == [2, 0, 3, 1]


def test_a_candidate_with_a_diverged_seed_comes_after_all_without() -> None:
    values = np.array([[0.99, NAN], [0.1, 0.1], [NAN, NAN], [0.98, NAN]])
    assert rank("val_accuracy", values, LOSS, SETTINGS) == [1, 0, 3, 2]
    assert rank("val_accuracy", np.full((4, 2), NAN), LOSS, SETTINGS) == []


def test_times_to_target_count_the_unreached_first() -> None:
    values = np.array([[5.0, INF], [50, 60], [INF, INF], [55, 50]])
    assert rank("steps_to_target", values, LOSS, SETTINGS) == [3, 1, 0, 2]
    later = np.array([[False, False], [False, False], [False, False], [True, False]])  # diverged after the target
    assert rank("steps_to_target", values, LOSS, SETTINGS, later) == [1, 0, 2, 3]


def test_exact_ties_go_to_the_lower_loss_then_to_the_smaller_setting() -> None:
    counts = np.array([[341, 340, 344], [342, 342, 341], [340, 344, 341], [344, 341, 340]])
    for order in permutations(range(4)):
        values, settings = counts[list(order)] / 360, [SETTINGS[i] for i in order]
        loss = np.array([[0.3, 0.3], [0.2, 0.3], [0.2, 0.3], [0.2, 0.3]])[list(order)]
        assert [order[i] for i in rank("val_accuracy", values, loss, settings)] == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("edge", "inner", "narrow"),
    [
        ([0.91, 0.92, 0.93], [0.90, 0.91, 0.92], True),  # every seed agrees
        ([0.90, 0.91, 0.92], [0.90, 0.91, 0.92], False),
        ([0.95, 0.94, 0.90], [0.90, 0.90, 0.90], False),  # one tie, 3.0 points ± 1.5: 2 errors, not more
        ([0.95, 0.95, 0.90], [0.90, 0.90, 0.90], False),
        ([0.90, 0.90, 0.90], [NAN, NAN, NAN], True),
        ([0.90, 0.90, NAN], [0.80, 0.80, 0.80], False),
        ([0.95], [0.90], True),
        ([0.90], [0.90], False),
    ],
)
def test_an_edge_must_beat_its_neighbour_clearly(edge: list[float], inner: list[float], narrow: bool) -> None:
    assert beats("val_accuracy", np.array(edge), np.array(inner)) is narrow
    losses = 1 - np.array(edge), 1 - np.array(inner)
    assert beats("val_loss", *losses) is narrow


def test_an_edge_may_win_by_two_standard_errors_against_one_seed() -> None:
    d = np.array([0.03, 0.04, 0.05, 0.04, -0.001])
    assert d.mean() > 2 * d.std(ddof=1) / np.sqrt(5)
    assert beats("val_accuracy", 0.9 + d, np.full(5, 0.9))


@pytest.mark.parametrize("metric", ["val_accuracy", "val_loss"])
def test_the_expected_best_is_the_mean_over_all_choices_of_trials(metric: str) -> None:
    scores = [0.6, 0.91, 0.3, 0.91, 0.75, 0.2]
    best = max if metric == "val_accuracy" else min
    for k, found in enumerate(expected_best(metric, scores), 1):
        assert found == pytest.approx(np.mean([best(some) for some in combinations(scores, k)]))


def test_there_is_no_expected_best_where_all_trials_may_have_diverged() -> None:
    assert expected_best("val_accuracy", [0.5, NAN, 0.7, NAN]) == [None, None, pytest.approx(0.65), pytest.approx(0.7)]
    assert expected_best("val_accuracy", [NAN]) == [None]
    assert expected_best("val_accuracy", []) == []
