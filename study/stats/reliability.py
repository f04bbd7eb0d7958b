"""Beside a verdict: how often the one arm beats the other, and whether one of them fails more often."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from study.stats.estimates import TIE, Bools
from study.stats.paired import Statement


class Improvement(NamedTuple):
    """The probability that a run of the arm claimed to be better beats one of the other, ties for half, and its 95 %
    interval.
    """

    share: float
    low: float
    high: float


def improvement(claim: Statement) -> Improvement | None:
    """Probability of improvement (Agarwal et al., 2021), whatever the margin; None without runs.

    Of pairs the share that is won, with its interval of Clopper and Pearson (1934). Where nothing pairs the runs it is
    the share of all pairs of any two, which varies no more than so many pairs as the smaller arm has runs (Hoeffding,
    1963): the interval is theirs.
    """
    with np.errstate(invalid="ignore"):
        d = claim.differences if claim.paired else np.subtract.outer(*claim.scaled)
    won, tied = d > TIE, ~(np.abs(d) > TIE)  # NaN: both are worse than every number
    runs = min(d.shape)
    if not runs:
        return None
    share = float((won + tied / 2).mean())
    return Improvement(share, *exact_interval(share * runs, runs))


def exact_interval(count: float, of: int, level: float = 0.95) -> tuple[float, float]:
    """Of a share (Clopper and Pearson, 1934). ``count`` may have a half, for a tie."""
    rest = (1 - level) / 2
    low = stats.beta.ppf(rest, count, of - count + 1) if count > 0 else 0.0
    high = stats.beta.isf(rest, count + 1, of - count) if count < of else 1.0
    return float(low), float(high)


class Ends(NamedTuple):
    """Of each of two arms, how many runs ended well; and p of the test that they do so equally often."""

    better: int
    than: int
    p: float


def ends(better: Bools, than: Bools, paired: bool = True) -> Ends | None:
    """Exact McNemar test (1947) of the pairs in which one of the two ended well; of runs that nothing pairs Fisher's.

    None where all runs of both ended alike.
    """
    well = int(better.sum()), int(than.sum())
    if not sum(well) or sum(well) == len(better) + len(than):
        return None
    if paired:
        only = int((better & ~than).sum()), int((than & ~better).sum())
        p = stats.binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0
    else:
        p = stats.fisher_exact([[well[0], len(better) - well[0]], [well[1], len(than) - well[1]]]).pvalue
    return Ends(*well, float(p))
