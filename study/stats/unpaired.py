"""What the runs of two arms say about one claim where nothing pairs them: two independent samples.

The counterpart of ``paired``, with the same margins, the same rules for runs that diverged, and the same evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from math import comb

import numpy as np
from scipy import stats

from study.metrics import METRICS
from study.stats.estimates import TIE, Estimate, Floats, Ints, median_contrast
from study.stats.paired import Evidence, Statement
from study.stats.symmetry import RESAMPLES, Alternative, beyond, of_tails

PATTERNS = 200_000  # ways of parting the runs up to which all are tried: ten against ten have 184,756
LARGEST = 1e9  # t of two sides without any spread
Statistic = Callable[[Floats, Floats, Floats, Floats, int, int], Floats]
TESTS = ("permutation", "rank-sum")


def weigh(claim: Statement) -> Evidence:
    """Test one claim on runs that are not paired, all of which are there. ``p`` is not yet adjusted for the others."""
    (x, y), m, equal = claim.scaled, claim.threshold, claim.kind == "equal"
    p, favours = equivalence(x, y, m) if equal else (separation(x - m, y), _side(x - m, y))
    lead = _side(x, y)
    wins, losses, ties = _against(x, y, m, equal)
    found = Evidence(
        claim.least,
        "rank-sum",
        p,
        favours,
        ahead=None if lead is None else (claim.better if lead else claim.than).label,
        p_ahead=separation(x, y) if m and not (equal or favours) else None,
        lost=(int(claim.worst[0].sum()), int(claim.worst[1].sum())),
        runs=(len(x), len(y)),
        pairs=min(len(x), len(y)),
        wins=wins,
        losses=losses,
        ties=ties,
        level=claim.level,
        **contrast(claim)._asdict(),
    )
    if not _finite(x, y):
        return found
    mean = float(np.round(x.mean() - y.mean(), 12))
    sd = float(np.sqrt(sum(side.var(ddof=1) if len(side) > 1 else 0.0 for side in (x, y))))
    return replace(found, test="permutation", mean=mean, sd=sd)


def _finite(x: Floats, y: Floats) -> bool:
    """Whether every run holds a number."""
    return bool(np.isfinite(x).all() and np.isfinite(y).all())


def contrast(claim: Statement) -> Estimate:
    """How far apart the runs of two arms are; infinite ones are worse than every number.

    The difference of their means; else the median of the differences of any two runs (Hodges and Lehmann, 1963),
    without an interval.
    """
    x, y = claim.scaled
    if _finite(x, y):
        about, mean = METRICS[claim.metric], float(np.round(x.mean() - y.mean(), 12))
        return Estimate(about.restored(mean), *interval(claim, claim.level), about.mean)
    with np.errstate(invalid="ignore"):
        d = np.subtract.outer(x, y).ravel()
    return median_contrast(claim.metric, d[~np.isnan(d)])


def interval(claim: Statement, level: float) -> tuple[float | None, float | None]:
    """Welch's interval of the estimate, reaching to the margin where the permutation test does not tell it apart.

    None where it does not exist, or a run holds no number.
    """
    x, y = claim.scaled
    low, high = welch_interval(x, y, level) if _finite(x, y) else (None, None)
    if low is None or high is None:
        return None, None
    m, restored = claim.threshold, METRICS[claim.metric].restored
    for bound in (m, -m) if claim.kind == "equal" else (m,):
        if bound < low and separation(x - bound, y, "greater") > (1 - level) / 2:
            low = bound
        elif bound > high and separation(x - bound, y, "less") > (1 - level) / 2:
            high = bound
    return restored(low), restored(high)


def welch_interval(x: Floats, y: Floats, level: float) -> tuple[float | None, float | None]:
    """The interval of the difference of means without equal variances (Welch, 1947); None where there is no spread."""
    if min(len(x), len(y)) < 2 or max(np.ptp(x), np.ptp(y)) <= TIE:
        return None, None
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = stats.ttest_ind(x, y, equal_var=False).confidence_interval(level)
    return float(interval.low), float(interval.high)


def separation(x: Floats, y: Floats, alternative: Alternative = "two-sided") -> float:
    """p that ``x`` [runs] and ``y`` [runs] differ as they do by chance.

    The larger one of Welch's t test, which minds that spreads differ, and of the permutation test of its t, which minds
    that few runs are not normal (Janssen, 1997; Chung and Romano, 2013). Where a run holds no number, of the
    permutation test of ranks (Mann and Whitney, 1947; ties share theirs).
    """
    if not _finite(x, y):
        ranks = stats.rankdata(np.round(np.concatenate([x, y]), 9))
        return permutation(ranks[: len(x)], ranks[len(x) :], alternative, _sum_of)
    p = permutation(x, y, alternative, _welch_t)
    if min(len(x), len(y)) < 2 or min(np.ptp(x), np.ptp(y)) <= TIE:
        return p
    return max(p, float(stats.ttest_ind(x, y, equal_var=False, alternative=alternative).pvalue))


def permutation(x: Floats, y: Floats, alternative: Alternative, statistic: Statistic) -> float:
    """p of the test of all ways to part the runs of both sides, exact up to ten against ten."""
    pool = np.concatenate([x, y])
    pool = pool - pool.mean()
    spread = float(np.abs(pool).max())
    if spread <= TIE:
        return 1.0  # all runs are the same
    pool = pool / spread
    if comb(len(pool), len(x)) > PATTERNS:

        def of_samples(one: Floats, other: Floats, axis: int) -> Floats:
            parts = one.sum(axis), other.sum(axis), (one**2).sum(axis), (other**2).sum(axis)
            return statistic(*parts, one.shape[axis], other.shape[axis])

        drawn = stats.permutation_test(
            (pool[: len(x)], pool[len(x) :]), of_samples, vectorized=True, n_resamples=RESAMPLES, batch=10_000,
            alternative=alternative, rng=np.random.default_rng(0),
        )  # fmt: skip
        return float(drawn.pvalue)
    chosen = pool[_patterns(len(pool), len(x))]  # scipy, which would do the same, takes ten times as long
    sums, squares = chosen.sum(axis=1), (chosen**2).sum(axis=1)
    null = statistic(sums, pool.sum() - sums, squares, (pool**2).sum() - squares, len(x), len(y))
    observed = null[0]  # the first pattern is the runs as they are
    return of_tails((null <= observed).mean(), (null >= observed).mean(), alternative)


@cache
def _patterns(runs: int, of: int) -> Ints:
    """Every way to choose so many of the runs. [patterns, of]"""
    chosen = chain.from_iterable(combinations(range(runs), of))
    return np.fromiter(chosen, dtype=np.int64, count=comb(runs, of) * of).reshape(-1, of)


def _welch_t(one: Floats, other: Floats, squares: Floats, rest: Floats, n: int, m: int) -> Floats:
    """Welch's t from sums and sums of squares of both sides. [patterns]"""
    error = np.zeros_like(one)
    for total, of_squares, runs in ((one, squares, n), (other, rest, m)):
        if runs > 1:
            error = error + np.maximum(of_squares - total**2 / runs, 0.0) / (runs - 1) / runs
    apart = np.round(one / n - other / m, 12)
    error = np.sqrt(np.where(error < 1e-20, 0.0, error))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, apart / error, np.sign(apart) * LARGEST)
    return np.round(np.clip(t, -LARGEST, LARGEST), 9)


def _sum_of(one: Floats, other: Floats, squares: Floats, rest: Floats, n: int, m: int) -> Floats:
    return np.round(one, 9)


def equivalence(x: Floats, y: Floats, m: float) -> tuple[float, bool]:
    """p of what the runs speak for, and whether that is being equal: within ``±m``. As ``paired.equivalence``."""
    if _finite(x, y):
        apart = float(x.mean() - y.mean())
        if abs(apart) < m:
            return max(separation(x - m, y, "less"), separation(x + m, y, "greater")), True
        p = separation(x - m, y, "greater") if apart > 0 else separation(x + m, y, "less")
        return min(1.0, 2 * p), False
    equal = max(separation(x - m, y, "less"), separation(x + m, y, "greater"))
    other = min(1.0, 2 * min(separation(x - m, y, "greater"), separation(x + m, y, "less")))
    return (equal, True) if equal <= other else (other, False)


def _side(x: Floats, y: Floats) -> bool | None:
    """Whether ``x`` does better, by the mean or, where a run holds no number, by ranks; None where neither does."""
    if _finite(x, y):
        lead = float(x.mean() - y.mean())
    else:
        wins, losses, _ = _against(x, y, 0.0, equal=False)
        lead = float(wins - losses)
    return None if abs(lead) < TIE else lead > 0


def _against(x: Floats, y: Floats, m: float, equal: bool) -> tuple[int, int, int]:
    """Of every run of one side against every run of the other: how often the claim holds, does not, and neither."""
    a, b = np.broadcast_arrays(x[:, None], y[None, :])
    with np.errstate(invalid="ignore"):
        d = np.where(a == b, 0.0, a - b)  # of two runs that diverged, too
        held = beyond(m - np.abs(d), 0) if equal else beyond(d, m)
    wins, losses = int((held > 0).sum()), int((held < 0).sum())
    return wins, losses, held.size - wins - losses
