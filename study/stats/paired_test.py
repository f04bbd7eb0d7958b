"""What the runs of two arms say about one claim, before the other claims of the study are looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.metrics import METRICS
from study.stats.estimates import Floats, mean_interval
from study.stats.paired import TIE, Bools, beyond, differences, equivalence, sign_flip, sign_test

Kind = Literal["better", "equal"]
Test = Literal["sign-flip", "sign", "deterministic", "none"]
Absence = Literal["failed", "missing", "unknown"]  # unknown: it ended, and has no value; or was not timed


@dataclass(frozen=True)
class Side:
    """One arm of a claim. Pair i of one side belongs to pair i of the other: the same seed, or the same round.

    ``values``: of the claim's metric, in its unit [pairs]; inf for a target that was not reached, NaN for no value.
    ``status``: how each run ended [pairs]; out of memory counts as diverged. Of a time to target the value counts,
    however the run ended later. ``undertuned``: the best trial is on the edge of the grid.
    """

    label: str
    values: Floats
    status: NDArray[np.str_]
    undertuned: bool = False


@dataclass(frozen=True)
class Statement:
    """A claim with the runs that it is about. ``margin``: None for the metric's default."""

    metric: str
    better: Side
    than: Side
    margin: float | None = None
    kind: Kind = "better"
    derived: bool = False


class Lack(NamedTuple):
    """What an arm must have before a claim on it can be judged: how many of its ``of`` pairs say nothing, and why.

    ``of`` is 0 where nothing has run, or nothing was timed.
    """

    label: str
    counts: dict[Absence, int]
    of: int


@dataclass(frozen=True)
class Evidence:
    """``estimate low high``: a difference in the metric's unit, or a factor (above 1: better); where a pair holds no
    number, the share of the decided pairs that are won, with its exact interval. None where it does not exist.

    ``favours``: whether the evidence lies on the side of the claim; None where on neither. ``wins losses ties``: pairs
    against the margin (``kind: equal``: within it, beyond it). ``mean sd``: of the differences, as they are tested.
    ``ahead``: the arm that did better, whatever the margin; None where neither did. ``p_ahead``: of the test of
    that alone, without the margin; not adjusted. ``both_lost``: pairs in which both arms are worse than every number.
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
    worst = _worse_than_any(claim.metric, claim.better), _worse_than_any(claim.metric, claim.than)
    if lacking := tuple(_lacking(claim, worst)):
        return Evidence(margin, "none", 1.0, None, lacking=lacking)
    d = differences(claim.metric, claim.better.values, claim.than.values, worst)
    m = about.threshold(margin)
    if about.counted and all(np.ptp(side.values) == 0 for side in sides):
        found = _of_counts(claim, d, m, margin)
    else:
        found = (_of_sizes if np.isfinite(d).all() else _of_signs)(claim, d, m, margin)
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


def _of_signs(claim: Statement, d: Floats, m: float, margin: float) -> Evidence:
    """A pair holds no number: sign test on wins, never a mean of survivors."""
    wins, losses = _wins(claim.kind, d, m)
    p, favours = equivalence(d, m) if claim.kind == "equal" else (sign_test(beyond(d, m)), _sign(wins - losses))
    if not wins + losses:
        return Evidence(margin, "sign", 1.0, None)
    low, high = map(float, stats.binomtest(wins, wins + losses).proportion_ci(0.95))
    return Evidence(margin, "sign", p, favours, None, wins / (wins + losses), low, high)


def _wins(kind: Kind, d: Floats, m: float) -> tuple[int, int]:
    """Pairs that speak for the claim and against it; NaN for neither."""
    x = beyond(m - np.abs(d), 0) if kind == "equal" else beyond(d, m)
    return int((x > 0).sum()), int((x < 0).sum())


def _sign(x: float) -> bool | None:
    return None if abs(x) < TIE else x > 0


def _worse_than_any(metric: str, side: Side) -> Bools:
    """Where an arm is worse than every number: diverged, or a target not reached. [pairs]"""
    return np.isposinf(side.values) if METRICS[metric].target else side.status == "diverged"


def _lacking(claim: Statement, worst: tuple[Bools, Bools]) -> list[Lack]:
    """The arms of which runs, or timings, must be there before the claim can be judged."""
    found = []
    for side, lost in zip((claim.better, claim.than), worst, strict=True):
        known: dict[str, Absence] = {"failed": "failed", "missing": "missing"}
        absent = np.isin(side.status, list(known)) | (~lost & ~np.isfinite(side.values))
        counts = Counter(known.get(status, "unknown") for status in side.status[absent])
        if counts or not len(lost):
            found.append(Lack(side.label, counts, len(lost)))
    return found
