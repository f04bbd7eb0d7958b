"""Paired differences between two arms and the tests on them. A pair is a seed, or a round of the timing job."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.metrics import METRICS
from study.stats.estimates import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Alternative = Literal["two-sided", "greater", "less"]
EXACT = 16  # differences up to which all 2^n sign patterns are tried
RESAMPLES = 99_999
TIE = 5e-10  # differences this close are equal: those of counts are, up to rounding


def differences(metric: str, better: Floats, than: Floats, worst: tuple[Bools, Bools]) -> Floats:
    """The oriented difference of every pair, above 0 where ``better`` is better. [pairs]

    A log ratio, or for accuracies and shares a plain difference. ``worst``: for each of the two arms, in which pairs
    it is worse than every number. Where one arm is, the difference is infinite; where both are, NaN. A loss of 0 is
    infinitely better than any other.
    """
    about, sides = METRICS[metric], []
    for values, lost in zip((better, than), worst, strict=True):
        kept = np.where(lost, 1.0, values)
        if about.ratio:
            if (kept < 0).any():
                raise ValueError(f"{metric} is compared by factors, which negative values do not have")
            with np.errstate(divide="ignore"):
                kept = np.log(kept)
        sides.append(np.where(lost, -np.inf, about.orientation * kept))
    a, b = sides
    with np.errstate(invalid="ignore"):
        d = np.where(a == b, 0.0, a - b)
    return np.where(np.isneginf(a) & np.isneginf(b), np.nan, d)


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
    if len(x) < 2:  # for which scipy has no test; one difference says what one coin says
        return sign_test(x, alternative)
    result = stats.permutation_test(
        (x,),
        _rounded_sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if len(x) <= EXACT else RESAMPLES,
        alternative=alternative,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def sign_test(x: Floats, alternative: Alternative = "two-sided") -> float:
    """p of the exact sign test: wins against losses, whatever their size. NaN and 0 are ties and count for neither."""
    wins, losses = int((x > 0).sum()), int((x < 0).sum())
    return float(stats.binomtest(wins, wins + losses, alternative=alternative).pvalue) if wins + losses else 1.0


def equivalence(d: Floats, m: float) -> tuple[float, bool]:
    """p of what ``d`` [pairs] speaks for, and whether that is being equal: within ``±m``.

    Two one-sided tests for equal (the larger p); the same test, doubled, for being beyond ``m`` on either side.
    Sign tests where a pair holds no number. What the mean does not lie on has a p of at least a half.
    """
    above, below = beyond(d, m), beyond(d, -m)
    if not np.isfinite(d).all():
        equal = max(sign_test(above, "less"), sign_test(below, "greater"))
        apart = min(1.0, 2 * min(sign_test(above, "greater"), sign_test(below, "less")))
        return (equal, True) if equal <= apart else (apart, False)
    if abs(d.mean()) < m:
        return max(sign_flip(above, "less"), sign_flip(below, "greater")), True
    return min(1.0, 2 * (sign_flip(above, "greater") if d.mean() > 0 else sign_flip(below, "less"))), False


def _rounded_sum(x: Floats, axis: int) -> Floats:
    """Sums, equal where they differ by rounding only.

    In units of 1/π no sum of counts lies between two roundings; in units of 1 those of k/1024 less a margin do, and
    then they tie or not by chance.
    """
    return np.asarray(np.round(x.sum(axis=axis) * math.pi, 9))
