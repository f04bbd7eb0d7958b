"""Orders of arms: how stable one is, average ranks, performance profiles, and comparison over many datasets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import stats

from study.metrics import METRICS
from study.stats.estimates import Bools, Floats, Ints
from study.stats.exact import ALPHA, DATASETS
from study.stats.holm import holm

RESAMPLES = 2_000
AT_ONCE = 4_000_000  # values held at once, so that thousands of arms fit into memory


def stability(metric: str, values: Floats, worst: Bools) -> float | None:
    """How often the order of the arms repeats when seeds are drawn again, the same for all arms. Between 0 and 1.

    ``values`` [arms, seeds], ``worst`` the runs that are worse than every number (diverged, target not reached). Each
    arm goes by its estimator in tables (``estimates.estimate_of``): the mean, of logarithms where factors count, or
    the median where a run has no number there. Arms that tie must tie again. None where there are fewer than two arms
    or seeds, or a run has no value.
    """
    arms, seeds = values.shape
    if arms < 2 or seeds < 2 or not (np.isfinite(values) | worst).all():
        return None
    drawn = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))
    cost, medians = _costs(metric, values, worst)
    observed = _order(cost[:, None], medians)
    repeats = 0
    for part in np.array_split(drawn, -(-arms * drawn.size // AT_ONCE)):
        again = _order(cost[:, part], medians)
        repeats += int((again == observed).all(axis=0).sum())
    return repeats / RESAMPLES


def all_tie(metric: str, values: Floats, worst: Bools) -> bool:
    """Whether there is no order to repeat: all arms come out equal. Arrays as those of ``stability``."""
    cost, medians = _costs(metric, values, worst)
    return bool(np.ptp(_order(cost[:, None], medians)) == 0)


def costs_of(metric: str, estimates: Floats, lost: Ints) -> Floats:
    """Estimates as numbers of which the lowest is the best, logarithms where arms are compared by a factor.

    ``estimates`` [blocks, arms], NaN where there is none; ``lost``: how many runs are worse than every number. Each of
    them outweighs all differences between estimates, and so does an estimate of 0 where factors count. Raises
    ValueError where neither is known.
    """
    if (np.isnan(estimates) & (lost == 0)).any():
        raise ValueError("an arm has neither an estimate nor a run that was lost")
    value = np.where(np.isnan(estimates), np.inf, estimates)
    beyond = lost.astype(float)
    if METRICS[metric].ratio:
        beyond = np.where(value <= 0, beyond + METRICS[metric].orientation, beyond)
        value = np.log(np.where(value <= 0, np.inf, value))
    cost = -METRICS[metric].orientation * np.round(value, 9)
    known = cost[np.isfinite(cost)]
    least, most = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    cost = np.where(np.isfinite(cost), cost, np.where(beyond > 0, most, least))
    return np.asarray(cost + beyond * (1 + 2 * (most - least)), dtype=float)


def average_ranks(costs: Floats) -> Floats:
    """Mean rank of every arm, 1 the lowest; ties share theirs, NaN and inf come last. [blocks, arms] → [arms]"""
    known = np.where(np.isfinite(costs), costs, np.inf)
    return np.asarray(stats.rankdata(known, axis=1).mean(axis=0), dtype=float)


def performance_profile(costs: Floats, factors: Floats) -> Floats:
    """The share of problems that each arm solves within a factor of the best arm (Dolan and Moré, 2002).

    ``costs`` [problems, arms] above 0, lower is better, inf or NaN where not solved; ``factors`` [points] from 1 up.
    Returns [arms, points]. A problem that no arm solves counts against all.
    """
    if (costs <= 0).any():
        raise ValueError("performance profiles need costs above 0")
    solved = np.where(np.isfinite(costs), costs, np.inf)
    best = solved.min(axis=1, keepdims=True)
    ratios = np.divide(solved, best, out=np.full_like(solved, np.inf), where=np.isfinite(best))
    return np.asarray((ratios[:, :, None] <= factors * (1 + 1e-12)).mean(axis=0), dtype=float)


def critical_difference(costs: Floats) -> Floats | None:
    """Holm's adjusted p of Wilcoxon's signed-rank test of every pair of arms over datasets. [arms, arms]

    ``costs`` [datasets, arms]. None with fewer than six datasets: then there are ranks and no test.
    """
    datasets, arms = costs.shape
    if datasets < DATASETS or arms < 2:
        return None
    pairs = list(combinations(range(arms), 2))
    apart = [np.round(costs[:, i] - costs[:, j], 9) for i, j in pairs]  # so that differences that are equal tie
    raw = [float(stats.wilcoxon(d).pvalue) if d.any() else 1.0 for d in apart]
    p = np.eye(arms)
    for (i, j), adjusted in zip(pairs, holm(raw), strict=True):
        p[i, j] = p[j, i] = adjusted
    return p


def indistinct(p_adjusted: Floats) -> list[tuple[int, ...]]:
    """The largest groups of arms of which no test tells a pair apart: maximal cliques (Bron and Kerbosch, 1973).

    ``p_adjusted`` [arms, arms]
    """
    alike = [{int(j) for j in np.flatnonzero(row > ALPHA)} - {i} for i, row in enumerate(p_adjusted)]
    found: list[tuple[int, ...]] = []

    def grow(group: set[int], candidates: set[int], done: set[int]) -> None:
        if not candidates and not done and len(group) > 1:
            found.append(tuple(sorted(group)))
        for arm in sorted(candidates):
            grow(group | {arm}, candidates & alike[arm], done & alike[arm])
            candidates, done = candidates - {arm}, done | {arm}

    grow(set(), set(range(len(alike))), set())
    return found


def _costs(metric: str, values: Floats, worst: Bools) -> tuple[Floats, Bools]:
    """Runs on the scale of differences, the lower the better [arms, seeds]; which arms go by their median [arms]."""
    about, scaled = METRICS[metric], np.where(worst, 1.0, values)
    if about.ratio:
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where(scaled > 0, np.log(scaled), -np.inf)
    cost = np.where(worst, np.inf, -about.orientation * scaled)
    return cost, np.asarray(~np.isfinite(cost).all(axis=1), dtype=bool)


def _order(cost: Floats, medians: Bools) -> Floats:
    """The rank of every arm. [arms, samples, seeds] → [arms, samples]"""
    middle = np.empty(cost.shape[:2])
    middle[~medians] = np.round(cost[~medians].mean(axis=2), 9)
    middle[medians] = np.sort(cost[medians], axis=2)[:, :, (cost.shape[2] - 1) // 2]
    return np.asarray(stats.rankdata(np.round(middle, 9), axis=0))
