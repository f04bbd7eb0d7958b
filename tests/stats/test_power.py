"""What so many seeds can decide, and how many are needed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from study.stats.exact import chances, decidable, fewest_seeds, smallest_p
from study.stats.symmetry import sign_flip
from study.stats.verdict import pairs_for_equal, pairs_for_mean, pairs_for_wins


@pytest.mark.parametrize(("seeds", "claims"), [(5, 0), (6, 1), (7, 3), (8, 6), (9, 12), (10, 25), (11, 51), (12, 102)])
def test_so_many_claims_can_be_decided(seeds: int, claims: int) -> None:
    assert decidable(seeds) == claims
    assert [decidable(seeds + ties, ties) for ties in range(4)] == [claims] * 4
    assert fewest_seeds(claims) == max(seeds, 6)


@pytest.mark.parametrize("ties", range(4))
def test_the_floor_is_the_p_of_differences_that_all_agree(ties: int) -> None:
    x = np.array([0.0] * ties + [1.0] * (9 - ties))
    assert smallest_p(9, ties) == pytest.approx(sign_flip(x))
    assert smallest_p(9, ties, sides=1) == pytest.approx(sign_flip(x, "greater"))


def test_looks_share_the_level() -> None:
    assert decidable(10, looks=5) == 25 // 5
    assert fewest_seeds(31, ties=5) == 16
    assert fewest_seeds(31, looks=2) == 12


@pytest.mark.parametrize("looks", [1, 3])
def test_a_claim_has_a_chance_where_holm_would_reject_at_the_floors(looks: int) -> None:
    rng = np.random.default_rng(looks)
    for _ in range(5):
        floors = [smallest_p(int(n)) for n in rng.integers(4, 13, size=rng.integers(1, 12))]
        expected = multipletests(floors, alpha=0.05 / looks, method="holm")[0]
        assert chances(floors, looks) == expected.tolist()
    assert chances([]) == []


def test_it_answers_without_numpy() -> None:
    code = "import sys, study.plan.check.decidability; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("mean", "sd", "m", "claims"), [(0.5, 1, 0, 1), (0.4, 1, 0.1, 31), (-0.3, 0.5, 0, 5)])
def test_the_number_of_seeds_is_where_a_t_test_gets_its_power(mean: float, sd: float, m: float, claims: int) -> None:
    """statsmodels solves for a real number; ours is the next whole one."""
    solved = TTestPower().solve_power(abs(mean - m) / sd, None, 0.05 / claims, 0.8)
    assert pairs_for_mean(mean, sd, m, claims) == int(np.ceil(solved))


def test_a_large_difference_still_needs_the_seeds_that_the_floor_needs() -> None:
    assert pairs_for_mean(100.0, 1.0, 0, 31) == fewest_seeds(31) == 11
    assert pairs_for_mean(1.0, 0.0, 0, 31) == 11  # all differences equal
    assert pairs_for_mean(1e-3, 1.0, 0, 1) is None
    assert pairs_for_mean(0.1, 1.0, 0.1, 1) is None
    assert pairs_for_mean(0.1, 1.0, 0, 1) == 787


def test_the_power_of_an_equivalence_test_by_simulation() -> None:
    n = pairs_for_equal(0.1, 1.0, 0.5, claims=1)
    assert n is not None
    x = np.random.default_rng(1).normal(0.1, 1.0, size=(4_000, n))
    p = np.maximum(
        stats.ttest_1samp(x, 0.5, axis=1, alternative="less").pvalue,
        stats.ttest_1samp(x, -0.5, axis=1, alternative="greater").pvalue,
    )
    assert (p <= 0.05).mean() == pytest.approx(0.8, abs=0.03)
    assert pairs_for_equal(1.0, 1.0, 0.5, 1) == pairs_for_mean(1.0, 1.0, 0.5, 1)


def sign_power(n: int, wins: int, losses: int, ties: int, claims: int) -> float:
    """How often so many pairs decide, where wins and ties come as often as in those that are given."""
    shares = np.array([wins, losses, ties]) / (wins + losses + ties)
    drawn = np.random.default_rng(2).multinomial(n, shares, size=20_000)
    p = 2 * stats.binom.cdf(np.minimum(drawn[:, 0], drawn[:, 1]), drawn[:, 0] + drawn[:, 1], 0.5)
    return float(np.mean((p <= 0.05 / claims) & (drawn[:, 0] > drawn[:, 1])))


@pytest.mark.parametrize("seen", [(8, 1, 1, 3), (12, 2, 2, 28), (7, 0, 9, 28), (8, 2, 2, 3)])
def test_the_power_of_a_sign_test_by_simulation(seen: tuple[int, int, int, int]) -> None:
    needed = pairs_for_wins(*seen)
    assert needed is not None
    assert 0.79 < sign_power(needed, *seen) < 0.85
    assert sign_power(needed - 1, *seen) < 0.81


def test_ties_leave_fewer_pairs_than_the_floor_needs() -> None:
    """All that differ agree: with 11 of these 28 claims can be decided, and seven of 16 pairs differ."""
    x = np.array([1.0] * 7 + [0.0] * 9)
    needed = pairs_for_mean(x.mean(), x.std(ddof=1), 0, 28, decided=7 / 16)
    assert needed is not None
    assert sign_power(needed, 7, 0, 9, 28) >= 0.79
    assert sign_power(needed - 1, 7, 0, 9, 28) < 0.81
    assert needed > pairs_for_mean(x.mean(), x.std(ddof=1), 0, 28)
    assert pairs_for_mean(1.0, 0.0, 0.5, 28, decided=0.5) == pairs_for_equal(0.0, 0.0, 0.5, 28, decided=0.5)
    assert pairs_for_mean(0.0, 0.0, 0, 28, decided=0.0) is None


def test_the_ends_of_the_power_of_a_sign_test() -> None:
    needed = pairs_for_wins(8, 2, 2, claims=3)
    assert pairs_for_wins(2, 8, 2, claims=3) == needed
    assert pairs_for_wins(5, 5, 0, 1) is None
    assert pairs_for_wins(0, 0, 9, 1) is None
    assert pairs_for_wins(12, 0, 0, 31) == 11
