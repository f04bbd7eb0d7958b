"""What so many seeds can decide, and how many are needed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from study.stats.exact import chances, decidable, fewest_seeds, smallest_p
from study.stats.symmetry import sign_flip


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
