"""Tests that paired differences are symmetric about 0: their signs are flipped, of their sizes or of their ranks."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy import stats

from study.stats.estimates import Floats

Alternative = Literal["two-sided", "greater", "less"]
EXACT = 16  # differences up to which all 2^n sign patterns are tried
RESAMPLES = 99_999
TIE = 5e-10  # differences this close are equal: those of counts are, up to rounding


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
