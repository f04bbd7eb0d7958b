"""Verdicts, and which claims a number of seeds can decide at all.

Standard library only: it answers before anything is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from math import comb, sqrt
from statistics import NormalDist
from typing import Literal, get_args

Word = Literal["supported", "refuted", "within the margin", "undecided"]
WORDS: tuple[Word, ...] = get_args(Word)  # what a claim may come to
ALPHA = 0.05
PRIMARY = "primary"  # the family of claims that name none
POWER = 0.8
SPARE = 3  # ties that leave room for a decision, where the sign-flip test has nearly the power of the t test
MOST = 1_000  # seeds, or runs of an arm; more is said as "more than 1,000"
DATASETS = 6  # that tell arms apart: fewer cannot


def ordered_families(names: Iterable[str]) -> list[str]:
    """Each of them once: the primary one first, then as they come."""
    return sorted(dict.fromkeys(names), key=lambda name: name != PRIMARY)


def smallest_p(seeds: int, ties: int = 0, sides: int = 2) -> float:
    """The smallest p of a sign-flip or sign test on ``seeds`` pairs of which ``ties`` are equal.

    ``sides``: 2, or 1 for a claim of ``kind: equal``, whose tests are one-sided.
    """
    return min(1.0, sides * 0.5 ** max(0, seeds - ties))


def decidable(seeds: int, looks: int = 1) -> int:
    """How many claims that many seeds can decide: the largest number under which one of them has a chance."""
    return int(ALPHA / looks / smallest_p(seeds))


def fewest_pairs(level: float, sides: int = 2) -> int:
    """The smallest number of pairs whose test can have a p of this ``level``. ``sides``: as above."""
    return next(pairs for pairs in count(1) if smallest_p(pairs, sides=sides) <= level)


def fewest_seeds(claims: int, looks: int = 1, sides: int = 2) -> int:
    """The smallest number of seeds with which so many claims have a chance."""
    return fewest_pairs(ALPHA / looks / max(1, claims), sides)


def detectable(pairs: int, level: float) -> float | None:
    """By how many standard deviations of a paired difference two arms differ of which so many pairs decide a claim at
    this ``level`` with a chance of 80 %, about (Guenther, 1981, of the t test). None where pairs are too few for any,
    or so few that the sign-flip test, whose p come in steps, falls behind: where it can be decided with under 3 ties.
    """
    bound = NormalDist().inv_cdf(1 - level / 2)
    rest = pairs - bound**2 / 2
    if rest <= 0 or smallest_p(pairs, SPARE) > level:
        return None
    return float((bound + NormalDist().inv_cdf(POWER)) / sqrt(rest))


def smallest_unpaired_p(one: int, other: int, sides: int = 2) -> float:
    """The smallest p of a permutation test of so many runs against so many others. ``sides``: as above."""
    return min(1.0, sides / comb(one + other, one))


def fewest_runs(claims: int, looks: int = 1) -> int:
    """The smallest number of runs of each arm, not paired, with which so many claims have a chance."""
    return next(runs for runs in count(2) if smallest_unpaired_p(runs, runs) <= ALPHA / looks / max(1, claims))


def chances(floors: Sequence[float], looks: int = 1) -> list[bool]:
    """Which of the claims that count have a chance, given the smallest p that each can have.

    Holm's method at its kindest: every claim at its floor. With equally many seeds for all: floor ≤ 0.05 / claims.
    """
    order = sorted(range(len(floors)), key=lambda claim: floors[claim])
    chance = [False] * len(floors)
    for rank, claim in enumerate(order):
        if floors[claim] > ALPHA / looks / (len(floors) - rank):
            break
        chance[claim] = True
    return chance
