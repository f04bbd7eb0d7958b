"""What so many seeds can decide, and how many are needed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from study.stats.exact import chances, decidable, detectable, fewest_seeds, smallest_p
from study.stats.symmetry import sign_flip


@pytest.mark.parametrize(("seeds", "claims"), [(5, 0), (6, 1), (7, 3), (8, 6), (9, 12), (10, 25), (11, 51), (12, 102)])
def test_so_many_claims_can_be_decided(seeds: int, claims: int) -> None:
    assert decidable(seeds) == claims
    assert fewest_seeds(claims) == max(seeds, 6)


@pytest.mark.parametrize("ties", range(4))
def test_the_floor_is_the_p_of_differences_that_all_agree(ties: int) -> None:
    x = np.array([0.0] * ties + [1.0] * (9 - ties))
    assert smallest_p(9, ties) == pytest.approx(sign_flip(x))
    assert smallest_p(9, ties, sides=1) == pytest.approx(sign_flip(x, "greater"))


def test_looks_share_the_level() -> None:
    assert decidable(10, looks=5) == 25 // 5
    assert fewest_seeds(31, looks=2) == 12


@pytest.mark.parametrize(("seeds", "claims"), [(9, 1), (10, 3), (12, 6)])
def test_what_is_said_to_be_found_is_found_as_often(seeds: int, claims: int) -> None:
    level, rng = 0.05 / claims, np.random.default_rng(seeds)
    apart = detectable(seeds, level)
    assert apart == pytest.approx(TTestPower().solve_power(nobs=seeds, alpha=level, power=0.8), rel=0.03)
    found = sum(sign_flip(rng.normal(apart, 1, seeds)) <= level for _ in range(300))
    assert binomtest(found, 300, 0.78).pvalue > 0.001


@pytest.mark.parametrize(("seeds", "claims"), [(5, 1), (8, 6), (10, 25)])
def test_nothing_is_said_where_few_ties_leave_no_room(seeds: int, claims: int) -> None:
    assert detectable(seeds, 0.05 / claims) is None


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
