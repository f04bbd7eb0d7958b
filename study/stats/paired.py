"""What the runs of two arms say about one claim: paired differences, and the tests on them.

A pair is a seed, or a round of the timing job.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.metrics import METRICS
from study.stats.estimates import Bools, Floats, mean_interval

Kind = Literal["better", "equal"]
Test = Literal["sign-flip", "signed-rank", "permutation", "rank-sum", "deterministic", "none"]
Alternative = Literal["two-sided", "greater", "less"]
EXACT = 16  # differences up to which all 2^n sign patterns are tried
RESAMPLES = 99_999
TIE = 5e-10  # differences this close are equal: those of counts are, up to rounding


@dataclass(frozen=True)
class Side:
    """One arm of a claim. Pair i of one side belongs to pair i of the other: the same seed, or the same round.
    Where a claim is not ``paired`` they are runs, and the sides may have different numbers of them.

    ``values``: of the claim's metric, in its unit [pairs]; inf for a target that was not reached, NaN for no value.
    ``status``: how each run ended [pairs]. Of a time to target the value counts,
    however the run ended later. ``undertuned``: the best trial is on the edge of the grid; ``unsearched``: what it was
    tuned by is not there any more.
    """

    label: str
    values: Floats
    status: NDArray[np.str_]
    undertuned: bool = False
    unsearched: bool = False


@dataclass(frozen=True)
class Statement:
    """A claim with the runs that it is about. ``margin``: None for the metric's default. ``paired``: whether run i of
    one side shares with run i of the other what chance gave them.
    """

    metric: str
    better: Side
    than: Side
    margin: float | None = None
    kind: Kind = "better"
    derived: bool = False
    paired: bool = True


class Lack(NamedTuple):
    """What an arm must have before a claim on it can be judged: how many of its ``of`` pairs say nothing, and why.

    ``of`` is 0 where nothing has run, or nothing was timed. ``unsearched``: its search must be there.
    """

    label: str
    counts: dict[str, int]  # failed, missing, unknown: it ended, and has no value; or was not timed
    of: int
    unsearched: bool = False


@dataclass(frozen=True)
class Evidence:
    """``estimate low high``: a difference in the metric's unit, or a factor (above 1: better); where a pair holds no
    number, the share of the decided pairs that are won, with its exact interval. None where it does not exist.

    ``favours``: whether the evidence lies on the side of the claim; None where on neither. ``wins losses ties``: pairs
    against the margin (``kind: equal``: within it, beyond it). ``mean sd``: of the differences, as they are tested.
    ``ahead``: the arm that did better, whatever the margin; None where neither did. ``p_ahead``: of the test of
    that alone, without the margin; not adjusted. ``both_lost``: pairs in which both arms are worse than every number.

    Where runs are not paired, ``pairs`` are the runs of the smaller side, ``wins losses ties`` are of every run of one
    side against every run of the other, and ``sd`` is that of the difference of two runs.
    """

    margin: float
    test: Test
    p: float | None
    favours: bool | None
    ahead: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    mean: float | None = None
    sd: float | None = None
    pairs: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    p_ahead: float | None = None
    lost: tuple[int, int] = (0, 0)  # pairs in which each of the two is worse than every number
    both_lost: int = 0
    runs: tuple[int, int] = (0, 0)  # of each side, where they are not paired
    lacking: tuple[Lack, ...] = ()  # what has to be run again before anything can be said


def weigh(claim: Statement) -> Evidence:
    """Test one claim. ``p`` is not yet adjusted for the other claims; it is None for deterministic metrics.

    Raises ValueError where the sides are not paired, or a claim of ``kind: equal`` has no margin.
    """
    about = METRICS[claim.metric]
    margin = about.margin if claim.margin is None else claim.margin
    if claim.kind == "equal" and margin <= 0:
        raise ValueError("a claim of kind: equal needs a margin above 0")
    sides = (claim.better, claim.than)
    if len({len(array) for side in sides for array in (side.values, side.status)}) != 1:
        raise ValueError(f"{claim.better.label} and {claim.than.label} are not paired")
    worst = worse_than_any(claim.metric, claim.better), worse_than_any(claim.metric, claim.than)
    if lacking := tuple(lacks(claim, worst)):
        return Evidence(margin, "none", 1.0, None, lacking=lacking)
    d = differences(claim.metric, claim.better.values, claim.than.values, worst)
    m = about.threshold(margin)
    if about.counted and all(np.ptp(side.values) == 0 for side in sides):
        found = _of_counts(claim, d, m, margin)
    else:
        found = (_of_sizes if np.isfinite(d).all() else _of_ranks)(claim, d, m, margin)
    wins, losses = _wins(claim.kind, d, m)
    lead = int((d > TIE).sum()) - int((d < -TIE).sum()) if found.mean is None else found.mean
    return replace(
        found,
        ahead=None if abs(lead) < TIE else (claim.better if lead > 0 else claim.than).label,
        pairs=len(d),
        wins=wins,
        losses=losses,
        ties=len(d) - wins - losses,
        lost=(int(worst[0].sum()), int(worst[1].sum())),
        both_lost=int((worst[0] & worst[1]).sum()),
    )


def _of_counts(claim: Statement, d: Floats, m: float, margin: float) -> Evidence:
    """Every round agrees: there is nothing to test."""
    value = float(d[0])
    favours = abs(value) <= m + TIE if claim.kind == "equal" else value > m + TIE
    estimate = METRICS[claim.metric].restored(value)
    return Evidence(margin, "deterministic", None, favours, estimate=estimate, mean=value, sd=0.0)


def _of_sizes(claim: Statement, d: Floats, m: float, margin: float) -> Evidence:
    """All differences are numbers: sign-flip test, t interval of their mean."""
    restored = METRICS[claim.metric].restored
    mean = float(np.round(d.mean(), 12))
    equal = claim.kind == "equal"
    p, favours = equivalence(d, m) if equal else (sign_flip(beyond(d, m)), _sign(mean - m))
    level = 0.9 if equal else 0.95  # an equivalence test at 5 % is a 90 % interval within the margin
    low, high = (None if end is None else restored(end) for end in mean_interval(d, level, TIE))
    estimate, sd = restored(mean), float(d.std(ddof=1)) if low is not None else 0.0
    ahead = sign_flip(beyond(d, 0)) if m and not (equal or favours) else None
    return Evidence(margin, "sign-flip", p, favours, None, estimate, low, high, level, mean, sd, p_ahead=ahead)


def _of_ranks(claim: Statement, d: Floats, m: float, margin: float) -> Evidence:
    """A pair holds no number: signed ranks of all pairs and the share that is won, never a mean of survivors."""
    wins, losses = _wins(claim.kind, d, m)
    if not wins + losses:
        return Evidence(margin, "signed-rank", 1.0, None)
    ranks = signed_ranks(beyond(d, m))
    p, favours = equivalence(d, m) if claim.kind == "equal" else (sign_flip(ranks), _sign(float(ranks.sum())))
    low, high = map(float, stats.binomtest(wins, wins + losses).proportion_ci(0.95))
    return Evidence(margin, "signed-rank", p, favours, None, wins / (wins + losses), low, high)


def _wins(kind: Kind, d: Floats, m: float) -> tuple[int, int]:
    """Pairs that speak for the claim and against it; NaN for neither."""
    x = beyond(m - np.abs(d), 0) if kind == "equal" else beyond(d, m)
    return int((x > 0).sum()), int((x < 0).sum())


def _sign(x: float) -> bool | None:
    return None if abs(x) < TIE else x > 0


def worse_than_any(metric: str, side: Side) -> Bools:
    """Where an arm is worse than every number: diverged, or a target not reached. [pairs]"""
    return np.isposinf(side.values) if METRICS[metric].target else side.status == "diverged"


def lacks(claim: Statement, worst: tuple[Bools, Bools]) -> list[Lack]:
    """The arms of which runs, or timings, must be there before the claim can be judged."""
    found = []
    for side, lost in zip((claim.better, claim.than), worst, strict=True):
        never = np.isin(side.status, ["failed", "missing"])
        why = np.where(never, side.status, "unknown")
        counts = Counter(map(str, why[never | (~lost & ~np.isfinite(side.values))]))
        if counts or side.unsearched or not len(lost):
            found.append(Lack(side.label, counts, len(lost), side.unsearched))
    return found


def differences(metric: str, better: Floats, than: Floats, worst: tuple[Bools, Bools]) -> Floats:
    """The oriented difference of every pair, above 0 where ``better`` is better. [pairs]

    A log ratio, or for accuracies and shares a plain difference. ``worst``: for each of the two arms, in which pairs
    it is worse than every number. Where one arm is, the difference is infinite; where both are, NaN. A loss of 0 is
    infinitely better than any other.
    """
    a, b = (oriented(metric, values, lost) for values, lost in zip((better, than), worst, strict=True))
    with np.errstate(invalid="ignore"):
        d = np.where(a == b, 0.0, a - b)
    return np.where(np.isneginf(a) & np.isneginf(b), np.nan, d)


def oriented(metric: str, values: Floats, lost: Bools) -> Floats:
    """``values`` on the scale of differences, the higher the better; -inf where an arm is ``lost``. [runs]"""
    about, kept = METRICS[metric], np.where(lost, 1.0, values)
    if about.ratio:
        if (kept < 0).any():
            raise ValueError(f"{metric} is compared by factors, which negative values do not have")
        with np.errstate(divide="ignore"):
            kept = np.log(kept)
    return np.where(lost, -np.inf, about.orientation * kept)


def beyond(d: Floats, m: float) -> Floats:
    """``d - m``, exactly 0 where they are equal up to rounding. [pairs]"""
    x = d - m
    return np.where(np.abs(x) < TIE, 0.0, x)


def sign_flip(x: Floats, alternative: Alternative = "two-sided") -> float:
    """p of the sign-flip test that ``x`` [pairs] is symmetric about 0 (Fisher, 1935): exact for up to 16 pairs.

    Zeros are left out, which moves no p: flipping them changes no sum.
    """
    if not np.isfinite(x).all():
        raise ValueError("the sign-flip test needs finite differences")  # one NaN would give p = 0
    x = x[x != 0]
    if len(x) > EXACT:
        drawn = stats.permutation_test(
            (x,),
            _rounded_sum,
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            alternative=alternative,
            rng=np.random.default_rng(0),
        )
        return float(drawn.pvalue)
    sums = np.zeros(1)
    for value in x:  # scipy, which would do the same, takes a hundred times as long
        sums = np.concatenate([sums + value, sums - value])
    null = _rounded(sums)
    observed = null[0]  # the sum of all as they are
    tails = {"less": float((null <= observed).mean()), "greater": float((null >= observed).mean())}
    return min(1.0, 2 * min(tails.values())) if alternative == "two-sided" else tails[alternative]


def signed_ranks(x: Floats) -> Floats:
    """The ranks of the sizes of ``x`` [pairs], with its signs (Wilcoxon, 1945); ties share theirs.

    Infinite ones have no size: each has the middle rank of the others. With the highest, runs that either arm loses by
    chance would drown all other differences (docs/statistics.md). NaN and 0 are ties of two arms and have none. Sizes
    are equal where they differ by rounding only.
    """
    x = x[~np.isnan(x) & (x != 0)]
    known = np.isfinite(x)
    ranks = np.full(len(x), (known.sum() + 1) / 2)
    ranks[known] = stats.rankdata(np.round(np.abs(x[known]), 9))
    signed: Floats = np.sign(x) * ranks
    return signed


def equivalence(d: Floats, m: float) -> tuple[float, bool]:
    """p of what ``d`` [pairs] speaks for, and whether that is being equal: within ``±m``.

    Two one-sided tests for equal (the larger p); the same test, doubled, for being beyond ``m`` on either side.
    Of signed ranks where a pair holds no number. What the mean does not lie on has a p of at least a half.
    """
    above, below = beyond(d, m), beyond(d, -m)
    if not np.isfinite(d).all():
        above, below = signed_ranks(above), signed_ranks(below)
        equal = max(sign_flip(above, "less"), sign_flip(below, "greater"))
        apart = min(1.0, 2 * min(sign_flip(above, "greater"), sign_flip(below, "less")))
        return (equal, True) if equal <= apart else (apart, False)
    if abs(d.mean()) < m:
        return max(sign_flip(above, "less"), sign_flip(below, "greater")), True
    return min(1.0, 2 * (sign_flip(above, "greater") if d.mean() > 0 else sign_flip(below, "less"))), False


def _rounded_sum(x: Floats, axis: int) -> Floats:
    return _rounded(x.sum(axis=axis))


def _rounded(sums: Floats) -> Floats:
    """``sums``, equal where they differ by rounding only.

    In units of 1/π no sum of counts lies between two roundings; in units of 1 those of k/1024 less a margin do, and
    then they tie or not by chance.
    """
    return np.asarray(np.round(sums * math.pi, 9))
