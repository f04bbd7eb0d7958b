"""Differences and tests, against enumeration in exact arithmetic and scipy used another way."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import log
from typing import Any

import numpy as np
import pytest
from scipy import stats

from study.stats.estimates import TIE, mean_interval
from study.stats.symmetry import beyond, equivalence, rank_flip, sign_flip, signed_ranks
from tests.stats.sides import INF, NAN, claim

TINY = 1e-12


def enumerated(sums: list[int], alternative: str) -> float:
    """p by trying all signs of integers."""
    observed, patterns = sum(sums), list(product((1, -1), repeat=len(sums)))
    totals = [sum(s * v for s, v in zip(signs, sums, strict=True)) for signs in patterns]
    greater = Fraction(sum(t >= observed for t in totals), len(patterns))
    less = Fraction(sum(t <= observed for t in totals), len(patterns))
    return float({"greater": greater, "less": less, "two-sided": min(Fraction(1), 2 * min(greater, less))}[alternative])


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize(
    ("rows", "margin"),
    [(360, Fraction(0)), (360, Fraction(1, 200)), (1024, Fraction(1, 200)), (2048, Fraction(1, 1000))],
)
def test_the_sign_flip_test_of_accuracies_is_that_of_their_counts(
    rows: int, margin: Fraction, alternative: str
) -> None:
    rng = np.random.default_rng(rows)
    for _ in range(40):
        a, b = rng.binomial(rows, 0.97, size=(2, 8))
        d = claim("test_accuracy", a / rows, b / rows).differences
        counts = [(Fraction(int(k), rows) - margin) * rows * margin.denominator for k in a - b]
        found = sign_flip(beyond(d, float(margin)), alternative)
        assert found == pytest.approx(enumerated([int(k) for k in counts], alternative), abs=TINY)


def test_zeros_move_no_p() -> None:
    x = np.array([0.3, 0.0, 0.1, -0.2, 0.0, 0.4, 0.7])
    assert sign_flip(x) == pytest.approx(enumerated([3, 0, 1, -2, 0, 4, 7], "two-sided"), abs=TINY)


@pytest.mark.parametrize(("x", "p"), [([0.0, 0, 0], 1.0), ([], 1.0), ([1.0], 1.0), ([1.0] * 6, 2 / 64)])
def test_so_few_differences_say_so_little(x: list[float], p: float) -> None:
    assert sign_flip(np.array(x)) == pytest.approx(p, abs=TINY)


def test_one_sided_p_of_one_difference() -> None:
    assert [sign_flip(np.array([1.0]), side) for side in ("greater", "less")] == [0.5, 1.0]  # type: ignore[arg-type]


def test_above_sixteen_seeds_signs_are_drawn_and_the_answer_stays() -> None:
    x = np.random.default_rng(4).normal(0.4, 1, 24)
    p = sign_flip(x)
    assert p == sign_flip(x)
    # Wilcoxon's test flips signs too, of ranks: near for normal differences. The t test is near for any.
    assert p == pytest.approx(stats.ttest_1samp(x, 0).pvalue, rel=0.2)
    exact = stats.permutation_test(
        (x[:16],), lambda x, axis: x.sum(axis=axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    assert sign_flip(x[:16]) == pytest.approx(exact.pvalue, abs=TINY)


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6, 1e12])
def test_no_p_is_below_that_of_all_signs_alike(scale: float) -> None:
    draws = np.random.default_rng(0)
    for n in range(2, 13):
        assert sign_flip(np.abs(draws.normal(0, scale, n)) + scale, "greater") >= 2.0**-n


@pytest.mark.parametrize("hole", [NAN, INF])
def test_a_hole_is_refused(hole: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        sign_flip(np.array([1.0, hole, 2.0]))


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("n", [3, 8, 13])
def test_ranks_of_numbers_are_wilcoxons(n: int, alternative: Any) -> None:
    x = np.random.default_rng(n).normal(0.3, 1, n)
    expected = stats.wilcoxon(x, alternative=alternative, method="exact").pvalue
    assert rank_flip(x, alternative) == pytest.approx(expected, abs=TINY)


def test_what_holds_no_number_has_the_middle_rank() -> None:
    x = np.array([1.0, INF, -3, 4, -INF, 0, NAN, 3 + 1e-12])
    assert signed_ranks(x).tolist() == [2, 3, -3.5, 5, -3, 3.5]  # a difference of 0 has the first, and is left out
    assert rank_flip(x, "greater") == enumerated([4, 6, -7, 10, -6, 7], "greater")
    assert rank_flip(x) == pytest.approx(sign_flip(signed_ranks(x)), abs=TINY)
    assert signed_ranks(np.array([INF, -INF, INF])).tolist() == [0.5, -0.5, 0.5]
    assert rank_flip(np.array([NAN, 0.0])) == rank_flip(np.array([])) == 1.0


@pytest.mark.parametrize("lost", [(1, 0), (1, 1), (3, 3), (5, 0)])
def test_ranks_find_more_than_signs_whoever_loses_runs(lost: tuple[int, int]) -> None:
    """A difference of one standard deviation, where so many of the 16 runs of either arm diverged."""
    rng, found = np.random.default_rng(0), {"ranks": 0, "signs": 0}
    for _ in range(300):
        x = rng.normal(1, 1, 16)
        x[: lost[0]], x[lost[0] : sum(lost)] = INF, -INF
        found["ranks"] += rank_flip(x) <= 0.05
        found["signs"] += stats.binomtest(int((x > 0).sum()), 16).pvalue <= 0.05
    assert found["ranks"] >= found["signs"] + 15 * (sum(lost) < 5)


def test_differences_are_above_zero_where_the_first_arm_is_better() -> None:
    a, b = np.array([0.9, 0.8, 0.7]), np.array([0.8, 0.8, 0.9])
    assert claim("test_accuracy", a, b).differences == pytest.approx([0.1, 0, -0.2])
    assert claim("generalization_gap", a, b).differences == pytest.approx([-0.1, 0, 0.2])
    assert claim("small_weights", a, b).differences == pytest.approx([0.1, 0, -0.2])
    logs = [log(0.8 / 0.9), 0, log(0.9 / 0.7)]
    for metric in ("test_loss", "steps_to_target", "train_seconds", "memory_mib", "weight_norm"):
        assert claim(metric, a, b).differences == pytest.approx(logs)
    assert claim("speedup", a, b).differences == pytest.approx([-x for x in logs])


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss", "epochs_to_target"])
def test_a_lost_run_is_worse_than_every_number_and_two_tie(metric: str) -> None:
    lost = INF if metric == "epochs_to_target" else NAN
    d = claim(metric, [lost, 0.5, lost], [0.1, lost, lost]).differences
    assert d[:2].tolist() == [-INF, INF]
    assert np.isnan(d[2])


def test_a_loss_of_zero_is_better_than_any_other_and_two_are_equal() -> None:
    d = claim("train_loss", [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]).differences
    assert d.tolist() == [INF, -INF, 0]


def test_factors_of_negative_values_are_refused() -> None:
    stated = claim("train_loss", [-1.0, 1, 1], [1.0, 1, 1])
    with pytest.raises(ValueError, match="factors"):
        _ = stated.differences


def test_a_difference_of_exactly_the_margin_is_a_tie() -> None:
    steps = claim("steps_to_target", [100, 200, 300], [110, 220, 330]).differences
    assert beyond(steps, float(np.log1p(0.1))).tolist() == [0, 0, 0]
    points = np.array([343, 344]) / 360 - np.array([325, 326]) / 360
    assert beyond(points, 0.05).tolist() == [0, 0]


def test_the_interval_is_that_of_a_paired_t_test() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 9))
    for level in (0.9, 0.95):
        expected = stats.ttest_rel(a, b).confidence_interval(level)
        assert mean_interval(a - b, level) == pytest.approx((expected.low, expected.high))
    assert mean_interval(np.array([343, 344]) / 360 - np.array([340, 341]) / 360, tie=TIE) == (None, None)
    assert mean_interval(np.array([0.1]), 0.95) == (None, None)


def test_equivalence_is_two_tests_by_hand() -> None:
    d = np.array([1, -1, 2, 0, 1, -2, 1, 0]) / 10
    above, below = [int(v) for v in d * 10 - 3], [int(v) for v in d * 10 + 3]
    expected = max(enumerated(above, "less"), enumerated(below, "greater"))
    assert equivalence(d, 0.3) == (pytest.approx(expected, abs=TINY), True)
    assert equivalence(d + 0.6, 0.3) == (
        pytest.approx(min(1, 2 * enumerated([v + 6 for v in above], "greater"))),
        False,
    )
    assert equivalence(-d - 0.6, 0.3)[1] is False


def test_equivalence_with_lost_runs_ranks_pairs() -> None:
    d = np.array([0.0] * 7 + [INF, NAN])
    p, equal = equivalence(d, 0.1)
    assert equal
    assert p == pytest.approx(enumerated([-1] * 7 + [1], "less"))  # 7 of 8 are below the upper margin, all of one rank
