"""When final runs are said to fall behind what was tried before them, and how often that is a false alarm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from study.stats.regret import better_candidate, better_runs

INF = np.inf
# Validation accuracies of three tuning seeds at rates that rise to the edge of a cliff, and of ten runs at the last but
# one: those that a newcomer's study had.
TRIALS = [np.array(seeds) for seeds in ([0.956, 0.958, 0.953], [0.967, 0.964, 0.969], [0.968, 0.966, 0.972],
                                        [0.972, 0.969, 0.972], [0.894, 0.533, 0.944])]  # fmt: skip
FALLEN = np.array([0.97, 0.97, 0.95, 0.96, 0.93, 0.97, 0.89, 0.88, 0.87, 0.456])


def test_a_setting_at_the_edge_of_a_cliff_is_found() -> None:
    assert FALLEN.mean() == pytest.approx(0.885, abs=0.001)
    assert better_candidate(FALLEN, TRIALS, chosen=3) == 2


def test_it_is_a_t_test_without_the_worst_run_and_with_the_spread_of_three_candidates() -> None:
    variance = np.mean([seeds.var(ddof=1) for seeds in TRIALS[1:4]])
    limit = stats.t.ppf(1 - 0.01 / 4, 6) * np.sqrt(variance * (1 / 3 + 1 / 9))
    runs = np.full(10, TRIALS[2].mean() - limit)
    runs[4] = 0.1
    assert better_candidate(runs - 1e-6, TRIALS, chosen=3) == 2
    assert better_candidate(runs + 1e-6, TRIALS, chosen=3) is None


def test_a_candidate_is_no_rival_of_its_own_runs_and_one_run_that_fell_is_no_cliff() -> None:
    trials = [np.array([0.9, 0.91, 0.92]), np.array([0.5, 0.51, 0.52])]
    assert better_candidate(np.full(10, 0.7), trials, chosen=0) is None
    assert better_candidate(np.full(10, 0.7), trials) == 0
    one = np.array([*TRIALS[3], *TRIALS[3], *TRIALS[3], 0.1])
    assert better_candidate(one, TRIALS, chosen=3) is None


def test_a_run_that_was_lost_counts_as_the_worst_of_all() -> None:
    runs = np.array([*TRIALS[3], *TRIALS[3], -INF, -INF, -INF])
    assert better_candidate(runs, TRIALS, chosen=3) == 2
    assert better_candidate(np.where(np.isinf(runs), 0.533, runs), TRIALS, chosen=3) == 2
    assert better_candidate(np.full(5, -INF), [np.full(3, -INF)] * 2) is None


def test_without_two_seeds_of_a_candidate_nothing_is_known_of_the_spread() -> None:
    assert better_candidate(FALLEN, [seeds[:1] for seeds in TRIALS], chosen=3) is None


@pytest.mark.parametrize("by_seed", [False, True])
def test_alarms_are_rare_where_all_candidates_are_alike(by_seed: bool) -> None:
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(400):
        trials = rng.normal(size=(9, 16 if by_seed else 3))
        chosen = None if by_seed else int(trials.mean(axis=1).argmax())
        wrong += better_candidate(rng.normal(size=16), list(trials), chosen) is not None
    assert wrong <= 12  # of 1 % more are had by chance once in 1,000


def test_runs_of_siblings_are_compared_seed_by_seed() -> None:
    rng = np.random.default_rng(1)
    ours = rng.normal(size=10)
    theirs = ours + rng.normal(0.5, 0.4, size=10)
    p = stats.permutation_test((theirs - ours,), np.sum, permutation_type="samples", n_resamples=np.inf,
                               alternative="greater").pvalue  # fmt: skip
    assert p < 0.01
    assert better_runs(ours, theirs)
    assert not better_runs(ours, theirs, siblings=int(0.01 / p) + 1)
    assert not better_runs(theirs, ours)
    assert not better_runs(ours, ours)
    lost = np.where(np.arange(10) < 8, -INF, ours)
    assert better_runs(lost, ours)
    assert not better_runs(lost, lost)
