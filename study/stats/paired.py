"""What the runs of two arms say about one claim: paired differences, tested.

A pair is a seed, or a round of the timing job.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.metrics import METRICS
from study.stats.estimates import TIE, Bools, Estimate, Estimator, Floats, median_contrast, scaled
from study.stats.exact import PRIMARY
from study.stats.symmetry import beyond, equivalence, flip_interval, rank_flip, rank_interval, sign_flip, signed_ranks

Kind = Literal["better", "equal"]
Test = Literal["sign-flip", "signed-rank", "permutation", "rank-sum", "deterministic", "none", "not estimable"]
Of = Literal["arms", "levels", "effects"]


@dataclass(frozen=True)
class Side:
    """One arm of a claim. Pair i of one side belongs to pair i of the other: the same seed, or the same round.
    Where a claim is not ``paired`` they are runs, and the sides may have different numbers of them.

    ``values``: of the claim's metric, in its unit [pairs]; inf for a target that was not reached, NaN for no value.
    ``status``: how each run ended [pairs]. Of a time to target the value counts,
    however the run ended later. ``undertuned``: the best trial is on the edge of the grid; ``misled``: other settings
    that were tried did better than these runs; ``unsearched``: what it was tuned by is not there any more.
    """

    label: str
    values: Floats
    status: NDArray[np.str_]
    undertuned: bool = False
    misled: bool = False
    unsearched: bool = False


@dataclass(frozen=True)
class Statement:
    """A claim with the runs that it is about. ``margin``: None for the metric's default. ``paired``: whether run i of
    one side shares with run i of the other what chance gave them. ``family``: of claims that are corrected together.
    ``of``: what the sides are; of levels and effects of
    a factorial their values are means over arms, or spreads of these, which nobody has where a run has no number.
    ``room``: by how much the mean difference may be too high, and too low, for another reason than chance.

    Raises ValueError where the sides are not paired, or a claim of ``kind: equal`` has no margin.
    """

    metric: str
    better: Side
    than: Side
    margin: float | None = None
    kind: Kind = "better"
    derived: bool = False
    paired: bool = True
    of: Of = "arms"
    family: str = PRIMARY
    room: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.kind == "equal" and self.least <= 0:
            raise ValueError("a claim of kind: equal needs a margin above 0")
        if self.paired and len({len(array) for side in self.sides for array in (side.values, side.status)}) != 1:
            raise ValueError(f"{self.better.label} and {self.than.label} are not paired")

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.better, self.than

    @property
    def least(self) -> float:
        """The margin, whoever states it."""
        return METRICS[self.metric].margin if self.margin is None else self.margin

    @property
    def threshold(self) -> float:
        """The margin on the scale of differences."""
        return METRICS[self.metric].threshold(self.least)

    @property
    def level(self) -> float:
        """Of its interval by itself: an equivalence test at 5 % is a 90 % interval within the margin."""
        return 0.9 if self.kind == "equal" else 0.95

    @cached_property
    def worst(self) -> tuple[Bools, Bools]:
        """Of each side, which runs are worse than every number: diverged, or a target not reached. [pairs]"""
        target = METRICS[self.metric].target
        one, other = (np.isposinf(side.values) if target else side.status == "diverged" for side in self.sides)
        return one, other

    @cached_property
    def scaled(self) -> tuple[Floats, Floats]:
        """Each side on the scale of differences, the higher the better; -inf where a run is worse than every number.

        Raises ValueError where negative values are to be compared by factors. [pairs]
        """
        kept = [np.where(lost, 1.0, side.values) for side, lost in zip(self.sides, self.worst, strict=True)]
        if METRICS[self.metric].ratio and any((values < 0).any() for values in kept):
            raise ValueError(f"{self.metric} is compared by factors, which negative values do not have")
        pairs = zip(kept, self.worst, strict=True)
        one, other = (np.where(lost, -np.inf, scaled(self.metric, values)) for values, lost in pairs)
        return one, other

    @cached_property
    def differences(self) -> Floats:
        """Of every pair, above 0 where ``better`` is better. [pairs]

        A log ratio, or for accuracies and shares a plain difference. Where one arm is worse than every number, the
        difference is infinite; where both are, NaN. A loss of 0 is infinitely better than any other.
        """
        a, b = self.scaled
        with np.errstate(invalid="ignore"):
            d = np.where(a == b, 0.0, a - b)
        return np.where(np.isneginf(a) & np.isneginf(b), np.nan, d)

    @property
    def verdicts(self) -> tuple[str, str]:
        """What one side is by so much."""
        return ("larger", "smaller") if self.of == "effects" else METRICS[self.metric].verdicts


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
    """``estimate low high``: a difference in the metric's unit, or a factor (above 1: better), by the ``estimator``:
    the mean over pairs, of factors the geometric one; where a pair holds no number their median. None where it does
    not exist; an end of the interval may be infinite.

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
    estimator: Estimator | None = None
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
    """Test one claim, of which all runs are there. ``p`` is not yet adjusted for the other claims; it is None for
    deterministic metrics.
    """
    d, (one, other) = claim.differences, claim.worst
    lost, finite = (int(one.sum()), int(other.sum())), np.isfinite(d).all()
    if claim.of != "arms" and not finite:
        return Evidence(claim.least, "not estimable", 1.0, None, pairs=len(d), lost=lost)
    if METRICS[claim.metric].counted and all(np.ptp(side.values) == 0 for side in claim.sides):
        found = _of_counts(claim)
    else:
        found = _of_sizes(claim) if finite else _of_ranks(claim)
    wins, losses = _wins(claim)
    lead = int((d > TIE).sum()) - int((d < -TIE).sum()) if found.mean is None else found.mean
    return replace(
        found,
        ahead=None if abs(lead) < TIE else (claim.better if lead > 0 else claim.than).label,
        pairs=len(d),
        wins=wins,
        losses=losses,
        ties=len(d) - wins - losses,
        lost=lost,
        both_lost=int((one & other).sum()),
    )


def _of_counts(claim: Statement) -> Evidence:
    """Every round agrees: there is nothing to test."""
    value, m = float(claim.differences[0]), claim.threshold
    favours = abs(value) <= m + TIE if claim.kind == "equal" else value > m + TIE
    shown = contrast(claim)._asdict()
    return Evidence(claim.least, "deterministic", None, favours, **shown, mean=value, sd=0.0)


def _of_sizes(claim: Statement) -> Evidence:
    """All differences are numbers: sign-flip test, and what it does not tell from their mean."""
    d, m = claim.differences, claim.threshold
    x = nearest(d, m, claim.room)
    mean = float(np.round(x.mean(), 12))
    equal = claim.kind == "equal"
    p, favours = equivalence(x, m) if equal else (sign_flip(beyond(x, m)), _sign(mean - m))
    shown = contrast(claim)._asdict() | {"level": claim.level}
    sd = float(d.std(ddof=1)) if np.ptp(d) > TIE else 0.0
    ahead = sign_flip(beyond(nearest(d, 0, claim.room), 0)) if m and not (equal or favours) else None
    return Evidence(claim.least, "sign-flip", p, favours, **shown, mean=mean, sd=sd, p_ahead=ahead)


def nearest(d: Floats, m: float, room: tuple[float, float]) -> Floats:
    """``d`` [pairs] with its mean moved towards ``m`` as far as there is ``room``."""
    mean = float(d.mean())
    return np.asarray(d + (np.clip(m, mean - room[0], mean + room[1]) - mean))


def interval(claim: Statement, level: float) -> tuple[float | None, float | None]:
    """The interval of the estimate at this ``level``, by inverting the test of the claim; None where there is none."""
    d = claim.differences
    low, high = (flip_interval if np.isfinite(d).all() else rank_interval)(d, level)
    if low is None or high is None:
        return None, None
    restored = METRICS[claim.metric].restored
    return restored(low - claim.room[0]), restored(high + claim.room[1])


def contrast(claim: Statement) -> Estimate:
    """How far apart two arms are.

    The mean difference, with what the sign-flip test does not tell from it; where one is infinite the median, with what
    that test of signed ranks does not reject, without the pairs (NaN) in which both arms are worse than every number.
    """
    about, d = METRICS[claim.metric], claim.differences
    if np.isfinite(d).all():
        found = Estimate(about.restored(float(np.round(d.mean(), 12))), estimator=about.mean)
    else:
        found = median_contrast(claim.metric, d[~np.isnan(d)])
    low, high = (None, None) if found.estimate is None else interval(claim, claim.level)
    return found._replace(low=low, high=high)


def _of_ranks(claim: Statement) -> Evidence:
    """A pair holds no number: signed ranks and the median of all pairs, never a mean of survivors."""
    d, m = claim.differences, claim.threshold
    if not sum(_wins(claim)):
        return Evidence(claim.least, "signed-rank", 1.0, None)
    x = beyond(d, m)
    ranked = rank_flip(x), _sign(float(signed_ranks(x).sum()))
    p, favours = equivalence(d, m) if claim.kind == "equal" else ranked
    return Evidence(claim.least, "signed-rank", p, favours, **contrast(claim)._asdict(), level=claim.level)


def _wins(claim: Statement) -> tuple[int, int]:
    """Pairs that speak for the claim and against it; NaN for neither."""
    d, m = claim.differences, claim.threshold
    x = beyond(m - np.abs(d), 0) if claim.kind == "equal" else beyond(d, m)
    return int((x > 0).sum()), int((x < 0).sum())


def _sign(x: float) -> bool | None:
    return None if abs(x) < TIE else x > 0


def lacks(claim: Statement) -> tuple[Lack, ...]:
    """The arms of which runs, or timings, must be there before a claim on them can be judged."""
    found = []
    for side, lost in zip(claim.sides, claim.worst, strict=True):
        never = np.isin(side.status, ["failed", "missing"])
        why = np.where(never, side.status, "unknown")
        counts = Counter(map(str, why[never | (~lost & ~np.isfinite(side.values))]))
        if counts or side.unsearched or not len(lost):
            found.append(Lack(side.label, counts, len(lost), side.unsearched))
    return tuple(found)
