"""Claims with the runs that they are about: the two sides of each, as statistics take them."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pandas as pd

from study.plan.file.claim import PlannedClaim
from study.plan.plan import PlannedComparison
from study.show.observations import Observations
from study.stats import paired, unpaired
from study.stats.estimates import Estimate, scaled
from study.stats.factorial import as_values, spreads
from study.stats.paired import Of, Side, Statement, lacks

ENDS = ("diverged", "failed", "missing")  # of a run, the last ones first to be told


def sides(
    comparison: PlannedComparison, metric: str, labels: tuple[str, str], observations: Observations
) -> tuple[Side, Side]:
    """The runs, or timing rounds, of two arms: where they are paired those that both have, else all."""
    one, other = (observations.arm(comparison.name, metric, label) for label in labels)
    tuned = [_doubts(one), _doubts(other)]
    if comparison.paired:
        both = one.index.intersection(other.index)
        one, other = one.loc[both], other.loc[both]
    first, second = (
        Side(label, mine["value"].to_numpy(dtype=float), mine["status"].to_numpy(dtype=str), *how)
        for label, mine, how in zip(labels, (one, other), tuned, strict=True)
    )
    return first, second


def contrast(
    comparison: PlannedComparison, metric: str, labels: tuple[str, str], observations: Observations
) -> Estimate:
    """How far the first of two arms is from the other, as a claim on them has it; above 0 or 1 where it is better.

    Empty where runs of either are failed or missing, as such a claim is undecided.
    """
    claim = Statement(metric, *sides(comparison, metric, labels, observations), paired=comparison.paired)
    return Estimate() if lacks(claim) else (paired if claim.paired else unpaired).contrast(claim)


def statement(comparison: PlannedComparison, claim: PlannedClaim, observations: Observations) -> Statement:
    """A claim with its runs; of levels with the means over all arms that have them, of effects with their spreads."""
    room = (0.0, 0.0)
    of: Of = "effects" if claim.effects else "levels" if claim.better_arms else "arms"
    if of == "arms":
        one, other = sides(comparison, claim.metric, (claim.better, claim.than), observations)
    else:
        cells = _cells(comparison, claim, observations)
        one, other = (
            _mean(claim.metric, name, [cells[label] for label in arms])
            for name, arms in zip((claim.better, claim.than), claim.sides, strict=True)
        )
        if claim.effects:
            one, other, room = _spread(comparison, claim, (one, other), cells)
    about = (claim.margin, claim.kind, claim.derived, comparison.paired, of, claim.family, room)
    return Statement(claim.metric, one, other, *about)


def _cells(comparison: PlannedComparison, claim: PlannedClaim, observations: Observations) -> dict[str, pd.DataFrame]:
    """The rows of every arm of a claim, by its label, of the seeds (or rounds) that all of them have."""
    every = {label: observations.arm(comparison.name, claim.metric, label) for label in claim.arms}
    seeds = reduce(pd.Index.intersection, (mine.index for mine in every.values()))
    return {label: mine.loc[seeds] for label, mine in every.items()}


def _mean(metric: str, name: str, cells: list[pd.DataFrame]) -> Side:
    """The arms of a level as one side: in each seed their mean, and the worst that became of a run of them."""
    values = np.stack([cell["value"].to_numpy(dtype=float) for cell in cells])
    status = np.stack([cell["status"].to_numpy(dtype=object) for cell in cells])
    ends = status[0].copy()
    for end in ENDS:
        ends[(status == end).any(axis=0)] = end
    mean = as_values(metric, scaled(metric, values).mean(axis=0))  # geometric where factors count
    mean = np.where(np.isposinf(values).any(axis=0), np.inf, mean)
    return Side(name, mean, ends.astype(str), *_doubts(*cells))


def _doubts(*cells: pd.DataFrame) -> list[bool]:
    """Whether any arm is undertuned, misled, unsearched."""
    return [any(cell[name].any() for cell in cells) for name in ("undertuned", "misled", "unsearched")]


def _spread(
    comparison: PlannedComparison, claim: PlannedClaim, means: tuple[Side, Side], cells: dict[str, pd.DataFrame]
) -> tuple[Side, Side, tuple[float, float]]:
    """``means`` of all arms, with how far the main effects of two axes spread as their values, and the room that noise
    leaves; as they are where a run has no number.
    """
    values = np.stack([cells[label]["value"].to_numpy(dtype=float) for label in comparison.grid if label], 1)
    if not values.size or not np.isfinite(scaled(claim.metric, values)).all():
        return *means, (0.0, 0.0)
    shaped = values.reshape(-1, *map(len, comparison.levels.values()))
    axes = comparison.keys.index(claim.better) + 1, comparison.keys.index(claim.than) + 1
    found = spreads(claim.metric, shaped, axes)
    first, second = (
        replace(side, values=as_values(claim.metric, x))
        for side, x in zip(means, (found.first, found.second), strict=True)
    )
    return first, second, found.room
