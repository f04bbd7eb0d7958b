"""How likely more seeds are to decide an open claim: the predictive distribution of its test (Spiegelhalter, 1986).

Not as if the difference were as it was observed, which is too good to be true of what was looked at because it is open:
the standardized distance from the margin is normal about 0 before anything was seen, and shrinks towards it after.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy import stats

from study.metrics import METRICS
from study.stats.estimates import TIE, Floats
from study.stats.exact import MOST, POWER, fewest_pairs, smallest_unpaired_p
from study.stats.paired import Evidence, Kind

PRIOR = 0.5  # standard deviation of a standardized distance, before anything is seen
EVEN = 0.5


class Outlook(NamedTuple):
    """How many pairs in all (runs of each arm, where they are not paired) decide a claim with an ``even`` chance, and
    with one of 80 % (``likely``). None where more than 1,000 would be needed, or the arms look ``equal``.
    """

    even: int | None = None
    likely: int | None = None
    equal: bool = False


def outlook(metric: str, kind: Kind, found: Evidence, level: float, paired: bool = True) -> Outlook:
    """Of a claim that is open at this ``level``: 0.05, by the looks and Holm's divisor.

    Nothing where the estimate is within a standard error of what it is tested against: then the arms, or arm and
    margin, look equal, and no number of seeds is worth naming.
    """
    distance = _distance(metric, kind, found)
    if found.pairs < 2:
        return Outlook()
    if distance is None or abs(distance) * sqrt(found.pairs) < 1:
        return Outlook(equal=True)
    chance = chances(metric, kind, found, distance, level, paired)
    even, likely = (
        found.pairs + 1 + int(np.argmax(chance >= share)) if chance.max(initial=0.0) >= share else None
        for share in (EVEN, POWER)
    )
    return Outlook(even, likely)


def chances(metric: str, kind: Kind, found: Evidence, distance: float, level: float, paired: bool) -> Floats:
    """The chance that n pairs in all decide, for n from one more than there are to 1,000. [numbers]

    ``distance``: from what it is tested against, in standard deviations of a pair.
    """
    now, n = found.pairs, np.arange(found.pairs + 1.0, MOST + 1)
    share = PRIOR**2 / (PRIOR**2 + 1 / now)  # of the distance that is left after shrinking
    more = n - now
    mean = (now + more * share) / n * distance
    sd = more / n * np.sqrt(share / now + 1 / more)
    sides = 1 if kind == "equal" else 2
    two, one = (stats.t.isf(part, n - 1) / np.sqrt(n) for part in (level / 2, level))
    chance: Floats = stats.norm.sf((two - mean) / sd)  # beyond the bound
    if sides == 2:
        chance += stats.norm.cdf((-two - mean) / sd)
    elif found.mean is not None and found.sd:
        within = stats.norm.cdf((-one - mean) / sd)  # and not so far that the other bound is near
        width = 2 * METRICS[metric].threshold(found.margin) / found.sd
        chance += np.maximum(0.0, within - stats.norm.cdf((one - width - mean) / sd))
    else:
        chance += stats.norm.cdf((-one - mean) / sd)
    chance *= _possible(found, n, level, sides, paired)
    return chance


def _distance(metric: str, kind: Kind, found: Evidence) -> float | None:
    """Above 0 on the side of the claim; of ``kind: equal`` from the nearer bound, below 0 between the two."""
    if found.mean is None or found.sd is None:
        if found.p is None or not found.wins + found.losses:
            return None
        inside = kind == "equal" and found.wins > found.losses
        size = float(stats.norm.isf(min(1.0, found.p) / (1 if inside else 2))) / sqrt(found.pairs)
        return -size if inside else size
    m = METRICS[metric].threshold(found.margin)
    gap = abs(found.mean) - m if kind == "equal" else found.mean - m
    if abs(gap) < TIE:
        return 0.0
    return gap / found.sd if found.sd > TIE else float(np.sign(gap)) * 1e6


def _possible(found: Evidence, n: Floats, level: float, sides: int, paired: bool) -> Floats:
    """The chance that so many pairs can have a p of this ``level`` at all, if they tie as often as so far. [numbers]"""
    if not paired:
        return np.array([smallest_unpaired_p(size, size, sides) <= level for size in map(int, n)], dtype=float)
    differ = found.pairs - found.ties
    possible: Floats = stats.binom.sf(fewest_pairs(level, sides) - differ - 1, n - found.pairs, differ / found.pairs)
    return possible
